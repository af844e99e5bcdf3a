"""Dimension groups on real cubes: what is granted, what the engine shows, who may load."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bpp_portal.audit.models import AuditEntry
from bpp_portal.kernel.roles import Right, RightMissing, Role
from cubes import queries
from cubes.engine import open_engine
from cubes.models import Dimension, DimensionGroup, DimensionRule, MemberGrant
from cubes.operations import LoadRefused, import_definition, load, securing
from cubes.rules.security import Access, Visibility
from cubes.rules.slices import ColumnRef, Condition, Operator, Slice
from cubes.security_members import existing_keys, values_of
from cubes.security_queries import people_to_choose
from tests.cubes.conftest import definition_text

TWO = {"Department": [("Name", "StringType"), ("Manager", "StringType")], "Fund": [("Code", "StringType")]}
MEMBERS = "Name,Manager\nFire,Ann\nPolice,Ben\nParks,Ann\n"
FACTS = "Department,Fund,Amount\nFire,1,10.00\nPolice,1,200.00\nParks,2,3000.00\nFire,2,0.01\n,1,50000.00\n"


@pytest.fixture
def administrator(person):
    return person(Role.ADMINISTRATOR)


@pytest.fixture
def city(db, write):
    """Departments with managers, and funds; one fact has no department."""
    cube = import_definition(actor=None, text=definition_text(dimensions=TWO), publish=True).cube
    load(
        actor=None,
        cube=cube,
        facts=write("facts.csv", FACTS),
        dimensions={"Department": write("members.csv", MEMBERS)},
    )
    return cube


def secure(administrator, person, dimension="Department", keys=(), access=Access.ROW_LEVEL, edit=False):
    group = securing.create_group(actor=administrator, name=f"Group {DimensionGroup.objects.count()}")
    if person:
        securing.add_person(actor=administrator, group=group, person=person)
    rule = securing.add_dimension(actor=administrator, group=group, dimension=Dimension.objects.get(name=dimension))
    securing.set_access(actor=administrator, rule=rule, access=access)
    if keys:
        securing.grant(actor=administrator, rule=rule, keys=keys, edit=edit)
    return rule


def total(user, cube, slice_=None) -> Decimal:
    found = queries.explore(
        snapshot=queries.latest_snapshot(cube),
        user=user,
        rows=ColumnRef("Department", "Name"),
        columns=None,
        driver="Amount",
        slice_=slice_ or Slice(),
    )
    return found.total


def test_without_groups_everybody_who_reads_cubes_sees_all(city, viewer):
    assert total(viewer, city) == Decimal("53210.01")


def test_a_named_dimension_is_closed_to_all_but_the_granted_and_administrators(city, administrator, viewer, planner):
    secure(administrator, viewer, keys=["Fire"])
    assert total(viewer, city) == Decimal("10.01")
    assert total(planner, city) == 0
    assert total(administrator, city) == Decimal("53210.01")


def test_a_fact_without_a_member_is_hidden_from_who_is_limited_there(city, administrator, viewer, planner):
    rule = secure(administrator, viewer)
    securing.grant_all(actor=administrator, rule=rule, edit=False)
    assert total(viewer, city) == Decimal("3210.01")
    secure(administrator, planner, access=Access.READ_ONLY)
    assert total(planner, city) == Decimal("53210.01")


def test_a_row_needs_a_visible_value_in_every_secured_dimension(city, administrator, viewer):
    secure(administrator, viewer, keys=["Fire", "Parks"])
    secure(administrator, viewer, "Fund", keys=["1"])
    assert total(viewer, city) == Decimal("10.00")


def test_the_highest_of_several_groups_holds(city, administrator, viewer):
    secure(administrator, viewer, keys=["Fire"])
    secure(administrator, viewer, keys=["Police"])
    assert total(viewer, city) == Decimal("210.01")
    secure(administrator, viewer, access=Access.FULL)
    assert total(viewer, city) == Decimal("53210.01")


def test_values_that_come_later_are_seen_with_an_all_values_grant_only(city, administrator, viewer, planner, write):
    rule = secure(administrator, viewer)
    securing.grant_all(actor=administrator, rule=rule, edit=True)
    secure(administrator, planner, access=Access.READ_ONLY)
    more = write("more.csv", MEMBERS + "Zoo,Eve\n")
    load(
        actor=None,
        cube=city,
        facts=write("f2.csv", FACTS + "Zoo,1,7.00\n"),
        dimensions={"Department": more},
    )
    assert total(viewer, city) == Decimal("3210.01")
    assert total(planner, city) == Decimal("53217.01")


def test_conditions_on_other_columns_find_nothing_hidden(city, administrator, viewer):
    secure(administrator, viewer, keys=["Fire"])
    ann = Slice((Condition(ColumnRef("Department", "Manager"), Operator.IN, ("Ann",)),))
    assert total(viewer, city, ann) == Decimal("10.01")
    blank = Slice((Condition(ColumnRef("Department", "Name"), Operator.BLANK),))
    assert total(viewer, city, blank) == 0
    not_fire = Slice((Condition(ColumnRef("Department", "Name"), Operator.NOT_IN, ("Fire",)),))
    assert total(viewer, city, not_fire) == 0


def test_counts_value_lists_and_facts_are_those_of_visible_rows(city, administrator, viewer):
    secure(administrator, viewer, keys=["Fire"])
    snapshot = queries.latest_snapshot(city)
    assert queries.count_rows(snapshot=snapshot, user=viewer, slice_=Slice()) == 2
    values = queries.column_values(
        snapshot=snapshot, user=viewer, column=ColumnRef("Department", "Manager"), slice_=Slice()
    )
    assert (values.values, values.blank_rows) == ((("Ann", 2),), 0)
    facts = queries.visible_facts(snapshot=snapshot, user=viewer)
    assert (facts.whole, facts.rows, facts.totals) == (False, 2, (("Amount", Decimal("10.01")),))
    whole = queries.visible_facts(snapshot=snapshot, user=administrator)
    assert (whole.whole, whole.rows, whole.totals) == (True, 5, (("Amount", Decimal("53210.01")),))


@pytest.mark.parametrize(
    ("column", "operator", "values", "kept"),
    [
        ("Department.Name", Operator.IN, ("Fire", "Police", "Never", ""), ("Fire", "")),
        ("Department.Name", Operator.CONTAINS, ("ir", "olic"), ("ir",)),
        ("Department.Manager", Operator.NOT_IN, ("Ann", "Ben"), ("Ann",)),
        ("Department.Name", Operator.BETWEEN, ("Fire", "Police"), ("Fire",)),
        ("Fund.Code", Operator.IN, ("1", "never"), ("1", "never")),
    ],
)
def test_values_in_a_filter_that_one_may_not_see_are_left_out(
    city, administrator, viewer, column, operator, values, kept
):
    secure(administrator, viewer, keys=["Fire"])
    snapshot = queries.latest_snapshot(city)
    condition = Condition(ColumnRef.parse(column), operator, values)
    assert queries.values_seen(snapshot=snapshot, user=viewer, condition=condition) == kept
    assert queries.values_seen(snapshot=snapshot, user=administrator, condition=condition) == values


@settings(max_examples=25, deadline=None)
@given(mine=st.sets(st.sampled_from(["Fire", "Police", "Parks"])), theirs=st.sets(st.sampled_from(["Fire", "Parks"])))
def _disjoint(city, mine, theirs):
    theirs = theirs - mine

    def sums(keys):
        key = next(item.logical_name for item in city.shape().dimensions if item.name == "Department")
        with open_engine(queries.latest_snapshot(city), Visibility(True, {key: frozenset(keys)})) as engine:
            facts = engine.relation(Slice(), {}, {"amount": "Amount"})
            return engine.rows(facts)

    both = sorted(sums(mine) + sums(theirs))
    assert both == sorted(sums(mine | theirs))


def test_p11_what_two_disjoint_grants_show_is_what_their_union_shows(city):
    _disjoint(city)


def test_bulk_grants_act_on_the_values_that_exist(city, administrator, viewer):
    rule = secure(administrator, viewer)
    assert securing.grant(actor=administrator, rule=rule, keys=["Fire", "Unknown"], edit=True) == 1
    assert securing.grant_all(actor=administrator, rule=rule, edit=False) == 3
    assert set(MemberGrant.objects.values_list("key", "edit")) == {("Fire", False), ("Parks", False), ("Police", False)}
    assert securing.revoke(actor=administrator, rule=rule, keys=["Fire"]) == 1
    assert securing.revoke_all(actor=administrator, rule=rule) == 2
    assert total(viewer, city) == 0


def test_another_access_drops_the_values_granted_one_by_one(city, administrator, viewer):
    rule = secure(administrator, viewer, keys=["Fire"])
    securing.set_access(actor=administrator, rule=rule, access=Access.READ_ONLY)
    with pytest.raises(securing.SecurityRefused, match="holds for all values"):
        securing.grant(actor=administrator, rule=rule, keys=["Fire"], edit=False)
    securing.set_access(actor=administrator, rule=rule, access=Access.ROW_LEVEL)
    assert total(viewer, city) == 0


def test_values_are_listed_by_search_and_grant(city, administrator, viewer):
    rule = secure(administrator, viewer, keys=["Fire"])
    listed = values_of(rule=rule, search="p")
    assert [value.key for value in listed.values] == ["Parks", "Police"]
    assert (listed.found, listed.exist) == (2, 3)
    assert [(value.key, value.granted) for value in values_of(rule=rule, granted="any").values] == [("Fire", "read")]
    assert [value.key for value in values_of(rule=rule, granted="none").values] == ["Parks", "Police"]
    assert existing_keys(dimension=rule.dimension) == ["Fire", "Parks", "Police"]


def test_only_people_who_can_read_cubes_are_offered_and_taken(city, administrator, viewer, person):
    it = person(Role.IT_ADMINISTRATOR)
    group = securing.create_group(actor=administrator, name="Planners")
    assert it not in people_to_choose(group=group)
    assert viewer in people_to_choose(group=group)
    with pytest.raises(securing.SecurityRefused, match="cannot read cubes"):
        securing.add_person(actor=administrator, group=group, person=it)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
def test_only_an_administrator_maintains_security(city, administrator, person, role):
    rule = secure(administrator, None)
    actor = person(role)
    acts = [
        lambda: securing.create_group(actor=actor, name="Mine"),
        lambda: securing.delete_group(actor=actor, group=rule.group),
        lambda: securing.add_person(actor=actor, group=rule.group, person=actor),
        lambda: securing.remove_person(actor=actor, group=rule.group, person=actor),
        lambda: securing.add_dimension(actor=actor, group=rule.group, dimension=rule.dimension),
        lambda: securing.remove_dimension(actor=actor, rule=rule),
        lambda: securing.set_access(actor=actor, rule=rule, access=Access.FULL),
        lambda: securing.grant(actor=actor, rule=rule, keys=["Fire"], edit=True),
        lambda: securing.grant_all(actor=actor, rule=rule, edit=True),
        lambda: securing.revoke(actor=actor, rule=rule, keys=["Fire"]),
        lambda: securing.revoke_all(actor=actor, rule=rule),
    ]
    for act in acts:
        with pytest.raises(RightMissing) as refused:
            act()
        assert refused.value.right is Right.MAINTAIN_SECURITY


def test_every_act_is_in_the_trail(city, administrator, viewer):
    rule = secure(administrator, viewer, keys=["Fire"])
    securing.revoke_all(actor=administrator, rule=rule)
    securing.set_access(actor=administrator, rule=rule, access=Access.FULL)
    securing.remove_dimension(actor=administrator, rule=DimensionRule.objects.get())
    securing.remove_person(actor=administrator, group=rule.group, person=viewer)
    securing.delete_group(actor=administrator, group=DimensionGroup.objects.get())
    verbs = list(AuditEntry.objects.filter(actor=administrator).order_by("seq").values_list("verb", flat=True))
    assert verbs == [
        "create dimension group",
        "add to dimension group",
        "secure dimension",
        "grant values to read",
        "revoke values",
        "change access",
        "remove dimension",
        "remove from dimension group",
        "delete dimension group",
    ]


def test_a_group_name_stands_once(administrator):
    securing.create_group(actor=administrator, name=" Planners ")
    for name in ("Planners", " ", "x" * 101):
        with pytest.raises(securing.SecurityRefused):
            securing.create_group(actor=administrator, name=name)


def test_whoever_does_not_have_full_access_to_all_values_loads_nothing(city, administrator, person, write):
    contributor = person(Role.CONTRIBUTOR)
    load(actor=contributor, cube=city, facts=write("a.csv", FACTS))
    rule = secure(administrator, contributor, access=Access.READ_ONLY)
    with pytest.raises(LoadRefused, match="needs full access to Department"):
        load(actor=contributor, cube=city, facts=write("b.csv", FACTS))
    securing.set_access(actor=administrator, rule=rule, access=Access.FULL)
    load(actor=contributor, cube=city, facts=write("c.csv", FACTS))
    assert city.snapshots.count() == 3


def test_replacing_a_draft_never_opens_a_dimension_that_is_secured(db, administrator, viewer):
    draft = import_definition(actor=None, text=definition_text(dimensions=TWO)).cube
    rule = secure(administrator, viewer)
    changed = TWO | {"Department": [("Name", "StringType")]}
    import_definition(actor=None, text=definition_text(dimensions=changed))
    assert DimensionRule.objects.get().pk == rule.pk
    assert draft.cube_dimensions.filter(dimension=rule.dimension).exists()
