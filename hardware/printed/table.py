"""Reads the one table of reasons: what the lamps show, and what that means to a member."""

import pathlib
import re

SOURCE = pathlib.Path(__file__).parents[2] / "shared/src/reasons.rs"
# What is shown to whoever looks for a door, and to no member.
UNSEEN = ("Identify",)


class Unreadable(Exception):
    """The table is written otherwise than it is read here."""


def one(pattern, text):
    """The one place that fits."""
    found = re.findall(pattern, text, re.DOTALL)
    if len(found) != 1:
        raise Unreadable(f"{SOURCE}: {len(found)} places fit {pattern!r}, not one")
    return found[0]


def legend():
    """For each signal what the lamps do and what that means to a member, in the order of the table.

    The meaning is what a member reads for its reasons; of a signal without a reason, what its description says after the colon.
    """
    text = SOURCE.read_text()
    signals = re.findall(r"/// ([^\n]+)\n    (\w+),", one(r"pub enum Signal \{(.*?)\n\}", text))
    reasons = re.findall(r"    (\w+),(?:\n|$)", re.sub(r"(///|#)[^\n]*\n", "", one(r"pub enum Reason \{(.*?)\n\}", text)))
    shown = {}
    for names, signal in re.findall(
        r"((?:\|? ?Self::\w+\s*)+)=> (?:\{\s*)?Signal::(\w+)", one(r"fn signal\(self\) -> Signal \{(.*?)\n    \}", text)
    ):
        shown.update((name, signal) for name in re.findall(r"Self::(\w+)", names))
    said = dict(re.findall(r'Self::(\w+) => \(\s*"([^"]*)"', one(r"fn english\(self\)[^{]*\{(.*?)\n    \}", text)))
    if not (set(reasons) == set(shown) == set(said) and set(shown.values()) <= {name for _, name in signals}):
        raise Unreadable(f"{SOURCE}: reasons, their signals and their sentences do not match")
    rows = []
    for description, signal in signals:
        lamps, _, meaning = description.rstrip(".").partition(": ")
        sentences = [said[reason] for reason in reasons if shown[reason] == signal]
        if meaning and not sentences:
            sentences = [f"{meaning[0].upper()}{meaning[1:]}."]
        if sentences and signal not in UNSEEN:
            rows.append((lamps, sentences))
    return rows
