"""Random cubes with odd names and values, and random wishes about them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from .oracle import Filter, Row, Wish

ODD_NAMES = [
    " lead",
    "two  blanks",
    "Ko'sten;\"stelle\\",
    "部門",
    "🧾",
    "NA",
    "0800",
    "null",
    "%_",
    "--",
    "a,b",
    "$1",
    "?",
]
ODD_VALUES = [
    *["0800", "000110", "NA", "1E5", " lead", "trail ", "two  blanks", " ", "\u00a0", "null", "None", "nan", "=1+1"],
    *["o'hara", 'say "hi"', "back\\slash", "a|b", "a,b", "line\nbreak", "🧾 emoji", "ÅÄÖ", "العربية", "かな", "%_"],
]
ODD_AMOUNTS = ["0.005", "-0.005", "9999999999.123456", "-9999999999.123456", "0", "0.015", "2.675", "1.5", "-2.5"]
LONG = "98765432109876543210.123"
DAYS = ["2021-07-01", "2021-12-31", "2024-02-29", "2026-01-01"]
KINDS, CURRENCIES = ["Expense", "Revenue"], ["USD", "EUR", "JPY", "KWD"]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
VALUE = st.sampled_from(ODD_VALUES) | TEXT.filter(bool)


@dataclass(frozen=True)
class Dimension:
    """`members` are rows, the key first; with more than one column they come from a file of their own."""

    name: str
    columns: tuple[tuple[str, str], ...]  # name, data type
    members: tuple[tuple[str, ...], ...]

    def column(self, at: int = 0) -> str:
        return f"{self.name}.{self.columns[at][0]}"

    @property
    def described(self) -> bool:
        return len(self.columns) > 1


@dataclass(frozen=True)
class Plan:
    """A cube and its facts: keys in the order of `dimensions`, then amounts in the order of `drivers`.

    Dimensions are segments, then period, amount type, currency, and one that nobody maps or filters.
    """

    dimensions: tuple[Dimension, ...]
    drivers: tuple[tuple[str, int], ...]  # name, decimals
    facts: tuple[tuple[str, ...], ...]
    kind: str = "csv"

    @property
    def segments(self) -> tuple[Dimension, ...]:
        return self.dimensions[:-4]

    @property
    def headers(self) -> list[str]:
        return [*[dimension.name for dimension in self.dimensions], *[name for name, _ in self.drivers]]

    def rows(self) -> list[Row]:
        """Every fact with the texts of its members, for the oracle."""
        found = []
        for fact in self.facts:
            row: dict[str, str] = {}
            for dimension, key in zip(self.dimensions, fact, strict=False):
                member = next((one for one in dimension.members if one[0] == key), ("",) * len(dimension.columns))
                row |= {dimension.column(at): text for at, text in enumerate(member)}
            found.append(row | dict(zip([name for name, _ in self.drivers], fact[len(self.dimensions) :], strict=True)))
        return found

    def with_facts(self, facts: Any) -> "Plan":
        return replace(self, facts=tuple(facts))


def amounts(decimals: int, digits: int = 32) -> st.SearchStrategy[str]:
    """Amounts as text with at most so many decimals, and digits in all."""
    most = 10**digits - 1
    whole = st.integers(-most, most) | st.integers(-(10**5), 10**5)
    scaled = whole.map(lambda number: format(Decimal((number < 0, _digits(number), -decimals)), "f"))
    longest = [LONG] * 4 if digits == 32 else []
    odd = [text for text in [*ODD_AMOUNTS, *longest] if len(text.partition(".")[2]) <= decimals]
    return st.sampled_from(odd) | st.sampled_from(odd) | scaled


def _digits(number: int) -> tuple[int, ...]:
    return tuple(int(digit) for digit in str(abs(number)))


@st.composite
def plans(draw: st.DrawFn, *, digits: int = 32, decimals: tuple[int, ...] = (6, 3, 0, 2, 10)) -> Plan:
    count = draw(st.integers(1, 3))
    named = [f"{odd}{at}" for at, odd in enumerate(draw(st.lists(st.sampled_from(ODD_NAMES), min_size=9, max_size=9)))]
    odd_columns = draw(st.lists(st.sampled_from(ODD_NAMES), min_size=2, max_size=2))
    segments = [_segment(draw, named[at], f"{odd_columns[0]}.k", f"{odd_columns[1]}.t") for at in range(count)]
    periods = tuple(zip(draw(st.lists(VALUE, min_size=4, max_size=4, unique=True)), DAYS, strict=True))
    fixed = [
        Dimension(named[3], (("Name", "StringType"), ("Day", "DateType")), periods),
        Dimension(named[4], (("Kind", "StringType"),), tuple((kind,) for kind in KINDS)),
        Dimension(named[5], (("Code", "StringType"),), tuple((code,) for code in CURRENCIES)),
        Dimension(named[6], (("Name", "StringType"),), (("x",), ("y",))),
    ]
    dimensions = (*segments, *fixed)
    drivers = tuple((named[7 + at], draw(st.sampled_from(decimals))) for at in range(draw(st.integers(1, 2))))
    # Few keys and few amounts, each many times: rows that meet in a line are where sums go wrong.
    keys = st.tuples(*[_keys(dimension, blank=at < count) for at, dimension in enumerate(dimensions)])
    some_keys = draw(st.lists(keys, min_size=1, max_size=4))
    some_amounts = [draw(st.lists(amounts(places, digits), min_size=1, max_size=3)) for _, places in drivers]
    numbers = st.tuples(*[st.sampled_from(texts) for texts in some_amounts])
    fact = st.builds(lambda key, texts: (*key, *texts), st.sampled_from(some_keys), numbers)
    facts = draw(st.lists(fact, min_size=3, max_size=12))
    return Plan(dimensions, drivers, tuple(facts), draw(st.sampled_from(["csv", "parquet"])))


def _segment(draw: st.DrawFn, name: str, key: str, other: str) -> Dimension:
    keys = draw(st.lists(VALUE, min_size=1, max_size=3, unique=True))
    if draw(st.booleans()):
        return Dimension(name, ((key, "StringType"),), tuple((one,) for one in keys))
    members = tuple((one, draw(st.just("") | VALUE)) for one in keys)
    return Dimension(name, ((key, "StringType"), (other, "StringType")), members)


def _keys(dimension: Dimension, *, blank: bool) -> st.SearchStrategy[str]:
    keys = [member[0] for member in dimension.members]
    return st.sampled_from([*keys, ""] if blank else keys)


@st.composite
def wishes(draw: st.DrawFn, plan: Plan, *, filtered: bool = True) -> Wish:
    """Sources for every field, up to two filters, and one of the two line details."""
    columns = [dimension.column(at) for dimension in plan.segments for at in range(len(dimension.columns))]
    period, kind, currency, _ = plan.dimensions[-4:]
    segment = st.sampled_from(columns).map(lambda name: (name, "")) | VALUE.map(lambda text: ("", text))
    from_column = st.booleans()
    return Wish(
        segments=tuple(draw(st.lists(segment, min_size=1, max_size=3))),
        day=(period.column(1), "") if draw(from_column) else ("", DAYS[0]),
        kind=(kind.column(), "") if draw(from_column) else ("", KINDS[0]),
        currency=(currency.column(), "") if draw(from_column) else ("", draw(st.sampled_from(CURRENCIES))),
        driver=draw(st.sampled_from([name for name, _ in plan.drivers])),
        filters=tuple(draw(st.just([]) | st.lists(filters(plan), min_size=1, max_size=2))) if filtered else (),
        per_record=draw(st.booleans()),
    )


@st.composite
def filters(draw: st.DrawFn, plan: Plan) -> Filter:
    dimension = draw(st.sampled_from([*plan.segments * 3, *plan.dimensions[-4:-1]]))  # blanks are in segments
    at = draw(st.integers(0, len(dimension.columns) - 1))
    values = [member[at] for member in dimension.members if member[at]] or ["none"]
    is_text = dimension.columns[at][1] == "StringType"
    operators = ["in", "not in", "between", "blank", "not blank"] + ["contains", "begins with"] * is_text
    operator = draw(st.sampled_from(operators))
    some = st.lists(st.sampled_from(values), min_size=1, max_size=3)
    takes: dict[str, Callable[[], tuple[str, ...]]] = {
        "in": lambda: tuple(draw(st.lists(st.sampled_from([*values, ""]), min_size=1, max_size=3))),
        "between": lambda: tuple(sorted(draw(st.permutations(values * 2 if len(values) == 1 else values))[:2])),
        "contains": lambda: tuple(text[-1:] for text in draw(some)),
        "begins with": lambda: tuple(text[:1] for text in draw(some)),
    }
    takes["not in"] = takes["in"]
    return dimension.column(at), operator, takes[operator]() if operator in takes else ()
