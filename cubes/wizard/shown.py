"""A plan as the wizard's pages show it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from cubes.models import Dimension
from cubes.rules.shape import TYPE_WORDS
from cubes.rules.workbooks.plan import ColumnPlan, FactPlan, Plan, Role, SheetPlan, Use
from cubes.rules.workbooks.profile import ColumnProfile, SheetProfile

from .posted import EXISTING, SHEET

TYPES = [(data_type.value, words) for data_type, words in TYPE_WORDS.items()]
ROLES = [(Role.FACT.value, "Fact"), (Role.DIMENSION.value, "Dimension"), (Role.OUT.value, "Leave out")]


@dataclass(frozen=True)
class SheetView:
    number: int
    plan: SheetPlan
    profile: SheetProfile
    exists: bool


@dataclass(frozen=True)
class ColumnView:
    """A column of a dimension sheet; `links` are the columns of other dimensions that may supply it."""

    place: str
    plan: ColumnPlan
    profile: ColumnProfile
    is_key: bool
    links: tuple[str, ...]


@dataclass(frozen=True)
class FactView:
    number: int
    plan: FactPlan
    profile: ColumnProfile
    chosen: str

    @property
    def is_driver(self) -> bool:
        return self.plan.use is Use.DRIVER


def sheet_views(plan: Plan, sheets: Sequence[SheetProfile], known: Collection[str]) -> list[SheetView]:
    """All sheets, in their order."""
    return [
        SheetView(number, one, profile, one.role is Role.DIMENSION and one.name in known)
        for number, (one, profile) in enumerate(zip(plan.sheets, sheets, strict=True))
    ]


def link_names(plan: Plan, known: Collection[str]) -> list[str]:
    """Every `Dimension.Column` that a linked column may take its values from."""
    found = [
        f"{sheet.name}.{column.header}"
        for sheet in plan.dimension_sheets
        if sheet.name not in known
        for column in sheet.columns
        if column.kept or column.header == sheet.key
    ]
    standing = Dimension.objects.filter(name__in=known).prefetch_related("columns")
    return found + [str(column) for dimension in standing for column in dimension.columns.all()]


def columns_context(plan: Plan, sheets: Sequence[SheetProfile], known: Collection[str]) -> dict[str, Any]:
    """The page of relationships, keys and types."""
    links = link_names(plan, known)
    views = sheet_views(plan, sheets, known)
    facts = next((view for view in views if view.plan.role is Role.FACT), None)
    names = [sheet.name for sheet in plan.dimension_sheets]
    return {
        "fact_sheet": facts,
        "facts": [_fact(number, fact, facts.profile) for number, fact in enumerate(plan.facts)] if facts else [],
        "dimension_names": [(SHEET + name, name) for name in names],
        "existing_names": [(EXISTING + name, name) for name in known if name not in names],
        "types": TYPES,
        "dimensions": [
            (view, _columns(view, [name for name in links if not name.startswith(f"{view.plan.name}.")]))
            for view in views
            if view.plan.role is Role.DIMENSION
        ],
    }


def _fact(number: int, fact: FactPlan, profile: SheetProfile) -> FactView:
    column = profile.column(fact.header)
    assert column is not None  # noqa: S101  the plan was made from the profile
    if fact.use is Use.DIMENSION:
        chosen = SHEET + fact.dimension
    elif fact.use is Use.OWN and Dimension.objects.filter(name=fact.dimension).exists():
        chosen = EXISTING + fact.dimension
    else:
        chosen = fact.use.value
    return FactView(number, fact, column, chosen)


def _columns(view: SheetView, links: Sequence[str]) -> list[ColumnView]:
    found = []
    for place, column in enumerate(view.plan.columns):
        profile = view.profile.column(column.header)
        assert profile is not None  # noqa: S101
        is_key = column.header == view.plan.key
        found.append(ColumnView(f"{view.number}-{place}", column, profile, is_key, tuple(links)))
    return found
