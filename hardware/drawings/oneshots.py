"""Parts that let a lock fall to rest by themselves, however long the Pi holds its pin."""

import schemdraw.elements as elm
from parts import coil_with_diode, drawn, pi, supply

with drawn("oneshot-relay", "One-shot with a timer relay: function INTERVAL (one pulse at power-on), set to 8 s") as sheet:
    top, bottom = 4, -7
    supply(sheet, (-4, -8), (1, 5), top, bottom)
    sheet.between(elm.FuseIEC(), (2, top), (5, top), "fuse 1 A slow")
    sheet.wire((1, top), (2, top))
    sheet.wire((5, top), (24, top), (24, 0.5), (22, 0.5))
    sheet.joint((9, top))
    sheet.box((6.4, -1.5), (11.6, 1.5))
    sheet.text((6.7, 0), "the Pi's\nrelay")
    sheet.between(elm.Switch(), (9.8, 1.5), (9.8, -1.5))
    sheet.wire((9, top), (9, 2.5), (9.8, 2.5), (9.8, 1.5))
    sheet.terminal((9.8, 1.5), "", "up")
    sheet.terminal((9.8, -1.5), "", "down")
    sheet.text((10.1, 2), "COM")
    sheet.text((10.1, -2), "NO")
    sheet.wire((9.8, -1.5), (9.8, -3), (14, -3))
    sheet.box((14, -4.5), (22, 2.5), "timer relay, 12 V DC")
    sheet.terminal((14, -3), "A1", "right")
    sheet.terminal((17, -4.5), "A2", "up")
    sheet.wire((17, -4.5), (17, bottom))
    sheet.joint((17, bottom))
    sheet.box((15.4, -1.7), (17.6, -0.3))
    sheet.text((16.5, -1), "8 s", align="centre")
    sheet.wire((17.6, -1), (18.9, -1), dashed=True)
    sheet.between(elm.Switch(), (19.2, 0.5), (19.2, -2.5))
    sheet.wire((19.2, 0.5), (20.6, 0.5))
    sheet.wire((19.2, -2.5), (20.6, -2.5))
    sheet.terminal((22, 0.5), "15", "left")
    sheet.terminal((22, -2.5), "18", "left")
    sheet.wire((22, -2.5), (26, -2.5))
    sheet.wire((1, bottom), (26, bottom))
    coil_with_diode(sheet, 26, -2.5, bottom, "strike")
    sheet.text((-4, -9), "The Pi's relay powers the timer. Its contact closes at once, opens after 8 s, and opens as soon as the Pi lets go: whichever is first.")
    sheet.text((-4, -9.8), "Magnet: contacts 15 and 16 (closed without power) in the magnet's line, in place of the Pi's relay. The Pi's relay powers the timer, as here.")

with drawn("oneshot-555", "One-shot with a 555: on while the Pi's pin is high, and for 8 s at most") as sheet:
    pi(sheet, (0, 1), (5, 7), {4: "GPIO17 · pin 11", 2: "ground · pin 9"})
    sheet.wire((5, 2), (6, 2), (6, 0.6))
    sheet.ground((6, 0.6))
    sheet.wire((5, 4), (22, 4))
    sheet.between(elm.ResistorIEC(), (8, 4), (8, 1.2))
    sheet.ground((8, 1.2))
    sheet.text((8.5, 2.6), "1 kΩ")
    sheet.between(elm.ResistorIEC(), (10, 4), (10, 7))
    sheet.text((9.5, 5.5), "10 kΩ", align="right")
    sheet.wire((10, 7), (11, 7))
    collector, emitter = sheet.npn((11, 7), "BC547")
    sheet.joint((8, 4), (10, 4))
    sheet.wire(emitter, (emitter[0], 5.6))
    sheet.ground((emitter[0], 5.6))
    x = collector[0]
    sheet.wire(collector, (x, 9.5))
    sheet.between(elm.ResistorIEC(), (x, 9.5), (x, 12))
    sheet.feed((x, 12), "5 V")
    sheet.text((x - 0.5, 10.7), "10 kΩ", align="right")
    sheet.between(elm.Capacitor(), (x, 9.5), (16, 9.5), "100 nF")
    sheet.wire((16, 9.5), (22, 9.5))
    sheet.between(elm.ResistorIEC(), (16.5, 9.5), (16.5, 12))
    sheet.feed((16.5, 12), "5 V")
    sheet.text((16, 10.7), "10 kΩ", align="right")
    sheet.between(elm.Diode(), (19, 9.5), (19, 12))
    sheet.feed((19, 12), "5 V")
    sheet.text((19.5, 10.7), "1N4148")
    sheet.joint((x, 9.5), (16.5, 9.5), (19, 9.5))
    sheet.box((22, 0), (28, 11), "NE555")
    for at, name, inside in (
        ((22, 9.5), "2 TRIG", "right"),
        ((22, 4), "4 RESET", "right"),
        ((24, 11), "8", "down"),
        ((25, 0), "1", "up"),
        ((28, 9), "7 DIS", "left"),
        ((28, 7.5), "6 THR", "left"),
        ((28, 5.5), "5 CTRL", "left"),
        ((28, 2), "3 OUT", "left"),
    ):
        sheet.terminal(at, name, inside)
    sheet.wire((24, 11), (24, 12))
    sheet.feed((24, 12), "5 V")
    sheet.wire((25, 0), (25, -0.6))
    sheet.ground((25, -0.6))
    sheet.wire((28, 9), (33, 9))
    sheet.wire((28, 7.5), (33, 7.5))
    sheet.wire((33, 9), (33, 7.5))
    sheet.between(elm.ResistorIEC(), (33, 9), (33, 12))
    sheet.feed((33, 12), "5 V")
    sheet.text((33.5, 10.5), "330 kΩ")
    sheet.between(elm.Capacitor(polar=True), (33, 7.5), (33, 5))
    sheet.ground((33, 5))
    sheet.text((34, 6), "22 µF")
    sheet.joint((33, 9), (33, 7.5))
    sheet.wire((28, 5.5), (30, 5.5))
    sheet.between(elm.Capacitor(), (30, 5.5), (30, 3.8))
    sheet.ground((30, 3.8))
    sheet.text((30.7, 4.6), "10 nF")
    sheet.wire((28, 2), (35, 2))
    sheet.box((35, 0), (40, 4), "relay module")
    sheet.terminal((35, 2), "IN", "right")
    sheet.text((0, -2), "330 kΩ × 22 µF × 1.1 = 8 s. RESET holds the relay at rest while the pin is low, so the agent can end the time sooner but not make it longer.")
    sheet.text((0, -2.8), "100 nF between pins 8 and 1, close to the 555. The relay module is set to HIGH; its DC+ and DC− go to the Pi's 5 V and ground.")
