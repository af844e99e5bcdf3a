"""What *Create* would make of a plan."""

from collections.abc import Collection, Sequence
from typing import Any

from cubes.operations import workbooks as working
from cubes.rules.reviewing import missing_for_export
from cubes.rules.workbooks.checking import REUSED, size_warnings
from cubes.rules.workbooks.plan import Plan
from cubes.rules.workbooks.profile import SheetProfile


def review_context(plan: Plan, sheets: Sequence[SheetProfile], known: Collection[str]) -> dict[str, Any]:
    """Tables with their columns, drivers, records, what is reused and what an export would miss."""
    shape = working.checked_definition(plan).shape()
    used = [name for name in working.used_dimensions(plan) if name in known]
    rows = {one.name: profile.rows for one, profile in zip(plan.sheets, sheets, strict=True)}
    facts = plan.fact_sheet
    return {
        "plan": plan,
        "shape": shape,
        "tables": [
            (dimension, dimension.name in used, rows.get(dimension.name)) for dimension in shape.every_dimension
        ],
        "fact_rows": rows[facts.name] if facts else 0,
        "reused": REUSED.format(" " + ", ".join(used)) if used else "",
        "warnings": size_warnings(plan, sheets),
        "missing": missing_for_export(shape, classic=False, loaded=True),
    }
