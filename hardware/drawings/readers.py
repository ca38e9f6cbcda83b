"""Readers of 5 V on pins that stand 3.3 V."""

import schemdraw.elements as elm
from parts import drawn


def right_pi(sheet, low, high, pins):
    """The Raspberry Pi on the right, its pins on its left side: name by height."""
    sheet.box(low, high, "Raspberry Pi")
    for y, name in pins.items():
        sheet.terminal((low[0], y), name, "right")


with drawn("rdm6300", "RDM6300: its TX is 5 V, a pin of the Pi stands 3.3 V") as sheet:
    sheet.box((0, 0), (6, 9), "RDM6300")
    for y, name in ((6.5, "ANT1"), (3.5, "ANT2")):
        sheet.terminal((0, y), name, "right")
    for y, name in ((7, "+5V"), (5, "TX"), (2, "GND")):
        sheet.terminal((6, y), name, "left")
    sheet.terminal((6, 3.5), "RX, free", "left")
    sheet.between(elm.Inductor2(loops=4), (-4, 3.5), (-4, 6.5))
    sheet.wire((-4, 6.5), (0, 6.5))
    sheet.wire((-4, 3.5), (0, 3.5))
    sheet.text((-4, 2.7), "coil, outside;\nthe module inside", align="centre")
    right_pi(sheet, (18, 0), (23, 9), {7: "pin 2 · 5 V", 5: "pin 10 · GPIO15 (RXD)", 2: "pin 6 · ground"})
    sheet.wire((6, 7), (18, 7))
    sheet.between(elm.ResistorIEC(), (8, 5), (11, 5), "1.8 kΩ")
    sheet.wire((6, 5), (8, 5))
    sheet.wire((11, 5), (18, 5))
    sheet.between(elm.ResistorIEC(), (13, 5), (13, 2))
    sheet.text((13.5, 3.5), "3.3 kΩ")
    sheet.wire((6, 2), (18, 2))
    sheet.joint((13, 5), (13, 2))
    sheet.text((0, -1), "Before pin 10 is joined: TX rests high, so a meter shows about 3.2 V between the two resistors. 5 V there destroy the Pi.")
    sheet.text((0, -1.8), "Boards that name only plugs: P1 is TX, RX, nothing, GND, +5V in this order, P2 the coil. Check with the seller's sheet.")

with drawn("wiegand", "Wiegand: a level shifter module between the reader's 5 V and the Pi's 3.3 V") as sheet:
    sheet.box((0, -1), (6, 9), "Wiegand reader")
    for y, name in ((7, "+"), (5, "D0 (often green)"), (3, "D1 (often white)"), (1, "ground (often black)")):
        sheet.terminal((6, y), name, "left")
    sheet.box((13, -1), (19, 9), "level shifter (BSS138)")
    for y, left, right in ((7, "HV", "LV"), (5, "HV1", "LV1"), (3, "HV2", "LV2"), (1, "GND", "GND")):
        sheet.terminal((13, y), left, "right")
        sheet.terminal((19, y), right, "left")
        sheet.wire((19, y), (24, y))
    right_pi(
        sheet, (24, -1), (29.5, 9), {7: "pin 1 · 3.3 V", 5: "pin 32 · GPIO12", 3: "pin 33 · GPIO13", 1: "pin 34 · ground"}
    )
    sheet.wire((6, 5), (13, 5))
    sheet.wire((6, 3), (13, 3))
    sheet.wire((6, 1), (13, 1))
    sheet.feed((11.6, 7.6), "5 V, pin 2")
    sheet.wire((11.6, 7.6), (11.6, 7), (13, 7))
    sheet.feed((7.6, 7.6), "its supply")
    sheet.wire((7.6, 7.6), (7.6, 7), (6, 7))
    sheet.joint((8, 1))
    sheet.wire((8, 1), (8, 0))
    sheet.ground((8, 0), "minus of\nits supply")
    sheet.text((0, -2.2), "The module has 10 kΩ to its own voltage on both sides: it serves readers whose lines only pull down, and readers with pull-ups of their own to 5 V.")
    sheet.text((0, -3), "Before the module is joined: with the reader powered, D0 and D1 against ground show 5 V or nearly nothing, never 12 V. Screen: to ground at the Pi's end only.")
    sheet.text((0, -3.8), "The reader's ground and the Pi's are joined here. So feed the reader from the Pi's 5 V, or from a supply that is not the lock's.")

with drawn("wiegand-resistors", "Wiegand without a module: for readers whose D0 and D1 rest at 5 V") as sheet:
    sheet.box((0, -1), (6, 9), "Wiegand reader")
    for y, name in ((6, "D0"), (3, "D1"), (0, "ground")):
        sheet.terminal((6, y), name, "left")
    right_pi(sheet, (20, -1), (25.5, 9), {6: "pin 32 · GPIO12", 3: "pin 33 · GPIO13", 0: "pin 34 · ground"})
    sheet.wire((6, 0), (20, 0))
    for y, x in ((6, 13), (3, 16)):
        sheet.between(elm.ResistorIEC(), (7, y), (10, y), "10 kΩ")
        sheet.wire((6, y), (7, y))
        sheet.wire((10, y), (20, y))
        sheet.between(elm.ResistorIEC(), (x, min(y, 3)), (x, 0))
        sheet.wire((x, y), (x, min(y, 3)))
        sheet.text((x + 0.5, 1.5), "20 kΩ")
        sheet.joint((x, y), (x, 0))
    sheet.text((0, -2.2), "At rest a meter shows 2.5 to 3.3 V at the Pi's pins. Nearly nothing: the reader has no pull-ups; use the module instead.")
