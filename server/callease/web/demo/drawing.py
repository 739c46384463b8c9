"""Drawings of flats and houses: the geometry only, as SVG path data; colours are the style sheet's.

Everything is derived from the listing's own figures and its seed, so a page draws the same picture each time.
"""

from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import Final

WIDTH: Final = 400
HEIGHT: Final = 300

_STUDIO_AREA: Final = 33.0
"""Square metres under which a one-room flat is drawn without a separate kitchen."""

_OPENING: Final = 22.0
"""Width of a door opening."""

_GROUND: Final = 262.0
_BAY: Final = 13.5
"""From one window of a house to the next."""

# The rooms of a flat in two rows on either side of its corridor, with the widths they ask for.
_ROWS: Final[dict[int, tuple[str, str]]] = {
    0: ("living:1", "bath:1 hall:1"),
    1: ("living:1.1 kitchen:0.9", "bath:1 hall:0.9"),
    2: ("bedroom:1 living:1.2 kitchen:0.9", "bath:1 hall:0.8 store:0.75"),
    3: ("bedroom:1 living:1.3 kitchen:0.9", "bedroom:1.6 bath:0.9 hall:0.8 store:0.6"),
    4: ("bedroom:1 bedroom:0.9 living:1.25 kitchen:0.9", "bedroom:1.6 bath:0.9 hall:0.75 store:0.6"),
    5: (
        "bedroom:1 bedroom:0.9 living:1.3 kitchen:0.9",
        "bedroom:1.25 bath:0.7 hall:0.65 bath:0.6 bedroom:1.25",
    ),
}
_WIDTHS: Final = {0: 180, 1: 215, 2: 275, 3: 305, 4: 340, 5: 345}
_HEIGHTS: Final = {0: 185, 1: 185, 2: 195, 3: 212, 4: 218, 5: 222}

# How deep the rooms on the window side are: deeper where the other side has no room to live in.
_UPPER_SHARE: Final = {0: 0.6, 1: 0.6, 2: 0.58, 3: 0.52, 4: 0.51, 5: 0.51}


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; `area` is its share of the flat in square metres, 0 where nobody asks."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    area: float = 0

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def centre(self) -> float:
        return self.x + self.width / 2

    @property
    def label(self) -> tuple[float, float]:
        """Where the figure stands: clear of the furniture that `_furniture` draws."""
        across, down = 0.5, 0.5
        if self.height > 85:
            across, down = (0.42 if self.kind == "kitchen" else 0.5), 0.68
        elif self.kind == "hall":
            down = 0.1
        elif self.kind in ("bedroom", "bath"):
            across, down = (0.26 if self.kind == "bedroom" else 0.42), 0.8
        return self.x + self.width * across, self.y + self.height * down


@dataclass(frozen=True, slots=True)
class FloorPlan:
    outline: Box
    rooms: tuple[Box, ...]
    walls: str
    doors: str
    windows: str
    furniture: str
    balcony: str


@dataclass(frozen=True, slots=True)
class House:
    """A complex seen from the street; `mark` is the storey of one flat, empty where none is asked for."""

    blocks: str
    windows: str
    lit: str
    mark: str


@lru_cache(maxsize=256)
def floor_plan(rooms: int, area: float, seed: int) -> FloorPlan:
    """Draws a flat of so many rooms; `area` in square metres is shared out among them."""
    chance = Random(seed)
    layout = 0 if rooms == 1 and area < _STUDIO_AREA else min(rooms, 5)
    width, height = (round(side[layout] * chance.uniform(0.94, 1.06)) for side in (_WIDTHS, _HEIGHTS))
    outline = Box("outline", (WIDTH - width) / 2, (HEIGHT - height) / 2 + 8, width, height)
    corridor = outline.y + height * _UPPER_SHARE[layout]
    strip = max(22.0, height * 0.13)
    mirrored = chance.random() < 0.5
    per_unit = area / (width * height)
    upper = _row(_ROWS[layout][0], outline, outline.y, corridor, chance, mirrored, per_unit)
    lower = _row(_ROWS[layout][1], outline, corridor + strip, outline.bottom, chance, mirrored, per_unit)
    # The hall and the corridor are one space: its figure counts both.
    lower = [_with_area(box, per_unit * width * strip) if box.kind == "hall" else box for box in lower]
    hall = next(box for box in lower if box.kind == "hall")
    open_air = [] if layout == 0 else chance.choice(([upper[0], upper[-1]], upper[-1:], upper[:1]))
    return FloorPlan(
        outline=outline,
        rooms=(*upper, *lower),
        walls=_walls(upper, lower, outline, corridor, corridor + strip),
        doors=_doors(upper, lower, corridor, corridor + strip) + _entrance(hall, outline),
        windows=_windows(upper, lower, outline),
        furniture="".join(_furniture(box) for box in (*upper, *lower)),
        balcony="".join(_rect(box.x + 4, outline.y - 22, box.width - 8, 22) for box in open_air),
    )


def _with_area(box: Box, more: float) -> Box:
    return Box(box.kind, box.x, box.y, box.width, box.height, box.area + more)


def _row(
    row: str, outline: Box, top: float, bottom: float, chance: Random, mirrored: bool, per_unit: float
) -> list[Box]:
    wishes = [(kind, float(share) * chance.uniform(0.92, 1.08)) for kind, share in _pairs(row)]
    if mirrored:
        wishes.reverse()
    total = sum(share for _, share in wishes)
    boxes, x = [], outline.x
    for kind, share in wishes:
        width = outline.width * share / total
        boxes.append(Box(kind, x, top, width, bottom - top, width * (bottom - top) * per_unit))
        x += width
    return boxes


def _pairs(row: str) -> list[tuple[str, str]]:
    return [(kind, share) for kind, _, share in (wish.partition(":") for wish in row.split())]


def _walls(upper: list[Box], lower: list[Box], outline: Box, corridor: float, below: float) -> str:
    inner = [f"M{box.right:.1f} {box.y:.1f}V{box.bottom:.1f}" for row in (upper, lower) for box in row[:-1]]
    for box in upper:
        inner.append(_gapped(box, corridor, 44 if box.kind == "living" else _OPENING))
    for box in lower:
        if box.kind != "hall":
            inner.append(_gapped(box, below, _OPENING))
    return "".join(inner)


def _gapped(box: Box, y: float, opening: float) -> str:
    """A wall along one side of a room with its door left open."""
    start = box.x + 8
    return f"M{box.x:.1f} {y:.1f}H{start:.1f}M{start + opening:.1f} {y:.1f}H{box.right:.1f}"


def _doors(upper: list[Box], lower: list[Box], corridor: float, below: float) -> str:
    """Door leaves with the arc they swing through, into the room."""
    leaves = []
    for box, y, inward in [(box, corridor, -1) for box in upper] + [(box, below, 1) for box in lower]:
        if box.kind in ("living", "hall"):
            continue
        x, sweep = box.x + 8, 1 if inward < 0 else 0
        leaves.append(
            f"M{x:.1f} {y:.1f}v{inward * _OPENING:.1f}a{_OPENING} {_OPENING} 0 0 {sweep} "
            f"{_OPENING} {-inward * _OPENING:.1f}"
        )
    return "".join(leaves)


def _entrance(hall: Box, outline: Box) -> str:
    return f"M{hall.centre - 13:.1f} {outline.bottom:.1f}v-26a26 26 0 0 1 26 26"


def _windows(upper: list[Box], lower: list[Box], outline: Box) -> str:
    marks = [f"M{box.centre - box.width * 0.28:.1f} {outline.y}h{box.width * 0.56:.1f}" for box in upper]
    marks += [
        f"M{box.centre - box.width * 0.28:.1f} {outline.bottom}h{box.width * 0.56:.1f}"
        for box in lower
        if box.kind == "bedroom"
    ]
    return "".join(marks)


def _furniture(box: Box) -> str:
    x, y, w, h = box.x, box.y, box.width, box.height
    match box.kind:
        case "bedroom":
            bed_h, bed_w = min(h * 0.6, 46), min(w * 0.5, 52)
            top = y + 12 if h > 85 else box.bottom - bed_h - 8
            left = box.right - bed_w - 5
            return _rect(left, top, bed_w, bed_h) + f"M{left + bed_w - 13:.1f} {top:.1f}v{bed_h:.1f}"
        case "living":
            sofa_w, table = min(w * 0.5, 64), y + h * 0.36
            return (
                _rect(box.right - sofa_w - 6, y + 12, sofa_w, 16)
                + _rect(box.right - 22, y + 28, 16, 26)
                + _circle(box.centre - 8, table + 8, 11)
            )
        case "kitchen":
            counter = _rect(box.right - 20, y + 5, 15, h * 0.62) + _rect(box.right - 17, y + 12, 9, 12)
            return counter + _circle(x + w * 0.34, y + 30, min(13, w * 0.16))
        case "bath":
            return _rect(box.right - 19, y + 6, 14, min(h - 28, 46)) + _circle(box.right - 12, y + 14, 3)
        case "store":
            return f"M{box.right - 10:.1f} {y + 4:.1f}V{box.bottom - 4:.1f}"
        case _:
            return ""


def _rect(x: float, y: float, width: float, height: float) -> str:
    return f"M{x:.1f} {y:.1f}h{width:.1f}v{height:.1f}h{-width:.1f}z"


def _circle(x: float, y: float, radius: float) -> str:
    arc = f"a{radius:.1f} {radius:.1f} 0 1 0"
    return f"M{x - radius:.1f} {y:.1f}{arc} {2 * radius:.1f} 0{arc} {-2 * radius:.1f} 0z"


@lru_cache(maxsize=256)
def house(seed: int, floors: int, floor: int | None = None) -> House:
    """Draws a complex of so many storeys, with the storey `floor` marked where one is given."""
    chance = Random(seed)
    storey = min(15.0, 190 / floors)
    columns = [chance.randint(5, 7) for _ in range(3)]
    widths = [count * _BAY + 9 for count in columns]
    gap = chance.uniform(6, 14)
    x = (WIDTH - sum(widths) - 2 * gap) / 2
    blocks: list[str] = []
    windows: list[str] = []
    lit: list[str] = []
    mark = ""
    for number, drop in enumerate(_silhouette(chance, floors)):
        levels, width = floors - drop, widths[number]
        blocks.append(_rect(x, _GROUND - levels * storey - 10, width, levels * storey + 10))
        for level in range(1, levels + 1):
            top = _GROUND - 2 - level * storey + storey * 0.2
            for column in range(columns[number]):
                pane = _rect(x + 7.5 + column * _BAY, top, 7.5, storey * 0.56)
                (lit if chance.random() < 0.22 else windows).append(pane)
        if floor is not None and number == 1:
            mark = _rect(x - 4, _GROUND - 2 - floor * storey, width + 8, storey)
        x += width + gap
    return House("".join(blocks), "".join(windows), "".join(lit), mark)


def _silhouette(chance: Random, floors: int) -> tuple[int, int, int]:
    """How many storeys each of three blocks falls short of the highest; the middle one is the highest."""
    most = max(1, floors // 3)
    return chance.randint(0, most), 0, chance.randint(1, most)
