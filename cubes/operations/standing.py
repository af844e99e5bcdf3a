"""Members that stand: in the snapshot before, or in that of another cube."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from django.db.models import Q

from cubes.engine.relation import members_name
from cubes.models import Cube, Snapshot
from cubes.rules.shape import DimensionShape

from .members import members_schema


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
