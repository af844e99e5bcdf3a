"""Before the first page and before the facts: which tables there are, and which rows are to be read."""

import pyarrow.parquet as pq
from django.db import transaction

from bpp_portal.kernel.problems import Problem
from connections.dataverse import DataverseClient
from connections.rules.dataverse import Definition
from cubes.engine.relation import members_name
from cubes.models import Snapshot
from cubes.operations import LoadRefused
from cubes.rules.loading import Mode
from exports.models import DataverseLoad, DataverseTable
from exports.operations.leasing import write
from exports.rules.dataverse_tables import (
    CHANGED,
    CREATED,
    Extent,
    Facts,
    LoadState,
    Wanted,
    dimension_table,
    misfits,
    wanted_tables,
    why_all,
)

from .pages import looked_back, names_of, take_request

OTHER_DATA = "Other data was loaded while the changes were read. Load from Dataverse again."


class TablesMissing(Exception):
    """The environment's tables are not those of the cube."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(" ".join(f"{problem.message} {problem.hint}" for problem in problems))


def prepare(client: DataverseClient, load: DataverseLoad) -> None:
    """Compare the cube with the environment's definitions and write down what to read. TablesMissing with all of it."""
    if load.tables.exists():
        write(load, state=LoadState.READING)
        return
    take_request(load)
    read_at = client.clock()
    shape = load.cube.shape()
    problems: list[Problem] = []
    found: list[tuple[Wanted, Definition]] = []
    for wanted in wanted_tables(load.cube.logical_name, shape):
        take_request(load)
        definition = client.definition(wanted.table)
        problems += misfits(wanted, _facts(definition) if definition else None, str(load.environment))
        if definition:
            found.append((wanted, definition))
    if problems:
        raise TablesMissing(problems)
    base = _base(load)
    links = [dimension_table(item) for item in shape.dimensions]
    reason = why_all(facts=_facts(found[-1][1]), links=links, base=_against(load, base), members_changed="")
    since = looked_back(base.read_at) if base and base.read_at and not reason else None
    with transaction.atomic():
        write(load, state=LoadState.READING, read_at=read_at, since=since)
        DataverseTable.objects.bulk_create(
            _row(load, position, wanted, definition, reason)
            for position, (wanted, definition) in enumerate(found, start=1)
        )


def _facts(definition: Definition) -> Facts:
    return Facts(definition.columns, definition.keys, definition.table.name_column)


def _row(load: DataverseLoad, position: int, wanted: Wanted, definition: Definition, reason: str) -> DataverseTable:
    return DataverseTable(
        load=load,
        position=position,
        key=wanted.key,
        name=wanted.name,
        table=wanted.table,
        table_set=definition.table.set_name,
        columns=[(column, definition.columns[column], header) for column, header in wanted.columns],
        has_times={CREATED, CHANGED} <= set(definition.columns),
        why_all="" if wanted.key else reason,
    )


def _base(load: DataverseLoad) -> DataverseLoad | None:
    """The last load of the cube from this environment that is done."""
    done = DataverseLoad.objects.filter(cube=load.cube, environment=load.environment, state=LoadState.DONE)
    return done.select_related("report").first()


def _against(load: DataverseLoad, base: DataverseLoad | None) -> str:
    """Why the data that stand cannot be brought up to date by changes alone; empty when they can."""
    if load.extent == Extent.ALL:
        return "all rows were asked for"
    if base is None or base.read_at is None:
        return "the cube was not loaded from there before"
    if _made_by(base, _standing(load)):
        return ""
    return "other data was loaded since, or the last load was not complete"


def base_of_changes(load: DataverseLoad) -> Snapshot | None:
    """The snapshot that the changed rows go over; None where all were read. LoadRefused when it is not the last."""
    if load.since is None:
        return None
    if _against(load, _base(load)):
        raise LoadRefused([Problem("data-changed", OTHER_DATA, "file")])
    return _standing(load)


def _made_by(base: DataverseLoad, standing: Snapshot | None) -> bool:
    """Whether the data that stand are those of `base`, whole, or of what it found unchanged."""
    if standing is None:
        return False
    if base.report is None:  # nothing had changed
        before = DataverseLoad.objects.filter(
            cube=base.cube, environment=base.environment, state=LoadState.DONE, pk__lt=base.pk
        )
        earlier = before.exclude(report=None).select_related("report").first()
        return earlier is not None and _made_by(earlier, standing)
    complete = not any(table.failed for table in base.report.tables.all())
    return base.report.snapshot_id == standing.pk and complete


def _standing(load: DataverseLoad) -> Snapshot | None:
    return load.cube.snapshots.order_by("-number").first()


def choose_rows(load: DataverseLoad, table: DataverseTable) -> None:
    """Decide, now that the members are known, whether only the changed facts are read."""
    reason = table.why_all or (_members_changed(load) if load.since else "")
    if load.since and not reason:
        write(load, mode=Mode.OVERWRITE)
        return
    if load.extent == Extent.CHANGED:
        reason = reason or "the cube was not loaded from there before"
    table.why_all = reason
    with transaction.atomic():
        write(load, since=None)
        table.save(update_fields=["why_all"])


def _members_changed(load: DataverseLoad) -> str:
    """What the members say against reading changed facts only: a fact does not change when its member is renamed."""
    standing = _standing(load)
    dimensions = {item.logical_name: item for item in load.cube.shape().dimensions}
    for table in load.tables.exclude(key=""):
        dimension = dimensions.get(table.key)
        if dimension is None or standing is None:
            return "the definition of the cube changed"
        if table.renamed:
            return f"members of {table.name} were changed"
        file = standing.path / f"{members_name(dimension)}.parquet"
        known = set(pq.read_table(file, columns=[dimension.primary]).column(0).to_pylist())
        if known - names_of(table, dimension.primary):
            return f"members of {table.name} were renamed or removed"
    return ""
