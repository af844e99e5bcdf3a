"""The values of a dimension that exist: the members in the latest snapshot of every cube that uses it."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from .engine.relation import members_name
from .models import Dimension, DimensionRule, MemberGrant, Snapshot, dimension_shape

PER_PAGE = 100


@dataclass(frozen=True)
class Value:
    """A value and what a group may do with it: `read`, `edit`, or nothing (empty)."""

    key: str
    granted: str


@dataclass(frozen=True)
class Values:
    """One page of values; `found` of them match the search, `exist` in all."""

    values: tuple[Value, ...]
    found: int
    exist: int


def existing_keys(*, dimension: Dimension, among: Collection[str] | None = None) -> list[str]:
    """The keys that exist, in order; only those of `among` if given."""
    query = "SELECT DISTINCT key FROM existing ORDER BY key"
    if among is None:
        return [key for (key,) in _ask(dimension, query)]
    wanted = pa.table({"key": pa.array(list(dict.fromkeys(among)), pa.string())})
    found = "SELECT DISTINCT key FROM existing WHERE key IN (SELECT key FROM wanted) ORDER BY key"
    return [key for (key,) in _ask(dimension, found, wanted=wanted)]


def values_of(*, rule: DimensionRule, search: str = "", granted: str = "", page: int = 1) -> Values:
    """One page of the values of the rule's dimension; `search` without regard to case, `granted` = only these:
    `read`, `edit`, `any` of both, or `none`."""
    rows = list(MemberGrant.objects.filter(rule=rule).values_list("key", "edit"))
    grants = pa.table(
        {
            "key": pa.array([key for key, _ in rows], pa.string()),
            "granted": pa.array(["edit" if edit else "read" for _, edit in rows], pa.string()),
        }
    )
    matching = """FROM (SELECT DISTINCT key FROM existing) AS e LEFT JOIN grants USING (key)
        WHERE contains(lower(key), lower($search)) AND CASE $granted WHEN '' THEN true
        WHEN 'any' THEN granted IS NOT NULL WHEN 'none' THEN granted IS NULL
        ELSE granted IS NOT DISTINCT FROM $granted END"""
    query = f"""SELECT key, coalesce(granted, ''), count(*) OVER () {matching}
        ORDER BY key LIMIT {PER_PAGE} OFFSET {(page - 1) * PER_PAGE}"""
    asked = {"search": search, "granted": granted}
    found = _ask(rule.dimension, query, asked, grants=grants)
    [(exist,)] = _ask(rule.dimension, "SELECT count(DISTINCT key) FROM existing")
    return Values(tuple(Value(key, given) for key, given, _ in found), found[0][2] if found else 0, exist)


def _ask(
    dimension: Dimension, query: str, asked: dict[str, str] | None = None, **tables: pa.Table
) -> list[tuple[Any, ...]]:
    shape = dimension_shape(dimension)
    key = shape.primary.replace('"', '""')
    files = [str(path) for path in _files(dimension, members_name(shape))]
    with duckdb.connect() as connection:
        if files:
            paths = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
            source = f'SELECT "{key}" AS key FROM read_parquet([{paths}], union_by_name=true)'  # noqa: S608
        else:
            source = "SELECT NULL::TEXT AS key WHERE false"
        connection.execute(f"CREATE VIEW existing AS {source}")
        for name, table in tables.items():
            connection.register(name, table)
        return connection.execute(query, asked or {}).fetchall()


def _files(dimension: Dimension, name: str) -> list[Path]:
    latest: dict[int, Snapshot] = {}
    for snapshot in Snapshot.objects.filter(cube__cube_dimensions__dimension=dimension).order_by("number"):
        latest[snapshot.cube_id] = snapshot
    paths = (snapshot.path / f"{name}.parquet" for snapshot in latest.values())
    return [path for path in paths if path.is_file()]
