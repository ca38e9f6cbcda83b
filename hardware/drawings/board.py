"""The header of the Pi, with what the other drawings join to it."""

import pathlib
import sys

import schemdraw.elements as elm
from parts import drawn

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from header import GROUND, HEADER  # noqa: E402

USES = {
    2: "clock SDA",
    3: "clock SCL",
    5: "exit button",
    6: "door contact",
    7: "SPI, select 1",
    8: "SPI, select 0",
    9: "SPI, MISO",
    10: "SPI, MOSI",
    11: "SPI, SCK",
    12: "Wiegand D0",
    13: "Wiegand D1",
    14: "to a reader",
    15: "from a reader",
    16: "tamper switch",
    17: "lock's relay",
    22: "green lamp",
    23: "red lamp",
    24: "buzzer",
    26: "fire panel",
    27: "second relay",
}
POWER = {1: "3.3 V", 17: "3.3 V", 2: "5 V", 4: "5 V"}
ADD_ON = (27, 28)

with drawn("header", "The header: places and GPIO numbers") as sheet:
    at = {place: pin for pin, place in HEADER.items()}
    for place in range(1, 41):
        left = place % 2 == 1
        x, y = (0 if left else 1.2), -0.9 * ((place - 1) // 2)
        sheet.drawing += elm.Dot(open=place not in GROUND, radius=0.16).at((x, y))
        pin = at.get(place)
        name = (
            POWER.get(place)
            or ("ground" if place in GROUND else None)
            or ("for add-on boards, leave free" if place in ADD_ON else f"GPIO{pin}")
        )
        use = USES.get(pin, "")
        side, align = (-1, "right") if left else (1, "left")
        sheet.text((x + side * 0.45, y), str(place), align=align)
        sheet.text((x + side * 1.5, y), name, align=align, size=12 if use else 10)
        sheet.text((x + side * 4, y), use, align=align, size=12)
    sheet.box((-0.35, -17.5), (1.55, 0.4))
    sheet.text((-9, -18.6), "Seen from above, the board's corner with pin 1 at the top left; USB and network plugs at the bottom.")
    sheet.text((-9, -19.4), "Lock, lamps, buzzer and second relay rest low at power-on; the buttons' pins 5 and 6 rest high.")
