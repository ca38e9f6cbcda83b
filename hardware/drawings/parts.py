"""What the drawings are made of: places are given in units of a grid, x to the right and y up."""

import contextlib
import pathlib

import schemdraw
import schemdraw.elements as elm
from schemdraw.segments import SegmentText

schemdraw.use("svg")
schemdraw.svgconfig.text = "text"

HERE = pathlib.Path(__file__).parent
SMALL, NORMAL, TITLE = 10, 12, 15


class Sheet:
    """One drawing."""

    def __init__(self, title):
        self.drawing = schemdraw.Drawing(show=False)
        self.drawing.config(
            fontsize=NORMAL, font="DejaVu Sans, Verdana, Arial, sans-serif", lw=1.5, bgcolor="white", margin=1.3, inches_per_unit=0.42
        )
        self.title = title

    def save(self, path):
        box = self.drawing.get_bbox()
        self.text((box.xmin, box.ymax + 0.9), self.title, size=TITLE)
        self.drawing.save(str(path))

    def wire(self, *points, dashed=False, bold=False):
        """A line through these points; points that are not joined to it have no dot."""
        for begin, end in zip(points, points[1:]):
            line = elm.Line().at(begin).to(end)
            if dashed:
                line = line.linestyle("--")
            self.drawing += line.linewidth(3 if bold else 1.5)

    def joint(self, *points):
        """Where wires are joined."""
        for point in points:
            self.drawing += elm.Dot().at(point)

    def between(self, element, begin, end, label=None, side="top", size=SMALL, away=None):
        """A part with two ends."""
        element = element.at(begin).to(end)
        if label:
            element = element.label(label, loc=side, fontsize=size, **({"ofst": away} if away is not None else {}))
        self.drawing += element

    def text(self, at, text, size=SMALL, align="left"):
        """Lines of text; `align` is the side of the place on which it begins."""
        halign = {"left": "left", "centre": "center", "right": "right"}[align]
        element = elm.Element().at(at).theta(0)
        element.segments.append(SegmentText((0, -0.08), text, align=(halign, "center"), fontsize=size))
        self.drawing += element

    def box(self, low, high, title=None, dashed=False, title_at="top"):
        """A frame, with its name inside at the top or the bottom."""
        style = "--" if dashed else "-"
        corners = [low, (high[0], low[1]), high, (low[0], high[1]), low]
        for begin, end in zip(corners, corners[1:]):
            self.drawing += elm.Line().at(begin).to(end).linestyle(style).linewidth(1 if dashed else 2)
        if title:
            y = high[1] - 0.5 if title_at == "top" else low[1] + 0.5
            self.text(((low[0] + high[0]) / 2, y), title, size=NORMAL, align="centre")

    def terminal(self, at, name, inside):
        """A place where a wire is screwed or soldered; `inside` is where its name stands from it."""
        self.drawing += elm.Dot(open=True).at(at)
        shift, align = {
            "right": ((0.3, 0), "left"),
            "left": ((-0.3, 0), "right"),
            "up": ((0, 0.5), "centre"),
            "down": ((0, -0.5), "centre"),
        }[inside]
        self.text((at[0] + shift[0], at[1] + shift[1]), name, align=align)

    def ground(self, at, name=None):
        """Joined with every other ground of the same name."""
        self.drawing += elm.GroundSignal().at(at)
        if name:
            self.text((at[0] + 0.5, at[1] - 0.3), name)


    def feed(self, at, name):
        """Joined with the supply of this name."""
        self.wire((at[0] - 0.35, at[1]), (at[0] + 0.35, at[1]))
        self.text((at[0], at[1] + 0.4), name, align="centre")

    def npn(self, at, name):
        """A transistor by the place of its base; gives the places of collector and emitter."""
        self.drawing += (element := elm.BjtNpn(circle=True).at(at).anchor("base"))
        self.text((element.absanchors["collector"][0] + 0.9, at[1]), name)
        return element.absanchors["collector"], element.absanchors["emitter"]


@contextlib.contextmanager
def drawn(name, title):
    """A sheet that is saved under this name in the folder of the caller's choice."""
    sheet = Sheet(title)
    yield sheet
    sheet.save(pathlib.Path(OUT) / f"{name}.svg")


OUT = HERE


def pi(sheet, low, high, pins):
    """The Raspberry Pi, with some of its pins on the right side: name by height."""
    sheet.box(low, high, "Raspberry Pi")
    for y, name in pins.items():
        sheet.terminal((high[0], y), name, "left")


def supply(sheet, low, high, plus, minus, volts="12 V DC"):
    """The lock's own supply, its two ends on the right side."""
    sheet.box(low, high)
    sheet.text((low[0] + 0.3, (plus + minus) / 2), f"{volts} supply\nwith battery,\nthe lock's own", size=SMALL)
    sheet.terminal((high[0], plus), "+", "left")
    sheet.terminal((high[0], minus), "−", "left")


def relay_module(sheet, x, y, title="relay module, opto-isolated, set to HIGH", contacts=("NC", "COM", "NO")):
    """A module of one relay: inputs left at y+6, y+4 and y+2, contacts below at x+2, x+5 and x+8; drawn at rest."""
    sheet.box((x, y), (x + 10, y + 8), title)
    plus, signal, minus = (x, y + 6), (x, y + 4), (x, y + 2)
    for at, name in zip((plus, signal, minus), ("DC+", "IN", "DC−")):
        sheet.terminal(at, name, "right")
    # The input's light, and what it falls on.
    led, opto = x + 3.2, x + 5.5
    sheet.wire((x + 1, y + 4), (led, y + 4))
    sheet.between(elm.LED(), (led, y + 4), (led, y + 2))
    sheet.wire((x + 1.3, y + 2), (led, y + 2))
    sheet.box((led - 0.8, y + 2.3), (opto, y + 3.8), dashed=True)
    sheet.text((opto - 0.8, y + 3.05), "opto", align="centre")
    sheet.wire((x + 1.3, y + 6), (x + 7.5, y + 6), (x + 7.5, y + 5.6))
    sheet.box((x + 6.8, y + 4.4), (x + 8.2, y + 5.6))
    sheet.text((x + 7.5, y + 5), "coil", align="centre")
    sheet.wire((x + 7.5, y + 4.4), (x + 7.5, y + 3.05), (opto, y + 3.05))
    sheet.wire((x + 8.2, y + 5), (x + 9, y + 5), (x + 9, y + 1.9), (x + 5, y + 1.9), (x + 5, y + 0.8), dashed=True)
    places = dict(zip(contacts, ((x + 2, y), (x + 5, y), (x + 8, y))))
    for name, at in places.items():
        sheet.drawing += elm.Dot(open=True).at(at)
        sheet.text((at[0] + 0.25, at[1] - 0.5), name)
    sheet.wire((x + 2, y), (x + 2, y + 1.3), (x + 4, y + 1.3))
    sheet.wire((x + 8, y), (x + 8, y + 1.3), (x + 6, y + 1.3))
    # The lever lies at NC while the coil is without current.
    rest = -1 if contacts[0] == "NC" else 1
    sheet.wire(places["COM"], (x + 5, y + 0.5), (x + 5 + 1.1 * rest, y + 1.35))
    sheet.joint((x + 5, y + 0.5))
    return {"plus": plus, "in": signal, "minus": minus, **places}


def coil_with_diode(sheet, x, top, bottom, name, diode="1N4007"):
    """A lock's coil between two lines, and the diode that eats its spike: its ring to plus."""
    middle = (top + bottom) / 2
    sheet.joint((x, top), (x, bottom))
    sheet.wire((x, top), (x, middle + 0.6))
    sheet.box((x - 1.2, middle - 0.6), (x + 1.2, middle + 0.6))
    sheet.text((x, middle), name, align="centre")
    sheet.wire((x, middle - 0.6), (x, bottom))
    right = x + 3
    sheet.wire((x, top), (right, top), (right, middle + 1))
    sheet.between(elm.Diode(), (right, middle - 1), (right, middle + 1))
    sheet.wire((right, middle - 1), (right, bottom), (x, bottom))
    sheet.text((right + 0.6, middle), f"diode {diode},\nring up, to +")
