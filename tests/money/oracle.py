"""What an export must hold, worked out with dictionaries and Decimal. Imports nothing of the product."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext

MINOR_UNITS = {"JPY": 0, "KWD": 3}
Row = Mapping[str, str]  # text by `Dimension.Column` or name of a driver; empty = blank
Filter = tuple[str, str, tuple[str, ...]]  # column, operator, values


@dataclass(frozen=True)
class Wish:
    """Where the fields of a line come from: (column, "") or ("", constant). `currency` is that of lines naming none."""

    segments: tuple[tuple[str, str], ...]
    day: tuple[str, str]
    kind: tuple[str, str]
    currency: tuple[str, str]
    driver: str
    filters: tuple[Filter, ...] = ()
    per_record: bool = False


@dataclass(frozen=True)
class Line:
    key: tuple[str, ...]  # segments, date, amount type, currency
    exact: Decimal
    sent: Decimal
    rows: int


def holds(row: Row, column: str, operator: str, values: Sequence[str]) -> bool:
    text = row[column]
    return {
        "in": text in values,
        "not in": text not in values,
        "between": bool(text) and values[:1] <= (text,) <= values[1:],
        "contains": any(value in text for value in values),
        "begins with": any(text.startswith(value) for value in values),
        "blank": text == "",
        "not blank": text != "",
    }[operator]


def lines(rows: Iterable[Row], wish: Wish) -> list[Line]:
    """The lines in their order: by key, blanks first, then by amount."""
    sums: dict[tuple[object, ...], list[Decimal]] = {}
    for number, row in enumerate(rows):
        if all(holds(row, *condition) for condition in wish.filters):
            fields = (*wish.segments, wish.day, wish.kind, wish.currency)
            key = tuple(row[column] if column else constant for column, constant in fields)
            sums.setdefault((key, number if wish.per_record else 0), []).append(Decimal(row[wish.driver]))
    with localcontext(prec=100):
        found = [_line(key, sum(amounts, Decimal(0)), len(amounts)) for (key, _), amounts in sums.items()]
    return sorted(found, key=lambda line: (line.key, line.exact))


def _line(key: tuple[str, ...], exact: Decimal, rows: int) -> Line:
    step = Decimal(1).scaleb(-MINOR_UNITS.get(key[-1], 2))
    return Line(key, exact, exact.quantize(step, ROUND_HALF_UP), rows)


def total(found: Iterable[Line]) -> dict[tuple[str, str], tuple[Decimal, Decimal, int, int]]:
    """(amount type, currency) → exact sum, sum as sent, lines, rows."""
    sums: dict[tuple[str, str], tuple[Decimal, Decimal, int, int]] = {}
    with localcontext(prec=100):
        for line in found:
            exact, sent, count, rows = sums.get(line.key[-2:], (Decimal(0), Decimal(0), 0, 0))
            sums[line.key[-2:]] = (exact + line.exact, sent + line.sent, count + 1, rows + line.rows)
    return sums
