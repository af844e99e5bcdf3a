"""Linked columns at loading: a member holds only values that the column link dimension has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from bpp_portal.kernel.problems import Problem
from cubes.intake.cells import cell_text
from cubes.rules.links import linked_columns
from cubes.rules.shape import DimensionShape
from cubes.rules.slices import ColumnRef
from cubes.rules.values import shown

from .refusals import LoadRefused

if TYPE_CHECKING:
    from .members import Members


@dataclass(frozen=True)
class Allowed:
    """The values that a linked column may hold: those of `source`."""

    source: ColumnRef
    values: pa.Array

    def refused(self, values: pa.Array) -> Iterator[tuple[int, str]]:
        """Places in `values` that hold something else, each with the reason; an empty one is nothing else."""
        outside = pc.invert(pc.or_(pc.is_in(values, value_set=self.values), pc.is_null(values)))
        for place in pc.indices_nonzero(outside).to_pylist():
            yield place, self.reason(cell_text(values[place].as_py()))

    def reason(self, value: str) -> str:
        few = self.values.drop_null().unique()
        listed = f": {', '.join(cell_text(one) for one in few.to_pylist())}" if 0 < len(few) <= 10 else ""
        return f"{shown(value)} is not a value of {self.source}{listed}. Correct it, or add it there."


def allowed_values(dimension: DimensionShape, members: Mapping[str, Members]) -> dict[str, Allowed]:
    """What the linked columns of `dimension` may hold, both by logical name; `members` holds their sources."""
    by_name = {item.dimension.name: item for item in members.values()}
    found = {}
    for column in linked_columns(dimension):
        if column.linked_to:
            source = by_name[column.linked_to.dimension]
            name = next(one.logical_name for one in source.dimension.columns if one.name == column.linked_to.column)
            found[column.logical_name] = Allowed(column.linked_to, source.table.column(name).combine_chunks())
    return found


def check_kept(dimension: DimensionShape, table: pa.Table, allowed: Mapping[str, Allowed]) -> None:
    """LoadRefused when members that stay hold a value that new members of the column link dimension lack."""
    problems = []
    for name, values in allowed.items():
        distinct = table.column(name).combine_chunks().unique()
        for _, reason in list(values.refused(distinct))[:3]:
            message = f"{dimension.name}: {reason} Load members of {dimension.name} together with it."
            problems.append(Problem("link-value-unknown", message, "dimension"))
    if problems:
        raise LoadRefused(problems)
