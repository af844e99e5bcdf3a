"""The refused values of a load, from the file beside its report."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
from sqlglot import exp

from cubes.models import Load
from cubes.operations.refused import ERRORS_FILE

DIALECT = "duckdb"
FIELDS = ("file", "sheet", "row", "column", "value", "reason")


@dataclass(frozen=True)
class RefusedValue:
    """One refused value. `row` is its line in the file, the header being line 1; in Parquet the record's number."""

    file: str
    sheet: str
    row: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True)
class Chosen:
    """Which refused values: of one column, with these words in the reason; empty = all."""

    column: str = ""
    reason: str = ""


@dataclass(frozen=True)
class RefusedPage:
    """Some refused values, how many there are in all, and the columns they are in with their numbers."""

    values: tuple[RefusedValue, ...]
    count: int
    columns: tuple[tuple[str, int], ...]


def refused_page(*, load: Load, chosen: Chosen = Chosen(), start: int = 0, size: int = 100) -> RefusedPage:
    """Refused values from number `start` on, in the order of the files; columns are counted without regard to them."""
    if not _has_errors(load):
        return RefusedPage((), 0, ())
    column = exp.column("column", quoted=True)
    everything = exp.Count(this=exp.Star())
    groups = (
        exp.select(column, everything)
        .from_(_file(load))
        .group_by("1")
        .order_by(exp.Ordered(this=everything.copy(), desc=True), "1")
    )
    with duckdb.connect(":memory:") as connection:
        count = _rows(connection, exp.select(everything.copy()).from_(_file(load)).where(*_conditions(chosen)))[0][0]
        page = _rows(connection, _select(load, chosen).limit(size).offset(start))
        columns = _rows(connection, groups)
    return RefusedPage(tuple(RefusedValue(*row) for row in page), count, tuple(columns))


def refused_values(*, load: Load, chosen: Chosen = Chosen()) -> Iterator[RefusedValue]:
    """All refused values, a few thousand at a time."""
    if not _has_errors(load):
        return
    with duckdb.connect(":memory:") as connection:
        found = connection.execute(_select(load, chosen).sql(DIALECT))
        while rows := found.fetchmany(5_000):
            for row in rows:
                yield RefusedValue(*row)


def _has_errors(load: Load) -> bool:
    return bool(load.folder) and (load.path / ERRORS_FILE).is_file()


def _select(load: Load, chosen: Chosen) -> exp.Select:
    fields = [exp.column(name, quoted=True) for name in FIELDS]
    return exp.select(*fields).from_(_file(load)).where(*_conditions(chosen)).order_by("file_row_number")


def _file(load: Load) -> exp.Func:
    path = exp.Literal.string(str(load.path / ERRORS_FILE))
    numbered = exp.EQ(this=exp.column("file_row_number"), expression=exp.true())
    return exp.func("read_parquet", path, numbered)


def _conditions(chosen: Chosen) -> list[exp.Expression]:
    conditions: list[exp.Expression] = []
    if chosen.column:
        column = exp.column("column", quoted=True)
        conditions.append(exp.EQ(this=column, expression=exp.Literal.string(chosen.column)))
    if chosen.reason:
        folded = exp.Lower(this=exp.column("reason", quoted=True))
        conditions.append(exp.Contains(this=folded, expression=exp.Literal.string(chosen.reason.lower())))
    return conditions


def _rows(connection: Any, select: exp.Expression) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = connection.execute(select.sql(DIALECT)).fetchall()
    return rows
