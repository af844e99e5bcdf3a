"""What checking needs to know of a cube, and the words that findings share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bpp_portal.kernel.problems import Problem

SHOWN = 3


@dataclass(frozen=True)
class CubeFacts:
    """The cube as far as a mapping needs it: column name → data type, driver names, whether it is published."""

    name: str
    published: bool
    columns: Mapping[str, str]
    drivers: tuple[str, ...]

    @property
    def date_columns(self) -> tuple[str, ...]:
        return tuple(name for name, data_type in self.columns.items() if data_type == "date")


ValueRows = Sequence[tuple[object, int]]  # (value, cube rows that hold it); None is an empty value


def in_rows(count: int) -> str:
    """`1 row`, `4,069 rows`."""
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def grouped(items: ValueRows, code: str, where: str, sentence: Callable[[str], str]) -> list[Problem]:
    """One finding for all values (value, cube rows): the first of them in the sentence, more as examples."""
    if not items:
        return []
    shown = ", ".join(f"{value} ({in_rows(rows)})" for value, rows in items[:SHOWN])
    if len(items) > SHOWN:
        shown += f" and {len(items) - SHOWN:,} more"
    text = sentence(shown)
    return [Problem(code, text[0].upper() + text[1:], where, examples=tuple(str(v) for v, _ in items[:50]))]
