"""What the Pi hears besides the reader, and what it shows."""

import schemdraw.elements as elm
from parts import drawn, pi, relay_module


def pulled_up(sheet, y, pin):
    """From x = 9 to the Pi at x = 22: a pull-up, and a filter against what long wires catch."""
    sheet.between(elm.ResistorIEC(), (9, y), (12, y), "1 kΩ")
    sheet.wire((12, y), (22, y))
    sheet.between(elm.ResistorIEC(), (13.5, y), (13.5, y + 2.4))
    sheet.feed((13.5, y + 2.4), "3.3 V")
    sheet.text((14, y + 1.2), "10 kΩ")
    sheet.between(elm.Capacitor(), (17.5, y), (17.5, y - 2))
    sheet.ground((17.5, y - 2))
    sheet.text((18.2, y - 1), "100 nF")
    sheet.joint((13.5, y), (17.5, y))
    sheet.terminal((22, y), pin, "right")


with drawn("inputs", "Inputs: all work the same, a contact that closes the line to ground") as sheet:
    rows = {0: "exit", -6: "contact", -12: "tamper", -18: "fire"}
    sheet.box((22, -21), (28, 3), "Raspberry Pi")
    pulled_up(sheet, 0, "GPIO5 · pin 29")
    pulled_up(sheet, -6, "GPIO6 · pin 31")
    pulled_up(sheet, -12, "GPIO16 · pin 36")
    pulled_up(sheet, -18, "GPIO26 · pin 37")
    for y, element, name in (
        (0, elm.Button(), "exit button, or its second contact:\nclosed while pressed"),
        (-6, elm.SwitchReed(), "door contact (reed and magnet):\nclosed while the door is shut"),
        (-12, elm.Switch(action="close"), "tamper switch in the reader's case:\nclosed while the case is shut"),
    ):
        sheet.between(element, (4, y), (7, y))
        sheet.wire((7, y), (9, y))
        sheet.wire((4, y), (3, y), (3, y - 1))
        sheet.ground((3, y - 1))
        sheet.text((3, y + 1.4), name)
    # The fire panel's own voltage ends at the optocoupler.
    y, low, left = -18, -20, -5
    sheet.box((2.8, low - 0.6), (6.6, y + 0.6), dashed=True)
    sheet.text((4.7, y + 1), "PC817", align="centre")
    sheet.between(elm.LED(), (3.6, y), (3.6, low))
    collector, emitter = sheet.npn((5.1, y - 1), "")
    sheet.wire(collector, (collector[0], y), (9, y))
    sheet.wire(emitter, (emitter[0], low - 1))
    sheet.ground((emitter[0], low - 1))
    sheet.between(elm.ResistorIEC(), (left + 2, y), (left + 5, y), "2.2 kΩ, 0.5 W")
    sheet.wire((left, y), (left + 2, y))
    sheet.wire((left + 5, y), (3.6, y))
    sheet.wire((left, low), (3.6, low))
    sheet.between(elm.Diode(), (1.2, low), (1.2, y))
    sheet.joint((1.2, low), (1.2, y))
    sheet.text((-1, y - 1), "1N4148", align="centre")
    sheet.terminal((left, y), "+", "left")
    sheet.terminal((left, low), "−", "left")
    sheet.text((left - 0.4, y + 2.4), "fire panel, 12 to 24 V,\non while there is no alarm")
    sheet.text((-5.4, -22.4), "This is for the log and the alarm only. What opens the door at EXIT and FIRE are their own contacts in the lock's line.")
    sheet.text((-5.4, -23.2), "A cut wire reads as an open door, an open case, an alarm. All grounds are pin 39, 3.3 V is pin 17.")
    sheet.text((-5.4, -24), "A contact of the panel without voltage, closed while there is no alarm, is joined like the tamper switch, without the PC817.")

with drawn("outputs", "Lamps and a buzzer: the Pi's pins switch a ULN2803, which pulls them to ground") as sheet:
    pi(sheet, (0, -3), (5, 9), {7: "GPIO22 · pin 15", 5: "GPIO23 · pin 16", 3: "GPIO24 · pin 18", 0: "ground · pin 20", -1.5: "5 V · pin 2"})
    sheet.box((9, -3), (15, 9), "ULN2803")
    for y, left, right in ((7, "1", "18"), (5, "2", "17"), (3, "3", "16")):
        sheet.terminal((9, y), left, "right")
        sheet.terminal((15, y), right, "left")
        sheet.wire((5, y), (9, y))
    sheet.terminal((9, 0), "9 GND", "right")
    sheet.wire((5, 0), (9, 0))
    sheet.terminal((15, 0), "10 COM", "left")
    for y, name in ((7, "green"), (5, "red")):
        sheet.between(elm.ResistorIEC(), (16, y), (19, y), "150 Ω")
        sheet.wire((15, y), (16, y))
        sheet.between(elm.LED(), (23, y), (19.5, y))
        sheet.wire((19, y), (19.5, y))
        sheet.text((22.6, y + 0.6), name)
        sheet.wire((23, y), (25, y))
    sheet.wire((15, 3), (19, 3))
    sheet.box((19, 2.2), (23, 3.8))
    sheet.text((21, 3), "buzzer, active, 5 V", align="centre")
    sheet.wire((23, 3), (25, 3))
    sheet.wire((25, 7), (25, 0), (15, 0))
    sheet.wire((25, 0), (25, -1.5))
    sheet.joint((25, 5), (25, 3), (25, 0))
    sheet.wire((5, -1.5), (7.5, -1.5), (7.5, -4), (25, -4), (25, -1.5))
    sheet.text((25.4, 1.5), "5 V")
    sheet.text((0, -5), "Lamps of 12 V: their + and pin 10 to 12 V, without the 150 Ω; the minus of that supply to pin 9. Then it must not be the lock's supply.")
    sheet.text((0, -5.8), "A Wiegand reader's own LED and BEEP wires light when pulled to ground: join them to pins 18, 17 and 16 in place of the lamps.")

with drawn("relay2", "A second relay: a siren, a light, a door drive") as sheet:
    pi(sheet, (0, 2), (5, 10), {8: "5 V · pin 4", 6: "GPIO27 · pin 13", 4: "ground · pin 14"})
    relay = relay_module(sheet, 11, 2)
    for y, name in ((8, "plus"), (6, "in"), (4, "minus")):
        sheet.wire((5, y), relay[name])
    sheet.between(elm.ResistorIEC(), (8, 6), (8, 4))
    sheet.joint((8, 6), (8, 4))
    sheet.text((8.4, 5), "10 kΩ")
    sheet.box((-1, -4), (5, 0))
    sheet.text((-0.7, -2), "a supply of what is\nswitched, 30 V DC\nat most")
    sheet.terminal((5, -1), "+", "left")
    sheet.terminal((5, -3), "−", "left")
    sheet.between(elm.FuseIEC(), (7, -1), (10, -1), "fuse")
    sheet.wire((5, -1), (7, -1))
    sheet.wire((10, -1), (16, -1), relay["COM"])
    sheet.wire(relay["NO"], (19, -1), (20, -1), (20, -1.4))
    sheet.box((18.5, -2.6), (21.5, -1.4))
    sheet.text((20, -2), "siren", align="centre")
    sheet.wire((20, -2.6), (20, -3), (5, -3))
    sheet.text((-1, -5), "Anything with a coil gets a diode as the strike has. A door drive wants the contact alone, without a supply.")
    sheet.text((-1, -5.8), "Mains is for somebody who may sign for it.")
