"""What can be asked about cubes, and by whom."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser, User

from bpp_portal.kernel.roles import Role
from cubes import queries
from cubes.models import Cube, Load, Snapshot
from cubes.operations import Source, import_definition, load
from cubes.rules.shape import DataType
from cubes.rules.slices import ColumnRef, Condition, Operator, Slice

from .conftest import definition_text

pytestmark = pytest.mark.django_db
Person = Callable[[Role | None], User]

READERS = [Role.VIEWER, Role.LIMITED_CONTRIBUTOR, Role.CONTRIBUTOR, Role.REVIEWER]
MAINTAINERS = [Role.POWER_USER, Role.ADMINISTRATOR]


@pytest.fixture
def draft(db: None) -> Cube:
    return import_definition(actor=None, text=definition_text(name="Draft", logical_name="cube_draft")).cube


@pytest.mark.parametrize("role", READERS)
def test_readers_see_published_cubes_only(plan: Cube, draft: Cube, person: Person, role: Role) -> None:
    user = person(role)
    assert [cube.name for cube in queries.cubes_for(user)] == ["Plan"]
    assert queries.cube_for(user, "plan") == plan
    with pytest.raises(Cube.DoesNotExist):
        queries.cube_for(user, "draft")


@pytest.mark.parametrize("role", MAINTAINERS)
def test_maintainers_see_drafts_as_well(plan: Cube, draft: Cube, person: Person, role: Role) -> None:
    assert [cube.name for cube in queries.cubes_for(person(role))] == ["Draft", "Plan"]


@pytest.mark.parametrize("role", [Role.IT_ADMINISTRATOR, None])
def test_others_see_no_cube_and_no_fact(
    plan: Cube, person: Person, role: Role | None, write: Callable[..., Source]
) -> None:
    user = person(role)
    assert not queries.cubes_for(user).exists()
    snapshot = load(actor=None, cube=plan, facts=write("f.csv", "Account,Amount\na,1\n")).snapshot
    assert snapshot is not None
    assert queries.count_rows(snapshot=snapshot, user=user, slice_=Slice()) == 0
    assert not queries.cubes_for(AnonymousUser()).exists()


def test_the_facts_of_a_draft_are_for_maintainers(
    draft: Cube, planner: User, viewer: User, write: Callable[..., Source]
) -> None:
    snapshot = load(actor=None, cube=draft, facts=write("f.csv", "Account,Amount\na,1\n")).snapshot
    assert snapshot is not None
    counts = [queries.count_rows(snapshot=snapshot, user=user, slice_=Slice()) for user in (planner, viewer)]
    assert counts == [1, 0]


def test_columns_and_drivers(oakland: Cube) -> None:
    columns = queries.columns_of(oakland)
    assert [(str(column.ref), column.data_type, column.is_key) for column in columns] == [
        ("Account category.Name", DataType.TEXT, True),
        ("Department.Name", DataType.TEXT, True),
        ("Fund.Code", DataType.TEXT, True),
        ("Account type.Name", DataType.TEXT, True),
        ("Fiscal year.Name", DataType.TEXT, True),
        ("Fiscal year.Start date", DataType.DATE, False),
    ]
    assert queries.drivers_of(oakland) == (queries.DriverInfo("Amount", 2),)


def test_the_latest_snapshot_is_the_one_with_the_highest_number(plan: Cube, write: Callable[..., Source]) -> None:
    assert queries.latest_snapshot(plan) is None
    source = write("f.csv", "Account,Amount\na,1\n")
    snapshots = [load(actor=None, cube=plan, facts=source).snapshot for _ in range(2)]
    assert queries.latest_snapshot(plan) == snapshots[-1]


@pytest.fixture
def small(plan: Cube, write: Callable[..., Source]) -> Snapshot:
    text = "Account,Amount\nb,1\nb,2\na,-9\n,4\nÄrger,0\nB,0.5\n"
    snapshot = load(actor=None, cube=plan, facts=write("f.csv", text)).snapshot
    assert snapshot is not None
    return snapshot


ACCOUNT = ColumnRef("Account", "Code")


def test_values_of_a_column_come_in_order_with_their_rows(small: Snapshot, viewer: User) -> None:
    found = queries.column_values(snapshot=small, user=viewer, column=ACCOUNT, slice_=Slice())
    assert found == queries.ColumnValues(4, 1, (("B", 1), ("a", 1), ("b", 2), ("Ärger", 1)))
    few = queries.column_values(snapshot=small, user=viewer, column=ACCOUNT, slice_=Slice(), limit=1)
    assert few == queries.ColumnValues(4, 1, (("B", 1),))


def test_values_are_searched_without_regard_to_case(small: Snapshot, viewer: User) -> None:
    for search, values in (("B", ("B", "b")), ("ärg", ("Ärger",)), ("x", ())):
        found = queries.column_values(snapshot=small, user=viewer, column=ACCOUNT, slice_=Slice(), search=search)
        assert tuple(value for value, _ in found.values) == values
        assert found.distinct == len(values)


def test_dates_are_listed_as_a_condition_takes_them(oakland_load: Load, viewer: User) -> None:
    assert oakland_load.snapshot is not None
    found = queries.column_values(
        snapshot=oakland_load.snapshot,
        user=viewer,
        column=ColumnRef("Fiscal year", "Start date"),
        slice_=Slice(),
    )
    assert found == queries.ColumnValues(1, 0, (("2021-07-01", 22_235),))


def test_exploring_gives_exact_sums_largest_first(oakland_load: Load, viewer: User) -> None:
    assert oakland_load.snapshot is not None
    found = queries.explore(
        snapshot=oakland_load.snapshot,
        user=viewer,
        rows=ColumnRef("Department", "Name"),
        columns=ColumnRef("Account type", "Name"),
        driver="Amount",
        slice_=Slice(),
        limit=5,
    )
    assert found.columns == ("Expense", "Revenue")
    assert found.column_totals == (Decimal("2033463039.00"), Decimal("2033313039.00"))
    assert found.total == Decimal("4066776078.00")
    assert (found.facts, len(found.rows), found.hidden_rows) == (22_235, 5, 22)
    totals = [abs(row.total) for row in found.rows]
    assert totals == sorted(totals, reverse=True)


def test_exploring_rows_only_and_blank_members(small: Snapshot, viewer: User) -> None:
    found = queries.explore(snapshot=small, user=viewer, rows=ACCOUNT, columns=None, driver="Amount", slice_=Slice())
    assert [(row.member, row.total) for row in found.rows] == [
        ("a", Decimal(-9)),
        ("", Decimal(4)),
        ("b", Decimal(3)),
        ("B", Decimal("0.5")),
        ("Ärger", Decimal(0)),
    ]
    assert found.columns == ()


def test_a_slice_is_checked_against_the_cube(plan: Cube) -> None:
    slice_ = Slice((Condition(ColumnRef("Fund", "Code"), Operator.IN, ("x",)),))
    assert [problem.code for problem in queries.slice_problems(cube=plan, slice_=slice_)] == ["filter-column-unknown"]
