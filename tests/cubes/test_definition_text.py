"""What is exported can be imported again, and is the same."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cubes.models import Cube
from cubes.operations import import_definition
from cubes.rules.definition import Definition, parse_definition
from cubes.rules.definition_text import definition_text
from cubes.rules.shape import CalculatedShape, ColumnShape, DataType, DimensionShape, DriverShape
from cubes.rules.slices import ColumnRef

from .conftest import SAMPLES

NAME = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="."), min_size=1, max_size=12)
BOUND = st.none() | st.decimals(-(10**12), 10**12, places=6)


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """Definitions with every type, links, bounds, sources and formulas. Names differ also when case is folded."""
    names = draw(st.lists(NAME, min_size=4, max_size=12, unique_by=str.casefold))
    dimensions: list[DimensionShape] = []
    for number, name in enumerate(names[: draw(st.integers(1, 3))]):
        columns = [ColumnShape("Code", "code", DataType.TEXT)]
        for place, data_type in enumerate(draw(st.lists(st.sampled_from(list(DataType)), max_size=4))):
            precision = draw(st.integers(0, 10)) if data_type is DataType.DECIMAL else 0
            columns.append(ColumnShape(f"C.{place}", f"c{place}", data_type, precision))
        if dimensions and draw(st.booleans()):
            source = draw(st.sampled_from(dimensions))
            columns.append(ColumnShape("Linked", "linked", DataType.TEXT, 0, ColumnRef(source.name, "Code")))
        dimensions.append(DimensionShape(name, f"dim_{number}", "code", tuple(columns)))
    drivers = []
    for number, name in enumerate(names[3:]):
        lowest, highest = sorted([draw(BOUND), draw(BOUND)], key=lambda bound: bound or 0)
        fitting = lowest is None or highest is None or lowest <= highest
        source = draw(st.sampled_from(["", "A header"]))
        bounds = (lowest, highest) if fitting else (None, None)
        drivers.append(DriverShape(name, f"a{number}", draw(st.integers(0, 10)), source, *bounds))
    last = dimensions[-1].logical_name
    related = [(one.logical_name, draw(st.sampled_from(["", "X"]))) for one in dimensions if one.logical_name == last]
    related += [(one.logical_name, "") for one in dimensions[:-1]]
    calculated = (CalculatedShape("Calculated!", "calculated", 4, f'"{names[3]}" * 1.5'),)
    kind = draw(st.sampled_from(["preview", "classic"]))
    return Definition("Plan", "cube_plan", tuple(drivers), tuple(dimensions), tuple(related), calculated, kind)


@given(definitions())
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
def test_every_definition_comes_back_as_it_was(definition: Definition) -> None:
    found, problems = parse_definition(definition_text(definition))
    assert problems == []
    assert found == definition


@pytest.mark.django_db
@pytest.mark.parametrize("sample", ["oakland", "codes"])
def test_every_sample_comes_back_as_it_was(sample: str, client, planner) -> None:
    text = (SAMPLES / sample / "definition.json").read_text(encoding="utf-8")
    cube = import_definition(actor=None, text=text, publish=True).cube
    client.force_login(planner)
    answer = client.get(reverse("cubes:definition-json", args=[cube.slug]))
    assert f'filename="{cube.slug}.json"' in answer["Content-Disposition"]
    found, problems = parse_definition(answer.content.decode())
    assert problems == []
    assert found == cube.definition()
    assert found.shape() == parse_definition(text)[0].shape() == cube.shape()


@pytest.mark.django_db
def test_the_command_writes_what_the_import_reads(tmp_path: Path) -> None:
    import_definition(actor=None, text=(SAMPLES / "codes" / "definition.json").read_text(encoding="utf-8"))
    shape = Cube.objects.get().shape()
    call_command("export_cube", "codes", "--output", str(tmp_path / "codes.json"), stdout=StringIO())
    Cube.objects.all().delete()
    call_command("import_cube", str(tmp_path / "codes.json"), stdout=StringIO(), stderr=StringIO())
    assert Cube.objects.get().shape() == shape
