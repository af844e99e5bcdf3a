"""Importing and publishing definitions."""

import pytest

from bpp_portal.audit.models import AuditEntry
from cubes.models import Column, Cube, Dimension, Load
from cubes.operations import CubeRefused, Source, import_definition, load, publish

from .conftest import SAMPLES, definition_text
from .test_definition import DOCUMENTED

pytestmark = pytest.mark.django_db


def imported(**options: object) -> Cube:
    return import_definition(actor=None, text=definition_text(**options)).cube  # type: ignore[arg-type]


def test_the_documented_example_becomes_a_draft_and_may_be_published_without_a_date_column() -> None:
    cube = import_definition(actor=None, text=DOCUMENTED, origin="contoso.json").cube
    assert (cube.name, cube.slug, cube.status) == ("ContosoFinancials", "contosofinancials", "draft")
    publish(actor=None, cube=cube)
    cube.refresh_from_db()
    assert cube.is_published
    assert list(AuditEntry.objects.values_list("verb", "subject", "detail").order_by("id")) == [
        ("import definition", "cube contosofinancials", "contoso.json"),
        ("publish", "cube contosofinancials", ""),
    ]


def test_a_definition_can_be_published_at_once_and_publishing_twice_changes_nothing() -> None:
    cube = import_definition(actor=None, text=definition_text(), publish=True).cube
    publish(actor=None, cube=cube)
    assert AuditEntry.objects.filter(verb="publish").count() == 1


def test_a_published_cube_is_protected() -> None:
    import_definition(actor=None, text=definition_text(), publish=True)
    with pytest.raises(CubeRefused) as refused:
        imported(drivers={"Other": 3})
    (problem,) = refused.value.problems
    assert problem.code == "cube-published"
    assert problem.message.startswith("The cube Plan is published, which protects its definition.")
    assert [driver.name for driver in Cube.objects.get().drivers.all()] == ["Amount"]


def test_all_problems_of_a_definition_come_together_and_nothing_is_made() -> None:
    with pytest.raises(CubeRefused) as refused:
        import_definition(actor=None, text=definition_text(dimensions={"A.B": [("Code", "X")]}))
    assert len(refused.value.problems) == 2
    assert (Cube.objects.count(), Dimension.objects.count(), AuditEntry.objects.count()) == (0, 0, 0)


def test_a_draft_is_replaced_with_the_dimensions_that_only_it_uses() -> None:
    first = imported()
    second = imported(dimensions={"Account": [("Number", "StringType"), ("Since", "DateType")]}, drivers={"Hours": 1})
    assert (first.pk, first.slug) == (second.pk, second.slug)
    assert [str(column) for column in Column.objects.all()] == ["Account.Number", "Account.Since"]
    assert [driver.name for driver in second.drivers.all()] == ["Hours"]


def test_replacing_a_draft_by_the_same_definition_keeps_its_data_and_by_another_drops_it(
    write: object, django_capture_on_commit_callbacks: object
) -> None:
    cube = imported()
    report = load(actor=None, cube=cube, facts=write("f.csv", "Account,Amount\n0800,1\n"))  # type: ignore[operator]
    assert report.snapshot is not None
    folder = report.snapshot.path
    imported()
    assert cube.snapshots.count() == 1
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        imported(drivers={"Amount": 3})
    assert (cube.snapshots.count(), Load.objects.count(), folder.exists()) == (0, 0, False)


def test_an_existing_dimension_of_the_same_name_is_reused_and_never_overwritten() -> None:
    imported(dimensions={"Account": [("Code", "StringType"), ("Kind", "StringType")]})
    other = imported(name="Other", logical_name="cube_other", dimensions={"Account": [("Name", "StringType")]})
    assert Dimension.objects.count() == 1
    (dimension,) = other.shape().dimensions
    assert [column.name for column in dimension.columns] == ["Code", "Kind"]


def test_a_logical_name_belongs_to_one_thing() -> None:
    imported()
    with pytest.raises(CubeRefused, match="The logical name CUBE_PLAN belongs to the cube Plan"):
        imported(name="Other", logical_name="CUBE_PLAN")


def test_names_of_any_script_get_an_address() -> None:
    cube = imported(
        name='預算 "2027"; DROP', logical_name="cube_ys", dimensions={"Ko'sten;\"stelle": [("Код", "StringType")]}
    )
    assert cube.slug == "2027-drop"
    assert imported(name="預算", logical_name="cube_ys2").slug == "cube_ys2"
    assert imported(name="2027 drop", logical_name="cube_ys3").slug == "2027-drop-2"


def test_both_samples_can_be_imported_in_either_order() -> None:
    texts = [(SAMPLES / name / "definition.json").read_text() for name in ("oakland", "codes")]
    shapes = []
    for order in (texts, texts[::-1]):
        Cube.objects.all().delete()
        Dimension.objects.all().delete()
        for text in order:
            import_definition(actor=None, text=text, publish=True)
        shapes.append({cube.slug: cube.shape() for cube in Cube.objects.all()})
    assert shapes[0] == shapes[1]
    assert [str(c) for c in Column.objects.filter(dimension__name="Period")] == ["Period.Name", "Period.Date"]


def test_data_of_a_definition_that_changed_meanwhile_is_refused(write: object) -> None:
    cube = imported()
    source: Source = write("f.csv", "Account,Amount\n0800,1\n")  # type: ignore[operator]
    stale = Cube.objects.prefetch_related("drivers").get(pk=cube.pk)
    imported(drivers={"Amount": 3})
    with pytest.raises(CubeRefused, match="changed while the file was read"):
        load(actor=None, cube=stale, facts=source)


DEPARTMENT = {
    "Department": [("Name", "StringType"), ("Code", "StringType"), ("Head", "StringType")],
    "Period": [("Name", "StringType"), ("Date", "DateType"), ("Rate", "DecimalType")],
}
OTHER = {
    "Department": [("Name", "StringType"), ("Manager", "StringType")],
    "Period": [("Name", "StringType"), ("Date", "StringType"), ("Rate", "IntegerType")],
}
SAID = [
    "Department already exists and is reused. Its column Manager is not in it and was left out. "
    "It has the columns Code, Head, which the file does not name.",
    "Period already exists and is reused. Period.Date is Date there and text in the file. "
    "Period.Rate is decimal with 2 decimals there and integer in the file.",
]


def test_reused_dimensions_and_every_difference_are_told() -> None:
    imported(dimensions=DEPARTMENT)
    text = definition_text(name="Other", logical_name="cube_other", dimensions=OTHER)
    answer = import_definition(actor=None, text=text)
    assert [str(found) for found in answer.reused] == SAID
    assert [column.name for column in answer.cube.shape().dimensions[0].columns] == ["Name", "Code", "Head"]


def test_a_reused_dimension_without_a_difference_is_named() -> None:
    imported(dimensions=DEPARTMENT)
    text = definition_text(name="Other", logical_name="cube_other", dimensions=DEPARTMENT)
    answer = import_definition(actor=None, text=text)
    assert [str(found) for found in answer.reused] == [
        "Department already exists and is reused.",
        "Period already exists and is reused.",
    ]


def test_another_key_of_a_reused_dimension_is_told() -> None:
    imported(dimensions={"Fund": [("Code", "StringType"), ("Name", "StringType")]})
    text = definition_text(
        name="Other", logical_name="other", dimensions={"Fund": [("Name", "StringType"), ("Code", "StringType")]}
    )
    [found] = import_definition(actor=None, text=text).reused
    assert str(found) == "Fund already exists and is reused. Its key is Code there and Name in the file."
