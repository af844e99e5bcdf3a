"""The answers of the wizard's forms as plans."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from django.http import QueryDict

from cubes.rules.definition import MOST_DECIMALS
from cubes.rules.shape import DataType
from cubes.rules.workbooks.detecting import detect_columns, own_name
from cubes.rules.workbooks.plan import ColumnPlan, FactPlan, Plan, Role, SheetPlan, Use
from cubes.rules.workbooks.profile import SheetProfile

SHEET, EXISTING = "sheet:", "existing:"


def posted_sheets(plan: Plan, post: QueryDict, sheets: Sequence[SheetProfile], known: Collection[str]) -> Plan:
    """`plan` with the roles and names that were posted; where they differ, columns are guessed anew."""
    found = []
    for number, sheet in enumerate(plan.sheets):
        role = post.get(f"role-{number}", "")
        name = " ".join(post.get(f"name-{number}", sheet.name).split())[:200]
        found.append(replace(sheet, role=Role(role) if role in set(Role) else sheet.role, name=name))
    same = all((a.role, a.name) == (b.role, b.name) for a, b in zip(found, plan.sheets, strict=True))
    return plan if same else detect_columns(replace(plan, sheets=tuple(found)), sheets, known)


def posted_columns(plan: Plan, post: QueryDict, links: Collection[str], known: Collection[str]) -> Plan:
    """`plan` with the keys, types, links and uses that were posted; what is not understood stays as it was."""
    sheets = tuple(_sheet(number, sheet, post, links) for number, sheet in enumerate(plan.sheets))
    facts = tuple(_fact(number, fact, post, plan, known) for number, fact in enumerate(plan.facts))
    return replace(plan, sheets=sheets, facts=facts)


def _sheet(number: int, sheet: SheetPlan, post: QueryDict, links: Collection[str]) -> SheetPlan:
    if sheet.role is not Role.DIMENSION or f"key-{number}" not in post:
        return sheet
    columns = tuple(_column(f"{number}-{place}", column, post, links) for place, column in enumerate(sheet.columns))
    return replace(sheet, key=post.get(f"key-{number}", ""), columns=columns)


def _column(place: str, column: ColumnPlan, post: QueryDict, links: Collection[str]) -> ColumnPlan:
    data_type, link = post.get(f"type-{place}", ""), post.get(f"link-{place}", "")
    return replace(
        column,
        kept=f"keep-{place}" in post,
        data_type=DataType(data_type) if data_type in set(DataType) else column.data_type,
        precision=_decimals(post.get(f"decimals-{place}", ""), column.precision),
        linked_to=link if link in links else "",
    )


def _fact(number: int, fact: FactPlan, post: QueryDict, plan: Plan, known: Collection[str]) -> FactPlan:
    chosen = post.get(f"use-{number}", "")
    precision = _decimals(post.get(f"decimals-fact-{number}", ""), fact.precision)
    use, dimension = fact.use, fact.dimension
    if chosen.startswith(SHEET) and chosen.removeprefix(SHEET) in {sheet.name for sheet in plan.dimension_sheets}:
        use, dimension = Use.DIMENSION, chosen.removeprefix(SHEET)
    elif chosen.startswith(EXISTING) and chosen.removeprefix(EXISTING) in known:
        use, dimension = Use.OWN, chosen.removeprefix(EXISTING)
    elif chosen == Use.OWN.value:
        use, dimension = Use.OWN, own_name(fact.header, ())
    elif chosen in (Use.DRIVER.value, Use.OUT.value):
        use, dimension = Use(chosen), ""
    reason = fact.reason if (use, dimension) == (fact.use, fact.dimension) else "Chosen by hand."
    return replace(fact, use=use, dimension=dimension, precision=precision, reason=reason)


def _decimals(text: str, before: int) -> int:
    return int(text) if text.isdecimal() and len(text) < 3 and int(text) <= MOST_DECIMALS else before
