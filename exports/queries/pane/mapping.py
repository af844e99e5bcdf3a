"""The mapping rows of the pane: offered columns, samples of what would be sent, suggestions."""

from dataclasses import replace
from datetime import date
from typing import Any

from connections.rules.facts import BudgetSchema
from exports.forms import COLUMN, CONSTANT, FIXED, PaneForm
from exports.queries.checking import Checked
from exports.rules.checking import AMOUNT_TYPES
from exports.rules.configuration import Kind, Source, Target, targets
from exports.rules.suggesting import suggest

from .parts import Choice, MapRow, Sample

NOTES = {
    Kind.DATE: "Date columns only",
    Kind.AMOUNT: "Driver",
    Kind.AMOUNT_TYPE: "Expense or Revenue",
    Kind.CURRENCY: "Optional",
    Kind.DIMENSION: "Financial dimension",
}


def suggested(
    form: PaneForm, schema: BudgetSchema | None, facts: Any, keys: dict[str, str]
) -> tuple[PaneForm, frozenset[str]]:
    """Fill in namesakes once, when a target appears for the first time."""
    if schema is None:
        return form, frozenset()
    wanted = targets(schema)
    fresh = [target for target in wanted if target.name not in form.seen]
    found = {name: s for name, s in suggest(fresh, facts, keys).items() if not form.mapping.get(name)}
    everything = suggest(wanted, facts, keys)
    mapping = {**form.mapping, **found}
    same = frozenset(name for name, s in everything.items() if mapping.get(name) == s)
    return replace(form, mapping=mapping, seen=form.seen | {target.name for target in wanted}), same


def map_row(number: int, target: Target, form: PaneForm, checked: Checked, suggested: frozenset[str]) -> MapRow:
    source = form.mapping.get(target.name, Source())
    typing = target.name in form.constants or (bool(source.constant) and target.kind is Kind.DIMENSION)
    typing = typing or (bool(source.constant) and target.kind is Kind.DATE)
    problems = tuple(checked.problems_of(f"mapping-{target.name}"))
    offers = checked.cube.date_columns if target.kind is Kind.DATE and not source else ()
    return MapRow(
        number,
        target,
        "Account" if target.name == "MainAccount" else NOTES[target.kind],
        _map_choices(target, source, checked, typing),
        source,
        typing,
        target.name in suggested,
        _sample(target, source, checked),
        offers[:2],
        problems,
    )


def _map_choices(target: Target, source: Source, checked: Checked, typing: bool) -> tuple[Choice, ...]:
    columns = checked.cube.columns
    names: list[str]
    if target.kind is Kind.AMOUNT:
        names = list(checked.cube.drivers)
    elif target.kind is Kind.DATE:
        names = list(checked.cube.date_columns)
    else:
        names = [name for name, data_type in columns.items() if data_type != "date"]
    if source.column and source.column not in names:
        names.append(source.column)  # what no longer fits stays visible, with its problem beside it
    choices = [Choice(f"{COLUMN}{name}", name, source.column == name) for name in names]
    fixed: list[str] = []
    if target.kind is Kind.AMOUNT_TYPE:
        fixed = list(AMOUNT_TYPES)
    elif target.kind is Kind.CURRENCY and checked.schema:
        fixed = sorted(checked.schema.currencies)
    if source.constant and source.constant not in fixed and not typing:
        fixed.append(source.constant)
    choices += [Choice(f"{FIXED}{value}", f"Always {value}", source.constant == value) for value in fixed]
    if target.kind in (Kind.DIMENSION, Kind.DATE):
        choices.append(Choice(CONSTANT, "Constant …", typing))
    return tuple(choices)


def _sample(target: Target, source: Source, checked: Checked) -> Sample:
    if target.kind is Kind.AMOUNT and source.column in checked.cube.drivers and len(checked.totals) == 1:
        return Sample(text=f"Sum {checked.totals[0].exact:,}")
    if target.kind is Kind.CURRENCY and not source and checked.schema:
        return Sample(text=f"{checked.schema.accounting_currency} for every line")
    values = checked.values.get(target.name)
    if values is None:
        return Sample()
    if target.kind is Kind.AMOUNT_TYPE:
        return Sample(text=", ".join(f"{value} {rows:,} rows" for value, rows in values[:3]))
    return Sample(len(values), tuple(_value_text(value) for value, _ in values[:3] if value not in (None, "")))


def _value_text(value: object) -> str:
    return f"{value.day} {value:%b %Y}" if isinstance(value, date) else str(value)
