"""The tables of a cube in Dataverse: their names and columns, their values as texts, and which rows are to be read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from bpp_portal.kernel.problems import Problem
from cubes.rules.shape import CubeShape, DimensionShape

CUBE_PREFIX, DIMENSION_PREFIX = "msdyn_xpnacube_", "msdyn_xpnadim_"
FORMATTED = "@OData.Community.Display.V1.FormattedValue"
CREATED, CHANGED = "createdon", "modifiedon"
# A change is stamped before it can be read: one that commits late is found by looking back so far.
LOOK_BACK = timedelta(minutes=10)
_LOOKUPS = frozenset({"Lookup", "Owner", "Customer"})
_LABELLED = frozenset({"Picklist", "State", "Status"})


class LoadState(StrEnum):
    """How a load from Dataverse stands. A failed one can go on where it stopped."""

    QUEUED = "QUEUED"
    READING = "READING"
    LOADING = "LOADING"
    DONE = "DONE"
    FAILED = "FAILED"
    STOPPED = "STOPPED"


ACTIVE = (LoadState.QUEUED, LoadState.READING, LoadState.LOADING)


class Extent(StrEnum):
    """Which rows of the cube's table are read."""

    ALL = "all"
    CHANGED = "changed"


@dataclass(frozen=True)
class Wanted:
    """One table of a cube. `columns`: column in Dataverse → header of the file. `key` is empty for the facts."""

    key: str
    name: str
    table: str
    columns: tuple[tuple[str, str], ...]
    primary: str = ""


@dataclass(frozen=True)
class Facts:
    """What the environment says of a table: columns with their types, alternate keys, the column of its name."""

    columns: Mapping[str, str]
    keys: tuple[frozenset[str], ...]
    name_column: str


@dataclass(frozen=True)
class Chosen:
    """The rows to read, and a sentence that says so. `since` is None for all."""

    since: datetime | None
    said: str


def _prefixed(name: str, prefix: str) -> str:
    lower = name.lower()
    return lower if lower.startswith(prefix) else f"{prefix}{lower.removeprefix('msdyn_')}"


def wanted_tables(logical_name: str, shape: CubeShape) -> list[Wanted]:
    """The dimensions of a cube in their order, then its facts."""
    found = [
        Wanted(
            item.logical_name,
            item.name,
            dimension_table(item),
            tuple((column.logical_name.lower(), column.logical_name) for column in item.columns),
            item.primary.lower(),
        )
        for item in shape.dimensions
    ]
    links = [(dimension_table(item), item.source_column or item.logical_name) for item in shape.dimensions]
    drivers = [(item.logical_name.lower(), item.source_column or item.logical_name) for item in shape.drivers]
    return [*found, Wanted("", shape.name, _prefixed(logical_name, CUBE_PREFIX), (*links, *drivers))]


def dimension_table(dimension: DimensionShape) -> str:
    """The table of a dimension, which is also the column of the cube's table that points at it."""
    return _prefixed(dimension.logical_name, DIMENSION_PREFIX)


def misfits(wanted: Wanted, facts: Facts | None, where: str) -> list[Problem]:
    """Why a table cannot be loaded; empty when it can. `facts` is None when there is no such table."""
    if facts is None:
        message = f"{where} has no table {wanted.table} for {wanted.name}."
        hint = "Publish the cube there, or give it the same logical name here."
        return [Problem("dataverse-table-missing", message, "environment", hint)]
    problems = [
        Problem(
            "dataverse-column-missing",
            f"The table {wanted.table} in {where} has no column {column}.",
            "environment",
            "It was renamed or removed there. Bring it back, or import the definition of the cube again.",
        )
        for column, _ in wanted.columns
        if column not in facts.columns
    ]
    if wanted.primary and wanted.primary in facts.columns and facts.name_column != wanted.primary:
        message = (
            f"The members of {wanted.name} are named by {wanted.primary} here and by {facts.name_column} in {where}."
        )
        problems.append(Problem("dataverse-key-differs", message, "environment", "Import the definition again."))
    return problems


def wire_name(column: str, kind: str) -> str:
    """How the Web API calls a column of this type."""
    return f"_{column}_value" if kind in _LOOKUPS else column


def text_of(row: Mapping[str, Any], column: str, kind: str) -> str | None:
    """A value as text: the name of a linked row, the label of an option, each number with all its digits."""
    name = wire_name(column, kind)
    value = row.get(name)
    if value is None:
        return None
    if kind in _LOOKUPS or kind in _LABELLED:
        return str(row.get(f"{name}{FORMATTED}") or value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value).removesuffix("T00:00:00Z") if kind == "DateTime" else str(value)


def moment_of(row: Mapping[str, Any], column: str) -> datetime | None:
    """When a row was made or changed; None where the table does not say."""
    value = row.get(column)
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


def is_renamed(row: Mapping[str, Any], since: datetime) -> bool:
    """Whether a member stood before `since` and was changed after it, so that facts may have it under another name."""
    made, changed = moment_of(row, CREATED), moment_of(row, CHANGED)
    return made is None or changed is None or (made < since <= changed)


def why_all(*, facts: Facts, links: Iterable[str], base: str, members_changed: str) -> str:
    """Why not only the changed rows can be read; empty when they can.

    `base` and `members_changed` are what the last load and the members say against it.
    """
    known = frozenset(links)
    if base:
        return base
    if CHANGED not in facts.columns:
        return "the table does not say when a row was changed"
    if not any(key and key <= known for key in facts.keys):
        return "the table has no alternate key over the dimensions, so a record cannot be found again"
    return members_changed
