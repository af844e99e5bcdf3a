"""Who sees what, as a pure function: held against the documented sentences, row by row."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cubes.rules.security import EVERYTHING, NOTHING, Access, Rule, Visibility, not_editable, visibility_of

DIMENSIONS = ("department", "fund", "year")
KEYS = ("a", "b", "c", None)
FACTS = list(product(KEYS, repeat=len(DIMENSIONS)))

keys = st.frozensets(st.sampled_from("abc"))
rules = st.builds(Rule, st.sampled_from(DIMENSIONS), st.sampled_from(Access), keys, keys)
groups = st.lists(st.lists(rules, max_size=4, unique_by=lambda rule: rule.dimension), max_size=4)


def seen(visible: Visibility) -> set[tuple[str | None, ...]]:
    """The facts that `visible` shows, as the engine reads it."""
    if not visible.readable:
        return set()
    limits = [visible.only.get(name) for name in DIMENSIONS]
    return {
        fact for fact in FACTS if all(limit is None or key in limit for limit, key in zip(limits, fact, strict=True))
    }


def allowed(fact: tuple[str | None, ...], mine: list[list[Rule]], everybody: list[list[Rule]]) -> bool:
    """The documentation, read literally: a visible value in every dimension that any group names."""
    for dimension, key in zip(DIMENSIONS, fact, strict=True):
        if not any(rule.dimension == dimension for group in everybody for rule in group):
            continue
        granted = [rule for group in mine for rule in group if rule.dimension == dimension]
        if any(rule.access in (Access.FULL, Access.READ_ONLY) for rule in granted):
            continue
        if key is None or not any(key in rule.read or key in rule.edit for rule in granted):
            return False
    return True


def of(mine: list[list[Rule]], everybody: list[list[Rule]]) -> Visibility:
    secured = {rule.dimension for group in everybody for rule in group}
    return visibility_of(may_read=True, secured=secured, rules=[rule for group in mine for rule in group])


@given(groups, groups)
def test_one_sees_exactly_the_facts_with_a_visible_value_in_every_secured_dimension(mine, others):
    everybody = [*mine, *others]
    assert seen(of(mine, everybody)) == {fact for fact in FACTS if allowed(fact, mine, everybody)}


@given(groups, groups)
def test_another_group_never_takes_away(mine, more):
    everybody = [*mine, *more]
    before, after = of(mine, everybody), of([*mine, *more], everybody)
    assert seen(before) <= seen(after)
    assert after.covers(before)


@given(groups, groups)
def test_covering_means_to_see_at_least_the_same(one, other):
    everybody = [*one, *other]
    first, second = of(one, everybody), of(other, everybody)
    if first.covers(second):
        assert seen(second) <= seen(first)
    assert (first.digest == second.digest) == (first == second)


@given(groups)
def test_whoever_may_not_read_cubes_sees_nothing_and_it_covers_nothing_that_is_seen(mine):
    secured = {rule.dimension for group in mine for rule in group}
    granted = [rule for group in mine for rule in group]
    nothing = visibility_of(may_read=False, secured=secured, rules=granted)
    assert nothing == NOTHING
    assert not nothing.everything
    assert not nothing.covers(EVERYTHING)
    assert EVERYTHING.covers(nothing)


def test_what_no_group_names_is_open_and_everything_has_no_digest():
    assert visibility_of(may_read=True) == EVERYTHING
    assert EVERYTHING.digest == ""
    assert EVERYTHING.everything


def test_a_dimension_that_starts_in_a_group_shows_nothing():
    started = visibility_of(may_read=True, secured={"fund"}, rules=[Rule("fund", Access.ROW_LEVEL)])
    assert started.only == {"fund": frozenset()}
    assert not started.everything


@pytest.mark.parametrize(
    ("access", "closed"), [(Access.FULL, ()), (Access.READ_ONLY, ("fund",)), (Access.ROW_LEVEL, ("fund",))]
)
def test_only_full_access_lets_change_all_values(access, closed):
    assert not_editable({"fund"}, [Rule("fund", access, frozenset("ab"), frozenset("ab"))]) == closed
