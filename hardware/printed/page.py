"""Makes what is printed for a door: a page for its case, and a sign for the members in front of it."""

import argparse
import html
import pathlib
import re
import sys
import tomllib

import segno
import table

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from header import HEADER  # noqa: E402

DRAWINGS = HERE.parent / "drawings"
LOCKS = {"strike": "strike, fail-secure (contact NO)", "magnet": "magnet or fail-safe strike (contact NC)"}
# What a pin is for, by its key in the settings.
PINS = {
    "exit_pin": "exit button",
    "contact_pin": "door contact",
    "tamper_pin": "tamper switch",
    "fire_pin": "fire panel",
    "green_pin": "green lamp",
    "red_pin": "red lamp",
    "buzzer_pin": "buzzer",
}
SPI = {0: (7, 8, 9, 10, 11), 1: (19, 20, 21)}
HEADER_UARTS = ("/dev/serial0", "/dev/ttyAMA0", "/dev/ttyS0")
# What a drawing has round itself and a page does not need, in the units of the file.
MARGIN = 25
COLOURS = {"green": ("G", "#2e9e4f"), "red": ("R", "#cc2b2b"), "yellow": ("Y", "#f2c230"), "blue": ("B", "#3b6fd4")}


def text(value):
    return html.escape(str(value))


def line(width="100%"):
    """Something to write on."""
    return f'<span class="line" style="width:{width}">&nbsp;</span>'


def numbers(several):
    return ", ".join(str(one) for one in several)


def given_or_line(value, width="100%"):
    return text(value) if value not in (None, "") else line(width)


def drawing(name):
    """A drawing as part of the page, as large as its place and without its margin."""
    source = (DRAWINGS / f"{name}.svg").read_text()
    x, y, width, height = (float(number) for number in re.search(r'viewBox="([^"]*)"', source).group(1).split())
    box = f"{x + MARGIN:.2f} {y + MARGIN:.2f} {width - 2 * MARGIN:.2f} {height - 2 * MARGIN:.2f}"
    inside = source[source.index(">") + 1 :]
    return f'<svg class="drawing" xmlns="http://www.w3.org/2000/svg" viewBox="{box}" role="img" aria-label="wiring: {name}">{inside}'


# ------------------------------------------------------------------ what the settings say


def reader_wires(reader):
    """The lines of a reader on the header: what they are, and their GPIO numbers."""
    kind, device = reader.get("kind"), str(reader.get("device", ""))
    if kind == "wiegand" and "chip" not in reader:
        return [("reader D0", [reader["d0"]]), ("reader D1", [reader["d1"]])]
    if bus := re.match(r"/dev/spidev([01])\.", device):
        return [(f"reader, SPI {bus[1]}", SPI[int(bus[1])])]
    if device in HEADER_UARTS:
        return [("reader's TX (Pi RXD)", [15])] + ([("reader's RX (Pi TXD)", [14])] if kind == "pn532" else [])
    return []


def wires(door):
    """Every wire of a door on the header: what it is, and its GPIO numbers."""
    if "chip" in door:
        # Lines of another chip are at no place of the header; a Wiegand reader's are the same chip's.
        return [] if door["reader"].get("kind") == "wiegand" else reader_wires(door["reader"])
    own = [("lock's relay", [door["lock"]["pin"]])] if door["lock"].get("kind") == "gpio" else []
    if relay := door.get("relay"):
        own.append((f"second relay ({relay.get('follows')})", [relay["pin"]]))
    pins = [(what, [door[key]]) for key, what in PINS.items() if key in door]
    return own + pins + reader_wires(door["reader"])


def lock_words(lock):
    if lock.get("kind") != "gpio":
        return text(lock.get("kind", ""))
    return text(f"releases on {lock.get('active', 'high')}, for {lock.get('unlock_seconds', 5)} s")


def reader_words(reader):
    parts = [reader.get(key) for key in ("kind", "format", "device")]
    return text(", ".join(str(part) for part in parts if part))


# ------------------------------------------------------------------ the pages

STYLE = (HERE / "print.css").read_text()


def page(title, body):
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{text(title)}</title>
<style>
{STYLE}</style>
</head>
<body>
{body}</body>
</html>
"""


def lamps(words):
    """The colours that a description names, as circles with a letter: read without colours too."""
    circles = []
    for name in re.findall("|".join(COLOURS), words.lower()):
        letter, colour = COLOURS[name]
        ink = "#000" if name == "yellow" else "#fff"
        place = 14 + 30 * len(circles)
        circles.append(
            f'<circle cx="{place}" cy="14" r="12.5" fill="{colour}" stroke="#000"/>'
            f'<text x="{place}" y="19" text-anchor="middle" font-weight="bold" font-size="14" fill="{ink}">{letter}</text>'
        )
    width = 30 * max(len(circles), 1) - 2
    return f'<svg class="lamps" xmlns="http://www.w3.org/2000/svg" width="{width}" height="28" viewBox="0 0 {width} 28">{"".join(circles)}</svg>'


def legend_rows(between):
    for shown, sentences in table.legend():
        said = between.join(text(sentence) for sentence in sentences)
        yield f"<tr><td>{lamps(shown)}</td><td><b>{text(shown)}</b></td><td>{said}</td></tr>\n"


def case_page(door, arguments):
    if door:
        rows = [(what, numbers(pins), numbers(HEADER[pin] for pin in pins)) for what, pins in wires(door)]
        reader, lock = reader_words(door["reader"]), lock_words(door["lock"])
    else:
        rows = [(what, "", "") for what in ["lock's relay", "second relay", *PINS.values(), "reader"]]
        reader, lock = line(), "releases on ☐ high ☐ low, for ____ s"
    rows += [("", "", "")] * max(0, 12 - len(rows))
    wire_rows = "".join(
        f"<tr><td>{text(what)}</td><td>{text(pin)}</td><td>{text(place)}</td><td></td></tr>\n" for what, pin, place in rows
    )
    kinds = "<br>".join(f"{'☒' if arguments.lock == kind else '☐'} {words}" for kind, words in LOCKS.items())
    shown = [arguments.lock] if arguments.lock else LOCKS
    drawings = "".join(f"<figure>{drawing(name)}</figure>" for name in shown)
    people = arguments.call or ["", "", ""]
    calls = "".join(f"<p>{given_or_line(person)}</p>\n" for person in people)
    tests = "<tr>" + "<td></td>" * 6 + "</tr>\n"
    name = door["id"] if door else ""
    return page(
        f"Door {name}",
        f"""<main class="case">
<h1>Door {given_or_line(name, "8em")}</h1>
<p class="top">Agent: {given_or_line(arguments.agent, "7em")} &ensp; Server: {given_or_line(arguments.url, "15em")}</p>
<section class="two">
<div>
<h2>Wires</h2>
<table><tr><th>what</th><th>GPIO</th><th>header</th><th>colour</th></tr>
{wire_rows}</table>
</div>
<div>
<h2>Lock and reader</h2>
<p>{kinds}</p>
<p>{lock}</p>
<p>Reader: {reader}</p>
<p>Lock's supply: {line("5em")} V, fuse {line("4em")} A, at {line("7em")}</p>
<p>Battery put in: {line("9em")}</p>
<h2>Who to call</h2>
{calls}<h2>If the door does not open</h2>
<p>Out: the handle, or EXIT. In: the key. Then <code>sudo door-agent check</code> on the Pi, and
<code>journalctl -u door-agent</code>.</p>
</div>
</section>
<section class="drawings">{drawings}</section>
<section>
<h2>Lamps</h2>
<table class="legend">
{"".join(legend_rows(" "))}</table>
</section>
<section>
<h2>Once a year, with the Pi unplugged</h2>
<table><tr><th>date</th><th>EXIT opens</th><th>FIRE opens</th><th>battery</th><th>check is content</th><th>who</th></tr>
{tests * 3}</table>
</section>
</main>
""",
    )


def sign(door, arguments):
    name = arguments.name or (door["id"] if door else "")
    if arguments.url:
        address = arguments.url.rstrip("/") + "/me"
        code = segno.make(address, error="m").svg_inline(border=4, omitsize=True, svgclass="qr")
        shown = f"{code}<p>{text(address)}</p>"
    else:
        shown = f'<div class="qr empty">the code of<br>PUBLIC_URL/me</div><p>{line("12em")}</p>'
    return page(
        f"Sign for door {name}",
        f"""<main class="sign">
<h1>{given_or_line(name, "8em")}</h1>
<p class="how">Hold your card to the reader. The lamps say:</p>
<table class="legend">
{"".join(legend_rows("<br>"))}</table>
<p class="note">Yellow or blue: green and red light together, where there are only these two.</p>
<section class="me">
<div class="code">{shown}</div>
<div>
<h2>Not let in?</h2>
<p>Scan this: it is your own page, with what your membership gives you and what to do.</p>
<p>One card, one person: let the door close behind you.</p>
<p>Lost your card? Say so at once, and it opens nothing any more.</p>
<p>Help: {given_or_line("; ".join(arguments.call or []), "12em")}</p>
</div>
</section>
<p class="out">Out: always, without a card, by the handle or the button EXIT.</p>
</main>
""",
    )


def main():
    parser = argparse.ArgumentParser(
        prog="hardware/printed/page",
        description="Makes two pages of A4 for each door: DOOR.html for its case, DOOR-sign.html for its members. "
        "Without settings: one of each, to be filled in by hand.",
    )
    parser.add_argument("--settings", type=pathlib.Path, help="the agent's file, such as /etc/door-agent.toml")
    parser.add_argument("--door", help="only this door of the file")
    parser.add_argument("--url", help="the server's public address (PUBLIC_URL), for the code that leads to /me")
    parser.add_argument("--lock", choices=LOCKS, help="what holds the door; without it both are drawn")
    parser.add_argument("--name", help="what the sign calls the door; its id otherwise")
    parser.add_argument("--agent", help="the agent's name")
    parser.add_argument("--call", action="append", help="who to call, with number; may be given again")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("."), help="the folder to write to")
    arguments = parser.parse_args()
    doors = [None]
    if arguments.settings:
        try:
            doors = tomllib.loads(arguments.settings.read_text())["door"]
        except (OSError, KeyError, tomllib.TOMLDecodeError) as error:
            parser.exit(1, f"{arguments.settings} cannot be used: {error}. `door-agent check` says what is wrong in it.\n")
        doors = [door for door in doors if arguments.door in (None, door["id"])]
        if not doors:
            parser.exit(1, f"{arguments.settings} has no door {arguments.door!r}\n")
    arguments.out.mkdir(parents=True, exist_ok=True)
    for door in doors:
        stem = door["id"] if door else "door"
        for name, made in ((stem, case_page(door, arguments)), (f"{stem}-sign", sign(door, arguments))):
            path = arguments.out / f"{name}.html"
            path.write_text(made)
            print(path)


main()
