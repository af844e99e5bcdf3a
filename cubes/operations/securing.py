"""Dimension groups: who is in them, and what they may see of which dimension. Each act is in the trail."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import uuid4

from django.db import transaction

from bpp_portal.audit.operations import record
from bpp_portal.kernel.problems import Problem
from bpp_portal.kernel.roles import Right, has_right, require
from cubes.models import Cube, Dimension, DimensionGroup, DimensionRule, MemberGrant
from cubes.rules.security import Access
from cubes.security_members import existing_keys
from cubes.security_queries import not_loadable

from .refusals import CubeRefused, LoadRefused

NAMED = 20
AT_ONCE = 5_000


class SecurityRefused(CubeRefused):
    """A group cannot be changed like this."""


@transaction.atomic
def create_group(*, actor: Any, name: str) -> DimensionGroup:
    """A new group without people and dimensions. SecurityRefused when the name is empty, too long or taken."""
    require(actor, Right.MAINTAIN_SECURITY)
    name = name.strip()
    if not name or len(name) > 100 or "\0" in name:
        raise SecurityRefused([Problem("group-name", "Enter a name of at most 100 characters.", "name")])
    if DimensionGroup.objects.filter(name=name).exists():
        raise SecurityRefused([Problem("group-name", f"There is a group {name} already. Choose another name.", "name")])
    group = DimensionGroup.objects.create(name=name)
    record(actor=actor, verb="create dimension group", subject=_subject(group), detail=name)
    return group


@transaction.atomic
def delete_group(*, actor: Any, group: DimensionGroup) -> None:
    """Take the group and everything it grants away; a dimension that no other group names is open again."""
    require(actor, Right.MAINTAIN_SECURITY)
    people = ", ".join(sorted(person.get_username() for person in group.people.all()))
    rules = ", ".join(f"{rule.dimension.name} {rule.access}" for rule in group.rules.select_related("dimension"))
    subject = _subject(group)
    before = f"people: {people}\ndimensions: {rules}"
    group.delete()
    record(actor=actor, verb="delete dimension group", subject=subject, detail=group.name, before=before)


@transaction.atomic
def add_person(*, actor: Any, group: DimensionGroup, person: Any) -> None:
    """Take somebody into the group; only people who can read cubes. Twice is as good as once."""
    require(actor, Right.MAINTAIN_SECURITY)
    if not has_right(person, Right.READ_CUBES):
        text = f"{person} cannot read cubes. An IT administrator assigns a planning role first."
        raise SecurityRefused([Problem("person-cannot-read", text, "person")])
    if not group.people.filter(pk=person.pk).exists():
        group.people.add(person)
        record(actor=actor, verb="add to dimension group", subject=_subject(group), detail=person.get_username())


@transaction.atomic
def remove_person(*, actor: Any, group: DimensionGroup, person: Any) -> None:
    """Take somebody out of the group."""
    require(actor, Right.MAINTAIN_SECURITY)
    if group.people.filter(pk=person.pk).exists():
        group.people.remove(person)
        record(actor=actor, verb="remove from dimension group", subject=_subject(group), detail=person.get_username())


@transaction.atomic
def add_dimension(*, actor: Any, group: DimensionGroup, dimension: Dimension) -> DimensionRule:
    """Name a dimension in the group. It starts as row-level with nothing granted, and is no longer open to all."""
    require(actor, Right.MAINTAIN_SECURITY)
    rule, is_new = DimensionRule.objects.get_or_create(group=group, dimension=dimension)
    if is_new:
        record(actor=actor, verb="secure dimension", subject=_subject(group), detail=dimension.name)
    return rule


@transaction.atomic
def remove_dimension(*, actor: Any, rule: DimensionRule) -> None:
    """Take the dimension and what the group was granted of it out of the group."""
    require(actor, Right.MAINTAIN_SECURITY)
    name, access, subject = rule.dimension.name, rule.access, _subject(rule.group)
    rule.delete()
    record(actor=actor, verb="remove dimension", subject=subject, detail=name, before=f"access: {access}")


@transaction.atomic
def set_access(*, actor: Any, rule: DimensionRule, access: Access) -> None:
    """Full access or read-only to all values, present and to come, or row-level. Values granted one by one are
    dropped when the access changes, so that row-level always starts with nothing granted."""
    require(actor, Right.MAINTAIN_SECURITY)
    locked = _locked(rule)
    if locked.access == access:
        return
    before = locked.access
    locked.access, locked.stamp = access, uuid4()
    locked.save(update_fields=["access", "stamp"])
    locked.grants.all().delete()
    detail = locked.dimension.name
    record(
        actor=actor,
        verb="change access",
        subject=_subject(locked.group),
        detail=detail,
        before=f"access: {before}",
        after=f"access: {access}",
    )


@transaction.atomic
def grant(*, actor: Any, rule: DimensionRule, keys: Collection[str], edit: bool) -> int:
    """Let the group read, or edit as well, these values of a row-level dimension. Returns how many values existed:
    a value that is not there (yet) is not granted."""
    require(actor, Right.MAINTAIN_SECURITY)
    return _grant(actor, _locked(rule), existing_keys(dimension=rule.dimension, among=keys), edit)


@transaction.atomic
def grant_all(*, actor: Any, rule: DimensionRule, edit: bool) -> int:
    """Grant every value that exists now; values that come later are not granted."""
    require(actor, Right.MAINTAIN_SECURITY)
    return _grant(actor, _locked(rule), existing_keys(dimension=rule.dimension), edit)


@transaction.atomic
def revoke(*, actor: Any, rule: DimensionRule, keys: Collection[str]) -> int:
    """Take these values away from the group. Returns how many were granted."""
    require(actor, Right.MAINTAIN_SECURITY)
    locked, wanted, gone = _locked(rule), list(dict.fromkeys(keys)), 0
    for start in range(0, len(wanted), AT_ONCE // 10):
        gone += locked.grants.filter(key__in=wanted[start : start + AT_ONCE // 10]).delete()[0]
    _changed(actor, locked, "revoke values", wanted, gone)
    return gone


@transaction.atomic
def revoke_all(*, actor: Any, rule: DimensionRule) -> int:
    """Take every value away from the group."""
    require(actor, Right.MAINTAIN_SECURITY)
    locked = _locked(rule)
    gone = locked.grants.all().delete()[0]
    _changed(actor, locked, "revoke values", (), gone)
    return gone


def check_may_load(*, actor: Any, cube: Cube) -> None:
    """LoadRefused when dimension security keeps `actor` from loading; nobody (None) is the machine's operator."""
    closed = not_loadable(user=actor, cube=cube) if actor is not None else ()
    if closed:
        text = (
            f"A load replaces all data of {cube.name}, so it needs full access to {', '.join(closed)}. "
            "A BPP administrator can grant it, or load the file."
        )
        raise LoadRefused([Problem("load-access", text, "file")])


def _locked(rule: DimensionRule) -> DimensionRule:
    locked = DimensionRule.objects.select_for_update(of=("self",)).select_related("group", "dimension")
    return locked.get(pk=rule.pk)


def _grant(actor: Any, rule: DimensionRule, keys: Collection[str], edit: bool) -> int:
    if rule.access != Access.ROW_LEVEL:
        text = f"{rule} holds for all values. Choose row-level access to grant single ones."
        raise SecurityRefused([Problem("not-row-level", text, "access")])
    grants = (MemberGrant(rule=rule, key=key, edit=edit) for key in keys)
    MemberGrant.objects.bulk_create(
        grants, AT_ONCE, update_conflicts=True, unique_fields=["rule", "key"], update_fields=["edit"]
    )
    _changed(actor, rule, "grant values to edit" if edit else "grant values to read", keys, len(keys))
    return len(keys)


def _changed(actor: Any, rule: DimensionRule, verb: str, keys: Iterable[str], count: int) -> None:
    rule.stamp = uuid4()
    rule.save(update_fields=["stamp"])
    named = list(keys)
    detail = f"{rule.dimension.name}: {count} values"
    if 0 < len(named) <= NAMED:
        detail += f": {', '.join(named)}"
    record(actor=actor, verb=verb, subject=_subject(rule.group), detail=detail)


def _subject(group: DimensionGroup) -> str:
    return f"dimension group {group.pk}"
