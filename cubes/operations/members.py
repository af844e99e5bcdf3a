"""Members of dimensions in a load: from a file, from before, or from the facts that name them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from cubes.intake import Batch, Table
from cubes.rules.headers import Match
from cubes.rules.notation import DateNotation, NumberNotation, plain_date, plain_number
from cubes.rules.shape import DECIMAL_DIGITS, ColumnShape, DataType, DimensionShape
from cubes.rules.values import Value, parse, shown

from .links import Allowed
from .notations import Reading
from .refused import Place, Report

_ARROW = {
    DataType.TEXT: pa.string(),
    DataType.INTEGER: pa.int64(),
    DataType.DATE: pa.date32(),
    DataType.BOOLEAN: pa.bool_(),
}


def arrow_type(column: ColumnShape) -> pa.DataType:
    """How a column lies in Parquet."""
    if column.data_type is DataType.DECIMAL:
        return pa.decimal128(DECIMAL_DIGITS, column.precision)
    return _ARROW[column.data_type]


def members_schema(dimension: DimensionShape) -> pa.Schema:
    """The Parquet columns of the members, named by logical name."""
    return pa.schema([(column.logical_name, arrow_type(column)) for column in dimension.columns])


@dataclass
class Members:
    """The members of one dimension in a load. `grows` = a key that a fact names becomes a member."""

    dimension: DimensionShape
    table: pa.Table
    grows: bool
    origin: str
    _added: dict[str, None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._keys = self.table.column(self.dimension.primary).combine_chunks()

    def unknown(self, keys: pa.Array) -> pa.Array:
        """Which of `keys` name no member; a missing key names none and is not unknown."""
        known = pc.or_(pc.is_in(keys, value_set=self._keys), pc.is_null(keys))
        return pc.invert(known)

    def add(self, keys: pa.Array) -> None:
        """Take new keys of loaded facts as members."""
        for key in keys.filter(self.unknown(keys)).unique().to_pylist():
            self._added[key] = None

    def complete(self) -> pa.Table:
        """All members, in order of their keys so that equal members give equal files."""
        table = self.table
        if self._added:
            schema = members_schema(self.dimension)
            table = pa.concat_tables([table, pa.table({self.dimension.primary: list(self._added)}, schema=schema)])
        return table.sort_by(self.dimension.primary)

    def note(self) -> str:
        """Where the members came from, as a sentence."""
        count = len(self.table) + len(self._added)
        parts = [self.origin] if self.origin else []
        parts += [f"{len(self._added)} taken from the facts"] if self._added else []
        members = "1 member" if count == 1 else f"{count} members"
        return f"{self.dimension.name}: {members} ({', '.join(parts) or 'none'})."


@dataclass(frozen=True)
class MemberReader:
    """Reads the members of one dimension from a file, typed; what does not fit goes to the report.

    `allowed` says by logical name which values linked columns may hold.
    """

    dimension: DimensionShape
    place: Place
    table: Table
    match: Match
    reading: Reading
    allowed: Mapping[str, Allowed]
    report: Report

    def read(self, known: pa.Table | None = None) -> tuple[pa.Table, int]:
        """The members in the file and how many lines it has. Refused: no key, a key that came before (in the file, or
        in `known` if given), an unfit value, one that the source of a linked column does not have.
        """
        parts: list[pa.Table] = [members_schema(self.dimension).empty_table()]
        seen: set[str] = set(known.column(self.dimension.primary).to_pylist()) if known is not None else set()
        processed = 0
        for batch in self.table.batches:
            processed += batch.size + len(batch.refused)
            self.report.refuse_lines(self.place, batch.refused)
            parts.append(self._good(batch, seen))
        return pa.concat_tables(parts).combine_chunks(), processed

    def _good(self, batch: Batch, seen: set[str]) -> pa.Table:
        reasons: list[dict[str, str]] = [{} for _ in range(batch.size)]
        texts = {name: batch.columns[at] for name, at in self.match.positions.items()}
        typed = {}
        for column in self.dimension.columns:
            at = self.match.positions[column.logical_name]
            plain = batch.typed[at].to_pylist() if batch.typed else None
            typed[column.logical_name] = _typed(column, texts[column.logical_name], plain, self.reading, reasons)
        for name, values in self.allowed.items():
            for row, reason in values.refused(typed[name]):
                reasons[row].setdefault(name, reason)
        _check_keys(self.dimension, texts[self.dimension.primary].to_pylist(), seen, reasons)
        self._refuse(batch, texts, reasons)
        kept = pa.array([not found for found in reasons], pa.bool_())
        return pa.table(typed, schema=members_schema(self.dimension)).filter(kept)

    def _refuse(self, batch: Batch, texts: dict[str, pa.Array], reasons: list[dict[str, str]]) -> None:
        rows = [
            (
                int(batch.lines[row]),
                self.table.headers[self.match.positions[name]],
                texts[name][row].as_py() or "",
                reason,
            )
            for row, found in enumerate(reasons)
            for name, reason in found.items()
        ]
        if not rows:
            return
        names = ("row", "column", "value", "reason")
        columns = {name: [row[at] for row in rows] for at, name in enumerate(names)}
        self.report.refuse(self.place, pa.table(columns))
        self.report.refuse_records(self.place, batch, pa.array([bool(found) for found in reasons], pa.bool_()))


def _typed(
    column: ColumnShape,
    texts: pa.Array,
    plain: list[bool] | None,
    reading: Reading,
    reasons: list[dict[str, str]],
) -> pa.Array:
    """The column's values; an empty text is missing, an unfit one is missing and has a reason."""
    values: list[Value | None] = []
    known: dict[tuple[str, bool], Value | str | None] = {}
    for row, text in enumerate(texts.to_pylist()):
        cell = (text or "", plain is not None and plain[row])
        if cell not in known:
            known[cell] = _value(column, *cell, reading)
        value = known[cell]
        if isinstance(value, _Unfit):
            reasons[row][column.logical_name] = value
            value = None
        values.append(value)
    return pa.array(values, arrow_type(column))


class _Unfit(str):
    """The reason why a text is no value."""


def _value(column: ColumnShape, text: str, plain: bool, reading: Reading) -> Value | None:
    if not text:
        return None
    try:
        if not plain and column.data_type is DataType.DATE and reading.dates is not DateNotation.ISO:
            text = plain_date(text, reading.dates)
        numeric = column.data_type in (DataType.DECIMAL, DataType.INTEGER)
        if not plain and numeric and reading.numbers is not NumberNotation.PLAIN:
            text = plain_number(text, reading.numbers)
        return parse(text, column.data_type, column.precision)
    except ValueError as error:
        return _Unfit(error)


def _check_keys(
    dimension: DimensionShape, keys: list[str | None], seen: set[str], reasons: list[dict[str, str]]
) -> None:
    for row, key in enumerate(keys):
        if not key:
            reasons[row][dimension.primary] = f"The member has no {dimension.key.name}. Enter one or take the line out."
        elif key in seen:
            reasons[row][dimension.primary] = f"{shown(key)} is a member already, from a line before. Keep one of them."
        elif not reasons[row]:
            seen.add(key)


def joined(before: pa.Table, added: pa.Table, key: str) -> pa.Table:
    """The members of both; a key that both have is the one of `added`."""
    stays = before.filter(pc.invert(pc.is_in(before.column(key), value_set=added.column(key).combine_chunks())))
    return pa.concat_tables([stays, added]).combine_chunks()
