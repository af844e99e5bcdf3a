"""Members of dimensions: from a file, from the snapshot before, or from the facts that name them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.db.models import Q

from cubes.engine.relation import members_name
from cubes.intake import Source, Table
from cubes.models import Cube, Snapshot
from cubes.rules.headers import Match
from cubes.rules.shape import DECIMAL_DIGITS, ColumnShape, DataType, DimensionShape
from cubes.rules.values import parse, shown

from .links import Allowed
from .refused import Refused, Report

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


def previous_members(dimension: DimensionShape, folder: Path | None) -> pa.Table | None:
    """The members in the folder of the snapshot before; None when there are none of this shape."""
    path = folder / f"{members_name(dimension)}.parquet" if folder else None
    if path is None or not path.is_file():
        return None
    table = pq.read_table(path)
    return table if table.schema.equals(members_schema(dimension)) else None


def standing_members(dimension: DimensionShape, cube: Cube) -> pa.Table | None:
    """The members of the newest snapshot of any other cube that uses the dimension; None when none has them."""
    uses = Q(cube__cube_dimensions__dimension__name=dimension.name)
    links = Q(cube__cube_dimensions__dimension__columns__linked_to__dimension__name=dimension.name)
    newest = Snapshot.objects.filter(uses | links).exclude(cube=cube).distinct()
    for snapshot in newest.order_by("-created_at", "-pk"):
        found = previous_members(dimension, snapshot.path)
        if found is not None:
            return found
    return None


def has_members(dimension: DimensionShape, cube: Cube) -> bool:
    """Whether the dimension has members that stand, in `cube` or elsewhere."""
    before = cube.snapshots.order_by("-number").first()
    own = previous_members(dimension, before.path) if before else None
    return own is not None or standing_members(dimension, cube) is not None


def read_members(
    dimension: DimensionShape,
    source: Source,
    table: Table,
    match: Match,
    report: Report,
    allowed: Mapping[str, Allowed],
) -> pa.Table:
    """The members in a file, typed. Refused ones go to the report: no key, a key that came before, an unfit value, or

    one that the source of a linked column does not have: `allowed` holds those by logical name of the column.
    """
    parts: list[pa.Table] = [members_schema(dimension).empty_table()]
    seen: set[str] = set()
    for batch in table.batches:
        for refusal in batch.refused:
            report.refuse(Refused(source.label, table.sheet, refusal.line, "", refusal.value, refusal.reason))
        reasons: list[dict[str, str]] = [{} for _ in range(batch.size)]
        texts = {name: batch.columns[place] for name, place in match.positions.items()}
        typed = {
            column.logical_name: _typed(column, texts[column.logical_name], reasons) for column in dimension.columns
        }
        for name, values in allowed.items():
            for row, reason in values.refused(typed[name]):
                reasons[row].setdefault(name, reason)
        _check_keys(dimension, texts[dimension.primary].to_pylist(), seen, reasons)
        for row, found in enumerate(reasons):
            for logical_name, reason in found.items():
                header = table.headers[match.positions[logical_name]]
                value = texts[logical_name][row].as_py() or ""
                report.refuse(Refused(source.label, table.sheet, int(batch.lines[row]), header, value, reason))
        kept = pa.array([not found for found in reasons], pa.bool_())
        parts.append(pa.table(typed, schema=members_schema(dimension)).filter(kept))
    return pa.concat_tables(parts).combine_chunks()


def _typed(column: ColumnShape, texts: pa.Array, reasons: list[dict[str, str]]) -> pa.Array:
    """The column's values; an empty text is missing, an unfit one is missing and has a reason."""
    encoded = texts.dictionary_encode()
    values, why = [], {}
    for place, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            values.append(parse(text, column.data_type, column.precision) if text else None)
        except ValueError as error:
            values.append(None)
            why[place] = str(error)
    if why:
        for row, place in enumerate(encoded.indices.to_pylist()):
            if place in why:
                reasons[row][column.logical_name] = why[place]
    return pa.array(values, arrow_type(column)).take(encoded.indices)


def _check_keys(
    dimension: DimensionShape, keys: list[str | None], seen: set[str], reasons: list[dict[str, str]]
) -> None:
    for row, key in enumerate(keys):
        if not key:
            reasons[row][dimension.primary] = f"The member has no {dimension.key.name}. Enter one or take the line out."
        elif key in seen:
            reasons[row][dimension.primary] = f"{shown(key)} is a member already, from a line before. Keep one of them."
        else:
            seen.add(key)
