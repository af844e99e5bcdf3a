"""The frozen files of a run: the lines as they are sent, what Finance gave back, and the comparison of the two.

Everything is asked of the Parquet files by SQL, so an export of any size never becomes Python objects.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from .lines import Total

LINES, PACKAGE, READ_BACK = "lines.parquet", "package.zip", "read-back.parquet"
READ_BACK_SCHEMA = pa.schema(
    [
        ("line_number", pa.int64()),
        ("display_value", pa.string()),
        ("date", pa.date32()),
        ("amount_type", pa.string()),
        ("currency", pa.string()),
        ("amount", pa.decimal128(38, 6)),
        ("comment", pa.string()),
    ]
)


@contextmanager
def opened(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees the files of `folder` as tables and can reach nothing else."""
    connection = duckdb.connect()
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET allowed_directories = $1", [[str(folder)]])
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


class Outcome(StrEnum):
    """What became of one line, as far as it was read back."""

    SENT = "Sent"
    IN_FINANCE = "In Finance"
    DIFFERENT = "Different"
    MISSING = "Not there"


@dataclass(frozen=True)
class Found:
    """A line as Finance holds it."""

    display_value: str
    date: object
    amount_type: str
    currency: str
    amount: Decimal


@dataclass(frozen=True)
class Line:
    number: int
    segments: tuple[str | None, ...]
    display_value: str
    date: object
    amount_type: str
    currency: str
    amount: Decimal
    source_rows: int
    outcome: Outcome
    found: "Found | None" = None  # what Finance holds in its place, when that differs


@dataclass(frozen=True)
class Differences:
    """Lines sent against lines read back."""

    missing: int
    extra: int
    different: int
    finance_lines: int

    @property
    def agrees(self) -> bool:
        return not (self.missing or self.extra or self.different)


# Finance may hold a line twice; the first one stands for it, the others are extra.
_FOUND = """(SELECT *, row_number() OVER (PARTITION BY line_number ORDER BY display_value, amount) AS copy
    FROM read_parquet($found))"""
# One line as it was sent against the line of the same number that was read back.
_DIFFERS = """(sent.display_value IS DISTINCT FROM found.display_value OR sent.date IS DISTINCT FROM found.date
    OR sent.amount IS DISTINCT FROM found.amount OR sent.amount_type IS DISTINCT FROM found.amount_type
    OR sent.currency IS DISTINCT FROM found.currency)"""


_SHOWN = ("display_value", "date", "amount_type", "currency", "amount")


def _judged(folder: Path) -> tuple[str, dict[str, object]]:
    """The lines with their outcome, as a source for a query, and its parameters."""
    nothing = ", ".join(f"NULL AS found_{name}" for name in _SHOWN)
    sent = f"SELECT *, 'Sent' AS outcome, {nothing} FROM read_parquet($sent)"  # noqa: S608
    values: dict[str, object] = {"sent": str(folder / LINES)}
    if not (folder / READ_BACK).exists():
        return f"({sent})", values
    judged = f"""(SELECT sent.*, CASE WHEN found.line_number IS NULL THEN 'Not there' WHEN {_DIFFERS} THEN 'Different'
        ELSE 'In Finance' END AS outcome, {", ".join(f"found.{name} AS found_{name}" for name in _SHOWN)}
        FROM read_parquet($sent) AS sent
        LEFT JOIN {_FOUND} AS found ON sent.line_number = found.line_number AND found.copy = 1)"""  # noqa: S608
    return judged, values | {"found": str(folder / READ_BACK)}


def lines_page(
    folder: Path, *, segments: int, search: str = "", outcome: str = "", offset: int = 0, limit: int = 50
) -> tuple[dict[str, int], list[Line]]:
    """Matching lines by outcome, and one page of them, largest first. `search` is compared as it is."""
    source, values = _judged(folder)
    names = "".join(f", s_{i}" for i in range(segments))
    matching = f"FROM {source} WHERE ($search = '' OR contains(display_value, $search))"
    values["search"] = search
    query = (
        f"SELECT line_number, display_value, date, amount_type, currency, amount, source_rows, outcome, "
        f"{', '.join(f'found_{name}' for name in _SHOWN)}{names} {matching} "
        "AND ($outcome = '' OR outcome = $outcome) "
        f"ORDER BY abs(amount) DESC, line_number LIMIT {int(limit)} OFFSET {int(offset)}"
    )
    with opened(folder) as connection:
        counts = connection.execute(f"SELECT outcome, count(*) {matching} GROUP BY 1", values).fetchall()
        rows = connection.execute(query, values | {"outcome": outcome}).fetchall()
    lines = [_line(row) for row in rows]
    return {name: int(count) for name, count in counts}, lines


def _line(row: tuple[Any, ...]) -> Line:
    number, value, day, amount_type, currency, amount, source_rows, outcome, *rest = row
    found = Found(*rest[: len(_SHOWN)]) if outcome == Outcome.DIFFERENT else None
    segments = tuple(rest[len(_SHOWN) :])
    return Line(number, segments, value, day, amount_type, currency, amount, source_rows, Outcome(outcome), found)


def line_rows(folder: Path, *, segments: int) -> Iterator[tuple[Any, ...]]:
    """All lines in their order: number, segments, date, amount type, currency, amount, cube rows."""
    names = "".join(f", s_{i}" for i in range(segments))
    query = (
        f"SELECT line_number{names}, date, amount_type, currency, amount, source_rows FROM read_parquet($file) "  # noqa: S608
        "ORDER BY line_number"
    )
    with opened(folder) as connection:
        answer = connection.execute(query, {"file": str(folder / LINES)})
        while rows := answer.fetchmany(10_000):
            yield from rows


def _one(connection: duckdb.DuckDBPyConnection, query: str, values: Mapping[str, object]) -> tuple[Any, ...]:
    row = connection.execute(query, values).fetchone()
    if row is None:
        raise LookupError("the query gave no row")
    return row


def totals(folder: Path, file: str = LINES) -> tuple[Total, ...]:
    """Totals per amount type and currency of the frozen lines, or of what was read back."""
    exact, rows = ("sum(exact)", "sum(source_rows)") if file == LINES else ("sum(amount)", "count(*)")
    query = (
        f"SELECT amount_type, currency, count(*), {rows}, {exact}, sum(amount) FROM read_parquet($file) "  # noqa: S608
        "GROUP BY ALL ORDER BY 1, 2"
    )
    with opened(folder) as connection:
        found = connection.execute(query, {"file": str(folder / file)}).fetchall()
    return tuple(Total(r[0], r[1], int(r[2]), int(r[3]), r[4], r[5]) for r in found)


def segment_totals(
    folder: Path, *, segment: int, limit: int = 12
) -> dict[tuple[str, str], list[tuple[str, int, Decimal, int]]]:
    """By amount type and currency: value of a segment, lines, amount, how many values there are; largest first."""
    query = (
        f"SELECT amount_type, currency, coalesce(s_{int(segment)}, ''), count(*), sum(amount), "  # noqa: S608
        "count(*) OVER (PARTITION BY amount_type, currency) FROM read_parquet($file) GROUP BY 1, 2, 3 "
        "QUALIFY row_number() OVER (PARTITION BY amount_type, currency ORDER BY abs(sum(amount)) DESC, 3) "
        f"<= {int(limit)} ORDER BY 1, 2, abs(sum(amount)) DESC, 3"
    )
    found: dict[tuple[str, str], list[tuple[str, int, Decimal, int]]] = {}
    with opened(folder) as connection:
        for kind, currency, *row in connection.execute(query, {"file": str(folder / LINES)}).fetchall():
            found.setdefault((kind, currency), []).append((row[0], int(row[1]), row[2], int(row[3])))
    return found


def text_of_lines(folder: Path, fields: list[str]) -> Iterator[str]:
    """The lines as CSV text: `fields` are SQL expressions over the frozen lines, each already text."""
    quoted = ["'\"' || replace(" + field + ", '\"', '\"\"') || '\"'" for field in fields]
    joined = " || ',' || ".join(quoted)
    query = f"SELECT {joined} || chr(13) || chr(10) AS line FROM read_parquet($file) ORDER BY line_number"  # noqa: S608
    with opened(folder) as connection:
        reader = connection.sql(query, params={"file": str(folder / LINES)}).to_arrow_reader(100_000)
        for batch in reader:
            yield _joined(batch.column(0))


def _joined(texts: pa.StringArray) -> str:
    """All of `texts` as one: their bytes lie one after the other, so no line becomes an object of its own.

    ValueError for a missing text, which has no bytes and would vanish without a word.
    """
    if texts.null_count:
        raise ValueError(f"{texts.null_count} of {len(texts)} lines have no text")
    if not len(texts):
        return ""
    _, offsets, data = texts.buffers()
    ends = memoryview(offsets).cast("q" if pa.types.is_large_string(texts.type) else "i")
    return str(memoryview(data)[ends[texts.offset] : ends[texts.offset + len(texts)]], "utf-8")


def compare(folder: Path) -> Differences:
    """Frozen lines against the read-back, line by line: number, dimension value, date, amount, type, currency."""
    query = f"""
        WITH sent AS (SELECT * FROM read_parquet($sent)), found AS {_FOUND}
        SELECT count(*) FILTER (found.line_number IS NULL),
               count(*) FILTER (sent.line_number IS NULL),
               count(*) FILTER (sent.line_number IS NOT NULL AND found.line_number IS NOT NULL AND {_DIFFERS}),
               (SELECT count(*) FROM found)
        FROM sent FULL OUTER JOIN found ON sent.line_number = found.line_number AND found.copy = 1
    """  # noqa: S608
    values = {"sent": str(folder / LINES), "found": str(folder / READ_BACK)}
    with opened(folder) as connection:
        missing, extra, different, lines = _one(connection, query, values)
    return Differences(missing, extra, different, lines)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
