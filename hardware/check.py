"""Holds the pages against what they speak of: links, settings of the agent, places on the header. Prints what is wrong."""

import pathlib
import re
import sys
import tomllib

from header import GROUND, HEADER

HARDWARE = pathlib.Path(__file__).parent
ROOT = HARDWARE.parent
PAGES = [ROOT / "README.md", *sorted(HARDWARE.rglob("*.md"))]
SETTINGS = ROOT / "door-agent/src"
# Their values are words of the settings, too.
WORDS = ("kind", "format", "active", "release")

wrong = []


def without_code(text):
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def anchors(page):
    """What the headings of a page are called in links."""
    headings = re.findall(r"^#+ (.*)$", without_code(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_links(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists():
            wrong.append(f"{page}: there is no {link}")
        elif anchor and anchor not in anchors(target):
            wrong.append(f"{page}: {target.name} has no heading {anchor}")


def known_words():
    """Every word in quotes of what reads the settings: keys, and the values of those that have a choice."""
    sources = [SETTINGS / "config.rs", *(SETTINGS / "config").rglob("*.rs")]
    texts = [source.read_text() for source in sources if source.stem != "tests" and "tests" not in source.parts]
    return set(re.findall(r'"(\w+)"', "\n".join(texts)))


def keys(table):
    for key, value in table.items():
        yield key
        if key in WORDS:
            yield value
        for inner in value if isinstance(value, list) else [value]:
            if isinstance(inner, dict):
                yield from keys(inner)


def check_settings(page, known):
    text = page.read_text()
    named = [key for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL) for key in keys(tomllib.loads(block))]
    for code in re.findall(r"`([^`\n]+)`", without_code(text)):
        named += re.findall(r"^(\w+) = ", code) + re.findall(r"^\w+_pin$", code)
        named += re.findall(rf'^(?:{"|".join(WORDS)}) = "(\w+)"$', code)
    for word in sorted(set(named) - known):
        wrong.append(f"{page}: the agent's settings do not know `{word}`")


def numbers(cell):
    """The numbers of a cell, if it has nothing else: `2, 3` or `8 to 11`."""
    if span := re.fullmatch(r"(\d+) to (\d+)", cell):
        return list(range(int(span[1]), int(span[2]) + 1))
    return [int(number) for number in cell.split(", ")] if re.fullmatch(r"\d+(, \d+)*", cell) else []


def check_header(source):
    """Wherever a GPIO number stands beside a place on the header, they belong together."""
    text = source.read_text()
    pairs = re.findall(r"GPIO(\d+) · pin (\d+)", text)
    pairs += [(pin, place) for place, pin in re.findall(r"pin (\d+) · GPIO(\d+)", text)]
    pairs = [(int(pin), int(place)) for pin, place in pairs]
    for row in re.findall(r"^\| (.*) \|$", text, re.MULTILINE):
        cells = row.split(" | ")
        if len(cells) == 5 and numbers(cells[2]) and numbers(cells[3]):
            pairs += zip(numbers(cells[2]), numbers(cells[3]), strict=True)
        if len(cells) == 3 and "GPIO" in cells[1]:
            pairs += zip(map(int, re.findall(r"GPIO(\d+)", cells[1])), numbers(cells[0]), strict=True)
    grounds = {int(place) for place in re.findall(r"ground · pin (\d+)", text) + re.findall(r"pin (\d+) · ground", text)}
    for pin, place in pairs:
        if HEADER.get(pin) != place:
            wrong.append(f"{source}: GPIO{pin} is not at {place} of the header, but at {HEADER.get(pin)}")
    for place in grounds - set(GROUND):
        wrong.append(f"{source}: {place} of the header is no ground")
    return len(pairs)


def main():
    known = known_words()
    for page in PAGES:
        check_links(page)
        check_settings(page, known)
    sources = [*PAGES, *sorted((HARDWARE / "drawings").glob("*.py"))]
    pairs = sum(check_header(source) for source in sources)
    linked = "\n".join(page.read_text() for page in PAGES)
    for drawing in (HARDWARE / "drawings").glob("*.svg"):
        if drawing.name not in linked:
            wrong.append(f"{drawing}: no page leads to it")
    print(f"{len(PAGES)} pages, {pairs} places on the header")
    for line in wrong:
        print(line)
    sys.exit(bool(wrong))


main()
