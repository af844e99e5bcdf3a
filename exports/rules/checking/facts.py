"""What checking needs to know of a cube, and the words that findings share."""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bpp_portal.kernel.problems import Problem
from connections.rules.facts import MemberStatus
from exports.rules.configuration import MAIN_ACCOUNT, Target

SHOWN = 3


@dataclass(frozen=True)
class CubeFacts:
    """The cube as far as a mapping needs it: column name → data type, driver names, whether it is published, and
    whether it is a classic one."""

    name: str
    published: bool
    columns: Mapping[str, str]
    drivers: tuple[str, ...]
    classic: bool = False

    @property
    def date_columns(self) -> tuple[str, ...]:
        return tuple(name for name, data_type in self.columns.items() if data_type == "date")


ValueRows = Sequence[tuple[object, int]]  # (value, cube rows that hold it); None is an empty value


def in_rows(count: int) -> str:
    """`1 row`, `4,069 rows`."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def these_rows(count: int) -> str:
    """`this row`, `these 4,069 rows`."""
    return "this row" if count == 1 else f"these {count:,} rows"


def noun_of(target: Target) -> str:
    """How a sentence calls a value of `target`."""
    return target.label.lower() if target.name == MAIN_ACCOUNT else target.name


def nearest(value: str, members: Mapping[str, MemberStatus]) -> list[str]:
    """The known values that look most like `value`."""
    return difflib.get_close_matches(value, list(members)[:5000], n=2, cutoff=0.6)


def usable(member: MemberStatus, dates: "ValueRows") -> bool:
    """Whether Finance takes the value on all of these dates."""
    if member.suspended:
        return False
    days = [day for day, _ in dates if isinstance(day, date)]
    if member.active_from and any(day < member.active_from for day in days):
        return False
    return not (member.active_to and any(day > member.active_to for day in days))


def counted(items: "ValueRows") -> str:
    """The first values with their rows, and how many more there are."""
    shown = ", ".join(f"{value} ({in_rows(rows)})" for value, rows in items[:SHOWN])
    return shown + (f" and {len(items) - SHOWN:,} more" if len(items) > SHOWN else "")


def rows_of(items: "ValueRows") -> int:
    """How many cube rows hold one of the values."""
    return sum(rows for _, rows in items)


def grouped(items: ValueRows, code: str, where: str, sentence: Callable[[str], str]) -> list[Problem]:
    """One finding for all values (value, cube rows): the first of them in the sentence, more as examples."""
    if not items:
        return []
    text = sentence(counted(items))
    return [Problem(code, text[0].upper() + text[1:], where, examples=tuple(str(v) for v, _ in items[:50]))]
