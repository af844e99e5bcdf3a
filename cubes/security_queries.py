"""Who sees what of the cubes: the one predicate, and the facts it is made of."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Count

from bpp_portal.kernel.roles import RIGHTS, Right, Role, has_right

from .models import Cube, CubeDimension, Dimension, DimensionGroup, DimensionRule, MemberGrant
from .rules.security import Access, Rule, Visibility, not_editable, visibility_of


def visibility(*, user: Any, cube: Cube) -> Visibility:
    """What of the facts of `cube` the user sees: every door that shows facts, or anything made of them, takes this."""
    may_read = has_right(user, Right.READ_CUBES) and (cube.is_published or has_right(user, Right.MAINTAIN_CUBES))
    secured = set() if has_right(user, Right.MAINTAIN_SECURITY) else secured_of(cube)
    return visibility_of(may_read=may_read, secured=secured, rules=_rules(user, secured) if secured else ())


def secured_of(cube: Cube) -> set[str]:
    """Logical names of the dimensions of `cube` that any group names."""
    rules = DimensionRule.objects.filter(dimension__cube_dimensions__cube=cube)
    return set(rules.values_list("dimension__logical_name", flat=True).distinct())


def partly_visible(*, user: Any) -> set[int]:
    """Keys of the cubes of which dimension security shows `user` only a part."""
    if has_right(user, Right.MAINTAIN_SECURITY):
        return set()
    whole = DimensionRule.objects.filter(group__people=user).exclude(access=Access.ROW_LEVEL).values("dimension")
    closed = DimensionRule.objects.exclude(dimension__in=whole).values("dimension")
    return set(CubeDimension.objects.filter(dimension__in=closed).values_list("cube_id", flat=True))


def not_loadable(*, user: Any, cube: Cube) -> tuple[str, ...]:
    """Names of the dimensions that keep `user` from loading `cube`: a snapshot replaces values of every member, so
    whoever loads needs full access to all of them."""
    if has_right(user, Right.MAINTAIN_SECURITY):
        return ()
    secured = secured_of(cube)
    names = {shape.logical_name: shape.name for shape in cube.shape().dimensions}
    closed = not_editable(secured, _rules(user, secured)) if secured else ()
    return tuple(names[name] for name in closed)


@dataclass(frozen=True)
class SecuredDimension:
    """A dimension of a cube with the rules that name it; without one it is open to every reader."""

    dimension: Dimension
    rules: tuple[DimensionRule, ...]


def cube_security(*, cube: Cube) -> list[SecuredDimension]:
    """The dimensions of `cube` in their order, each with its rules (`granted` = number of values granted)."""
    rules: dict[int, list[DimensionRule]] = {}
    named = DimensionRule.objects.filter(dimension__cube_dimensions__cube=cube).select_related("group")
    for rule in named.annotate(granted=Count("grants", distinct=True)).order_by("group__name"):
        rules.setdefault(rule.dimension_id, []).append(rule)
    uses = cube.cube_dimensions.select_related("dimension")
    return [SecuredDimension(use.dimension, tuple(rules.get(use.dimension_id, ()))) for use in uses]


def people_to_choose(*, group: DimensionGroup) -> list[Any]:
    """Active people who can read cubes and are not in the group yet."""
    reading = [role.value for role in Role if Right.READ_CUBES in RIGHTS[role]]
    people = get_user_model().objects.filter(is_active=True, groups__name__in=reading)
    return list(people.exclude(dimension_groups=group).distinct().order_by("username"))


def _rules(user: Any, secured: Iterable[str]) -> list[Rule]:
    rows = DimensionRule.objects.filter(group__people=user, dimension__logical_name__in=list(secured))
    return [
        Rule(row.dimension.logical_name, Access(row.access), *_keys_of(row)) for row in rows.select_related("dimension")
    ]


def _keys_of(rule: DimensionRule) -> tuple[frozenset[str], frozenset[str]]:
    if rule.access != Access.ROW_LEVEL:
        return frozenset(), frozenset()
    return _granted(rule.pk, rule.stamp)


# Keys of a rule as they were under one stamp: a hundred thousand are read from the database once, not for each query.
@functools.lru_cache(maxsize=32)
def _granted(rule: int, stamp: UUID) -> tuple[frozenset[str], frozenset[str]]:
    """The keys that a rule lets read, and those among them that it lets edit."""
    read, edit = [], []
    for key, may_edit in MemberGrant.objects.filter(rule=rule).values_list("key", "edit"):
        read.append(key)
        if may_edit:
            edit.append(key)
    return frozenset(read), frozenset(edit)
