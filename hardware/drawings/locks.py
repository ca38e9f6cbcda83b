"""The locks: a strike that is locked without current, and a magnet that is open without it."""

import schemdraw.elements as elm
from parts import coil_with_diode, drawn, pi, relay_module, supply


def two_sides(sheet, left, y):
    sheet.wire((left, y), (27.6, y), dashed=True)
    sheet.text((left, y + 0.6), "the Pi's side, 5 V")
    sheet.text((left, y - 0.6), "the lock's side, 12 V: nothing but the relay's contact joins the two; their grounds stay apart")


def pi_and_relay(sheet, contacts):
    pi(sheet, (0, 2), (5, 10), {8: "5 V · pin 4", 6: "GPIO17 · pin 11", 4: "ground · pin 9"})
    relay = relay_module(sheet, 11, 2, contacts=contacts)
    for y, name in ((8, "plus"), (6, "in"), (4, "minus")):
        sheet.wire((5, y), relay[name])
    sheet.between(elm.ResistorIEC(), (8, 6), (8, 4))
    sheet.joint((8, 6), (8, 4))
    sheet.text((8.4, 5), "10 kΩ")
    return relay


with drawn("strike", "Strike, fail-secure: locked without current, opened by the relay's NO contact") as sheet:
    relay = pi_and_relay(sheet, ("NC", "COM", "NO"))
    two_sides(sheet, -4, 0)
    top, bottom = -3, -7
    supply(sheet, (-4, -8), (1, -2), top, bottom)
    sheet.between(elm.FuseIEC(), (4, top), (7, top), "fuse 1 A slow")
    sheet.wire((1, top), (4, top))
    sheet.wire((7, top), (16, top), relay["COM"])
    sheet.wire(relay["NO"], (19, top), (20, top))
    sheet.wire((1, bottom), (20, bottom))
    coil_with_diode(sheet, 20, top, bottom, "strike")
    sheet.box((18.4, -8), (27.6, -2.2), dashed=True)
    sheet.text((18.7, -7.6), "in the door frame")
    sheet.text((-4, -9), "NC stays free. Modules have their contacts in different orders: read the names on yours.")
    sheet.text((-4, -9.8), "Out: the lever handle inside always moves the latch by hand. In a power cut the door is locked from outside and opens with a key.")

with drawn("magnet", "Magnet, fail-safe: open without current; everything that must open the door breaks this one line") as sheet:
    relay = pi_and_relay(sheet, ("NO", "COM", "NC"))
    two_sides(sheet, -9, 0)
    top, bottom = -3.5, -8
    supply(sheet, (-9, -9), (-4, -2.5), top, bottom)
    sheet.between(elm.FuseIEC(), (-3.4, top), (-0.4, top), "fuse 1 A slow")
    for x, name, what in (
        (1.4, "FIRE", "contact of the fire panel,\nclosed, breaks on alarm"),
        (8, "EXIT", "button inside,\nclosed, breaks when pressed"),
    ):
        sheet.between(elm.Button(nc=True), (x, top), (x + 3, top))
        sheet.text((x + 1.5, top + 0.9), name, size=12, align="centre")
        sheet.text((x + 1.5, top - 1.1), what, align="centre")
    sheet.wire((-4, top), (-3.4, top))
    sheet.wire((-0.4, top), (1.4, top))
    sheet.wire((4.4, top), (8, top))
    sheet.wire((11, top), (16, top), relay["COM"])
    sheet.wire(relay["NC"], (19, top), (20, top))
    sheet.wire((-4, bottom), (20, bottom))
    coil_with_diode(sheet, 20, top, bottom, "magnet")
    sheet.box((18.4, -9), (27.6, -2.7), dashed=True)
    sheet.text((18.7, -8.6), "in the door frame")
    sheet.text((-9, -10), "NO stays free. Modules have their contacts in different orders: read the names on yours.")
    sheet.text((-9, -10.8), "A second contact of the button, and one of the fire panel, may go to the Pi for the log: they open nothing there.")
