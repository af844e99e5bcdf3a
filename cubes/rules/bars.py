"""Geometry of the horizontal bar chart of a pivot. Charts print rounded numbers; tables never do."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

LABEL, GAP, VALUE, WIDTH = 136, 8, 58, 340
ROW, BAR = 26, 16
MOST_SERIES = 3
LARGEST = 10


@dataclass(frozen=True)
class Part:
    series: int
    x: int
    width: int


@dataclass(frozen=True)
class Bar:
    label: str
    y: int
    text_y: int
    value_x: int
    value: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Chart:
    width: int
    height: int
    axis: int
    bar_height: int
    bars: tuple[Bar, ...]

    @property
    def label_width(self) -> int:
        """What a label may take: it never touches its bar."""
        return LABEL - GAP

    @property
    def negative(self) -> bool:
        """Whether bars go to the left of the axis too."""
        return self.axis > LABEL


def short(value: Decimal) -> str:
    """`value` with one decimal and its unit: 165.0 M."""
    for size, unit in ((Decimal(10) ** 9, "bn"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k")):
        if abs(value) >= size:
            return f"{value / size:,.1f} {unit}"
    return f"{value:,.0f}"


def shortened(label: str, most: int = 20) -> str:
    """`label` cut to what the chart has room for; the table beside it has the whole."""
    return label if len(label) <= most else label[: most - 1].rstrip() + "…"


def bar_chart(rows: Sequence[tuple[str, Sequence[Decimal], Decimal]]) -> Chart:
    """Bars for (label, parts, total), at most ten. Parts stand side by side; if one is negative, the total is drawn."""
    rows = rows[:LARGEST]
    low = min([Decimal(0), *(total for _, _, total in rows)])
    high = max([Decimal(0), *(total for _, _, total in rows)])
    room = WIDTH - LABEL - VALUE
    scale = room / (high - low) if high > low else Decimal(0)
    axis = LABEL + round(-low * scale)
    bars = tuple(_bar(number, *row, axis, scale) for number, row in enumerate(rows))
    return Chart(WIDTH, len(rows) * ROW, axis, BAR, bars)


def _bar(number: int, label: str, parts: Sequence[Decimal], total: Decimal, axis: int, scale: Decimal) -> Bar:
    top = number * ROW + (ROW - BAR) // 2
    stacked = bool(parts) and all(part >= 0 for part in parts)
    drawn = []
    if stacked:
        begin = axis
        for series, part in enumerate(parts, start=1):
            width = round(part * scale)
            if width:
                drawn.append(Part(series, begin, max(width - 1, 1)))
            begin += width
    else:
        width = round(abs(total) * scale)
        drawn.append(Part(1, axis if total >= 0 else axis - width, width))
    right = max([axis, *(part.x + part.width for part in drawn)])
    return Bar(shortened(label), top, top + 12, right + 6, short(total), tuple(drawn))
