"""Cubes to ask about, and people who ask."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from bpp_portal.kernel.roles import Role
from cubes.models import Cube, Load
from cubes.operations import Source, import_definition, load
from cubes.reporting.errors import RefusedValue, refused_values

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.fixture
def person(db: None) -> Callable[[Role | None], User]:
    """Makes a user with one role, or with none."""

    def make(role: Role | None) -> User:
        user = User.objects.create_user(f"user {User.objects.count()}")
        if role:
            user.groups.add(Group.objects.get(name=role.value))
        return user

    return make


@pytest.fixture
def planner(person: Callable[[Role | None], User]) -> User:
    return person(Role.POWER_USER)


@pytest.fixture
def viewer(person: Callable[[Role | None], User]) -> User:
    return person(Role.VIEWER)


def sample(name: str, facts: str, publish: bool = True, **dimensions: str) -> Load:
    """Import and load a sample; `dimensions` are names with underscores and files."""
    folder = SAMPLES / name
    text = (folder / "definition.json").read_text(encoding="utf-8")
    cube = Cube.objects.filter(status="published", slug=name).first()
    cube = cube or import_definition(actor=None, text=text, publish=publish).cube
    files = {key.replace("_", " "): Source(folder / file) for key, file in dimensions.items()}
    return load(actor=None, cube=cube, facts=Source(folder / facts), dimensions=files)


@pytest.fixture
def oakland_load(db: None) -> Load:
    return sample("oakland", "facts.csv", Fiscal_year="fiscal-year.csv")


@pytest.fixture
def oakland(oakland_load: Load) -> Cube:
    return oakland_load.cube


def definition_text(
    name: str = "Plan",
    logical_name: str = "cube_plan",
    dimensions: dict[str, list[tuple[str, str]]] | None = None,
    drivers: dict[str, int] | None = None,
) -> str:
    """A definition with dimensions (name → columns and types, the key first) and drivers (name → precision)."""
    dimensions = dimensions or {"Account": [("Code", "StringType")]}
    tables: list[dict[str, Any]] = []
    for number, (dimension, columns) in enumerate(dimensions.items()):
        tables.append(
            {
                "LogicalName": f"dim_{logical_name}_{number}",
                "DisplayName": dimension,
                "PrimaryColumnName": "c0",
                "IsDimension": True,
                "Columns": [
                    {"LogicalName": f"c{place}", "DisplayName": column, "DataType": data_type}
                    for place, (column, data_type) in enumerate(columns)
                ],
            }
        )
    facts = {
        "LogicalName": logical_name,
        "DisplayName": name,
        "PrimaryColumnName": "cube_name",
        "IsDimension": False,
        "Columns": [
            {
                "LogicalName": f"a{place}",
                "DisplayName": driver,
                "DataType": "DecimalType",
                "Options": {"Precision": digits},
            }
            for place, (driver, digits) in enumerate((drivers or {"Amount": 2}).items())
        ],
    }
    relations = [{"ReferencingTableName": logical_name, "RelatedTableName": table["LogicalName"]} for table in tables]
    return json.dumps({"Tables": [*tables, facts], "Relations": relations})


@pytest.fixture
def plan(db: None) -> Cube:
    """A published cube with one dimension that is only its key, and one driver."""
    return import_definition(actor=None, text=definition_text(), publish=True).cube


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Source]:
    """Writes a file, byte for byte as the text says, and gives its source."""

    def make(name: str, text: str, encoding: str = "utf-8") -> Source:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return Source(path)

    return make


def refused(report: Load) -> list[RefusedValue]:
    """Every refused value of a load, in the order of its files."""
    return list(refused_values(load=report))
