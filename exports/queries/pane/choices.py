"""What may be chosen in the general part of the pane: legal entity, budget model, budget code."""

from collections.abc import Sequence
from typing import Any

from connections.rules.facts import BudgetCode, BudgetSchema

from .parts import Choice


def default_code(codes: Sequence[BudgetCode]) -> BudgetCode | None:
    """The default code of type original budget, else the first one of that type."""
    original = [code for code in codes if code.budget_type == "OriginalBudget"]
    return next((code for code in original if code.is_default), original[0] if original else None)


def entity_choices(entities: Sequence[Any], chosen: str) -> tuple[Choice, ...]:
    return _choices([(e.code, f"{e.code}  {e.name}") for e in entities], chosen)


def model_choices(schema: BudgetSchema | None, chosen: str) -> tuple[Choice, ...]:
    models = schema.models if schema else ()
    return _choices([(m.code, f"{m.code}  {m.name}") for m in models if not m.stopped], chosen)


def code_choices(schema: BudgetSchema | None, chosen: str) -> tuple[Choice, ...]:
    codes = schema.codes if schema else ()
    return _choices([(c.code, f"{c.code}  {c.description}") for c in codes], chosen)


def _choices(offered: list[tuple[str, str]], chosen: str) -> tuple[Choice, ...]:
    """The offered ones; what was chosen and is not offered any more stays visible, with its problem beside it."""
    if offered and chosen and chosen not in dict(offered):
        offered = [*offered, (chosen, chosen)]
    return tuple(Choice(code, label, code == chosen) for code, label in offered)


def models_note(schema: BudgetSchema | None) -> str:
    if schema is None:
        return ""
    count, stopped = len(schema.models), sum(1 for model in schema.models if model.stopped)
    noun = "budget model" if count == 1 else "budget models"
    note = f"{count} {noun} in {schema.legal_entity.code}"
    return f"{note}, {stopped} stopped and not offered" if stopped else note
