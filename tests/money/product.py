"""A plan on the product's own way: definition, file, loader, engine, frozen lines, package. Without Finance."""

import csv
import io
import json
import shutil
import tempfile
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.test import override_settings

from bpp_portal.kernel.roles import Role
from connections.models import Environment
from cubes.models import Cube, Snapshot
from cubes.operations import Source as File
from cubes.operations import import_definition, load
from cubes.rules.slices import ColumnRef, Condition, Operator
from exports import frozen
from exports.lines import LineShape, Total
from exports.models import Export, Run
from exports.operations.building import freeze
from exports.package import DATA_FILE
from exports.rules.configuration import (
    AMOUNT,
    AMOUNT_TYPE,
    CURRENCY,
    DATE,
    Configuration,
    LineDetail,
    Source,
)

from .oracle import Line, Wish
from .plans import CURRENCIES, Plan

ONE_RUN = uuid.UUID(int=5)  # its id stands in every line, so packages are compared within one run


@contextmanager
def undone() -> Iterator[None]:
    """Rows and files of one example, gone at its end; nothing waits for a disk that forgets them anyway."""
    own = override_settings(DATA_DIR=Path(tempfile.mkdtemp()))
    with own, patch("os.fsync"), transaction.atomic():
        try:
            yield
        finally:
            shutil.rmtree(settings.DATA_DIR)
        transaction.set_rollback(True)


def definition(plan: Plan) -> str:
    tables: list[dict[str, Any]] = [
        {
            "LogicalName": f"dim_{number}",
            "DisplayName": dimension.name,
            "PrimaryColumnName": "c0",
            "IsDimension": True,
            "Columns": [
                {"LogicalName": f"c{at}", "DisplayName": name, "DataType": kind}
                for at, (name, kind) in enumerate(dimension.columns)
            ],
        }
        for number, dimension in enumerate(plan.dimensions)
    ]
    drivers = [
        {"LogicalName": f"a{at}", "DisplayName": name, "DataType": "DecimalType", "Options": {"Precision": places}}
        for at, (name, places) in enumerate(plan.drivers)
    ]
    facts = {"LogicalName": "cube_plan", "DisplayName": "Plan", "PrimaryColumnName": "n", "IsDimension": False}
    relations = [{"ReferencingTableName": "cube_plan", "RelatedTableName": table["LogicalName"]} for table in tables]
    return json.dumps({"Tables": [*tables, facts | {"Columns": drivers}], "Relations": relations})


def write_csv(path: Path, table: list[tuple[str, ...]]) -> File:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(table)
    return File(path)


def write_facts(plan: Plan, extra: str = "") -> File:
    """The facts as a file of the plan's kind; `extra` is the header of a column that nobody asked for."""
    headers, facts = list(plan.headers), list(plan.facts)
    if extra:
        headers, facts = [*headers, extra], [(*fact, "unasked") for fact in facts]
    if plan.kind == "csv":
        return write_csv(Path(settings.DATA_DIR) / "facts.csv", [tuple(headers), *facts])
    columns: list[pa.Array] = [pa.array(column, pa.string()) for column in zip(*facts, strict=True)]
    for at, (_, places) in enumerate(plan.drivers, start=len(plan.dimensions)):
        columns[at] = columns[at].cast(pa.decimal128(38, places))
    path = Path(settings.DATA_DIR) / "facts.parquet"
    pq.write_table(pa.Table.from_arrays(columns, headers), path)
    return File(path)


def loaded(plan: Plan, extra: str = "") -> Snapshot:
    """A new snapshot of the plan's facts; the cube is made when it is not there."""
    cube = Cube.objects.filter(name="Plan").first()
    cube = cube or import_definition(actor=None, text=definition(plan), publish=True).cube
    members = {
        dimension.name: write_csv(
            Path(settings.DATA_DIR) / f"members-{at}.csv",
            [tuple(name for name, _ in dimension.columns), *dimension.members],
        )
        for at, dimension in enumerate(plan.dimensions)
        if dimension.described
    }
    report = load(actor=None, cube=cube, facts=write_facts(plan, extra), dimensions=members)
    assert report.snapshot is not None and report.failed == 0, list(report.tables.values_list("note"))
    return report.snapshot


@dataclass(frozen=True)
class Sent:
    """What one run froze. `package` are its bytes, `records` the rows of its data file."""

    run: Run
    lines: list[Line]
    totals: tuple[Total, ...]
    package: bytes
    records: list[dict[str, str]]


def configuration(wish: Wish) -> Configuration:
    segments = {f"Segment {at}": Source(*source) for at, source in enumerate(wish.segments)}
    fixed = {DATE: wish.day, AMOUNT_TYPE: wish.kind, CURRENCY: wish.currency, AMOUNT: (wish.driver, "")}
    return Configuration(
        legal_entity='E"1',
        budget_model="Model",
        budget_code="O'RIG",
        line_detail=LineDetail.RECORD if wish.per_record else LineDetail.AGGREGATE,
        mapping=segments | {name: Source(*source) for name, source in fixed.items()},
        conditions=tuple(
            Condition(ColumnRef.parse(column), Operator(operator), values) for column, operator, values in wish.filters
        ),
    )


def shape(wish: Wish) -> LineShape:
    names = tuple(f"Segment {at}" for at in range(len(wish.segments)))
    return LineShape(names, "|", "USD", frozenset(CURRENCIES))


def send(snapshot: Snapshot, wish: Wish) -> Sent:
    """Freeze the lines of `wish`; twice within one example is the same run, built again."""
    run = Run.objects.filter(uuid=ONE_RUN).first() or _new_run(snapshot)
    run.snapshot, run.export.cube = snapshot, snapshot.cube
    totals = freeze(run, configuration(wish), shape(wish))
    package = (run.folder / frozen.PACKAGE).read_bytes()
    return Sent(run, frozen_lines(run.folder), totals, package, parsed(package))


def _new_run(snapshot: Snapshot) -> Run:
    planner = User.objects.create_user("planner of money")
    planner.groups.add(Group.objects.get(name=Role.POWER_USER.value))
    environment = Environment.objects.create(name="Money", dataverse_url="https://one.example", tenant_id="t")
    export = Export.objects.create(cube=snapshot.cube, environment=environment, name="Money", created_by=planner)
    return Run.objects.create(
        uuid=ONE_RUN,
        export=export,
        environment=environment,
        entry_number="BPP-000001",
        snapshot=snapshot,
        requested_by=planner,
    )


def frozen_lines(folder: Path) -> list[Line]:
    """The lines as Parquet holds them, in the order of their numbers, which begin at 1 and leave nothing out."""
    table = pq.read_table(folder / frozen.LINES).sort_by("line_number")
    rows = table.to_pylist()
    assert [row["line_number"] for row in rows] == list(range(1, len(rows) + 1))
    segments = [name for name in table.column_names if name.startswith("s_")]
    return [
        Line(
            (
                *(row[name] or "" for name in segments),
                row["date"].isoformat(),
                row["amount_type"],
                row["currency"],
            ),
            row["exact"],
            row["amount"],
            row["source_rows"],
        )
        for row in rows
    ]


def parsed(package: bytes) -> list[dict[str, str]]:
    """The rows of the package's data file, read as any program reads CSV."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        data = archive.read(DATA_FILE)
    assert data.startswith(b"\xff\xfe")
    return list(csv.DictReader(io.StringIO(data.decode("utf-16"), newline="")))


def packed(sent: Sent) -> list[tuple[str, str, str, str, Decimal]]:
    """Dimension value, date, amount type, currency, amount: once of the package, to hold beside the lines."""
    names = ("DIMENSIONDISPLAYVALUE", "DATE", "AMOUNTTYPE", "CURRENCYCODE")
    return [
        (*(row[name] for name in names), Decimal(row["TRANSACTIONCURRENCYAMOUNT"]))  # type: ignore[misc]
        for row in sent.records
    ]
