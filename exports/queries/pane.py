"""What the export pane shows: the form with everything that cube and Finance say about it."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from bpp_portal.kernel.problems import Problem
from connections.errors import RemoteError
from connections.models import Environment
from connections.queries import legal_entities
from connections.rules.facts import BudgetCode, BudgetSchema
from cubes import queries as cube_queries
from cubes.models import Cube, Snapshot
from cubes.rules.filters import OPERATORS
from cubes.rules.shape import DataType
from cubes.rules.slices import Operator
from exports.forms import COLUMN, CONSTANT, FIXED, FilterRow, PaneForm
from exports.models import Run
from exports.rules.checking import AMOUNT_TYPES
from exports.rules.configuration import Configuration, Kind, LineDetail, Source, Target, targets
from exports.rules.states import State
from exports.rules.suggesting import suggest

from .checking import Checked, check, cube_facts, schema_of

WORDS = {
    Operator.IN: "is any of",
    Operator.NOT_IN: "is not",
    Operator.BETWEEN: "between",
    Operator.CONTAINS: "contains",
    Operator.BEGINS: "begins with",
    Operator.BLANK: "is blank",
    Operator.NOT_BLANK: "is not blank",
}
NOTES = {
    Kind.DATE: "Date columns only",
    Kind.AMOUNT: "Driver",
    Kind.AMOUNT_TYPE: "Expense or Revenue",
    Kind.CURRENCY: "Optional",
    Kind.DIMENSION: "Financial dimension",
}
EMPTY_LABELS = {Kind.DATE: "Choose a Date column", Kind.AMOUNT: "Choose a driver"}
RANGE, NO_VALUES, LIST = "range", "none", "list"
SHAPES = {Operator.BETWEEN: RANGE, Operator.BLANK: NO_VALUES, Operator.NOT_BLANK: NO_VALUES}
SHOWN_TOKENS = 50
_CAPITAL = re.compile("[A-Z]")


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    selected: bool


@dataclass(frozen=True)
class Sample:
    """How many values would be sent, and the first of them; or a sentence."""

    count: int = 0
    values: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class MapRow:
    number: int
    target: Target
    note: str
    choices: tuple[Choice, ...]
    source: Source
    typing: bool
    suggested: bool
    sample: Sample
    offers: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def field(self) -> str:
        return f"mapping-{self.target.name}"

    @property
    def empty_label(self) -> str:
        return EMPTY_LABELS.get(self.target.kind, "Choose a column")


@dataclass(frozen=True)
class FilterView:
    index: int
    row: FilterRow
    columns: tuple[Choice, ...]
    operators: tuple[Choice, ...]
    anchor: str
    problems: tuple[Problem, ...]

    @property
    def name(self) -> str:
        return f"filter-{self.index}"

    @property
    def shape(self) -> str:
        return SHAPES.get(Operator(self.row.operator), LIST)

    @property
    def shown_values(self) -> tuple[str, ...]:
        return self.row.values[:SHOWN_TOKENS]

    @property
    def hidden_values(self) -> tuple[str, ...]:
        return self.row.values[SHOWN_TOKENS:]

    @property
    def bounds(self) -> tuple[str, str]:
        first, second, *_ = (*self.row.values, "", "")
        return first, second


@dataclass(frozen=True)
class Pane:
    """Everything on the pane."""

    form: PaneForm
    checked: Checked
    entities: tuple[Choice, ...]
    models: tuple[Choice, ...]
    codes: tuple[Choice, ...]
    models_note: str
    rows: tuple[MapRow, ...]
    hidden_mapping: tuple[tuple[str, Source], ...]
    filters: tuple[FilterView, ...]
    remote: RemoteError | None
    sent_before: Run | None
    cube: Cube
    snapshot: Snapshot

    @property
    def gone_targets(self) -> tuple[str, ...]:
        """Mapped fields that Finance does not ask for any more."""
        return tuple(name for name, _ in self.hidden_mapping) if self.checked.schema else ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self.checked.problems

    @property
    def mapped(self) -> int:
        return sum(1 for row in self.rows if row.target.required and row.source)

    @property
    def required(self) -> int:
        return sum(1 for row in self.rows if row.target.required)

    @property
    def suggested(self) -> int:
        return sum(1 for row in self.rows if row.suggested)

    @property
    def line_count(self) -> int | None:
        return self.checked.lines.get(self.form.line_detail)

    @property
    def models_wait(self) -> str:
        """Why no budget model can be chosen yet; empty when one can be chosen or has to be typed."""
        if not self.form.legal_entity:
            return "Choose a legal entity first."
        return "No active budget model" if self.checked.schema else ""

    @property
    def codes_wait(self) -> str:
        if not self.form.legal_entity:
            return "Choose a legal entity first."
        return "No budget code" if self.checked.schema else ""

    @property
    def codes_note(self) -> str:
        """What the chosen code means."""
        codes = self.checked.schema.codes if self.checked.schema else ()
        code = next((one for one in codes if one.code == self.form.budget_code), None)
        if code is None:
            return ""
        words = _CAPITAL.sub(lambda found: " " + found.group().lower(), code.budget_type).strip()
        return f"{'Default' if code.is_default else 'Type'} {words}"

    @property
    def details(self) -> list[tuple[str, str, str, int | None]]:
        texts = {
            LineDetail.AGGREGATE: (
                "Aggregate to budget model level",
                "Rows with the same mapped fields, date and currency become one line",
            ),
            LineDetail.RECORD: ("One line per cube record", ""),
        }
        return [(d.value, *texts[d], self.checked.lines.get(d)) for d in LineDetail]


def open_pane(
    *, user: Any, cube: Cube, snapshot: Snapshot, environment: Environment, form: PaneForm, fresh: bool = False
) -> Pane:
    """Check the form and gather what the pane shows. Nothing raises: what Finance cannot answer is in `remote`."""
    remote: RemoteError | None = None
    entities: Sequence[Any] = ()
    try:
        entities = legal_entities(environment=environment)
        if len(entities) == 1 and not form.legal_entity:
            form = replace(form, legal_entity=entities[0].code)
    except RemoteError as error:
        remote = error
    form = _follow_entity(form, environment, fresh)
    schema = _schema(environment, form)
    form = _defaults(form, schema)
    facts = cube_facts(cube)
    keys = {info.ref.dimension: str(info.ref) for info in cube_queries.columns_of(cube) if info.is_key}
    form, suggested = _suggested(form, schema, facts, keys)
    checked = check(
        user=user,
        cube=cube,
        snapshot=snapshot,
        environment=environment,
        chosen=form.configuration(),
        token=str(form.token),
    )
    rows = [_map_row(number, target, form, checked, suggested) for number, target in enumerate(checked.targets, 1)]
    rows = rows if form.legal_entity else []
    shown = {row.target.name for row in rows}
    others = [(name, source) for name, source in form.mapping.items() if source and name not in shown]
    return Pane(
        form=form,
        checked=checked,
        entities=_entity_choices(entities, form.legal_entity),
        models=_model_choices(schema, form.budget_model),
        codes=_code_choices(schema, form.budget_code),
        models_note=_models_note(schema),
        rows=tuple(rows),
        hidden_mapping=tuple(others),
        filters=_filter_views(form, checked),
        remote=remote or checked.remote,
        sent_before=_sent_before(form.configuration(), snapshot),
        cube=cube,
        snapshot=snapshot,
    )


def _follow_entity(form: PaneForm, environment: Environment, fresh: bool) -> PaneForm:
    """Another legal entity clears model and code; its facts are asked anew."""
    changed = form.legal_entity != form.entity_before
    if changed and form.entity_before:
        form = replace(form, budget_model="", budget_code="")
    if form.legal_entity and (changed or fresh):
        with suppress(RemoteError):  # the check meets the same error and shows it
            schema_of(environment, form.legal_entity, str(form.token), renew=True)
    return replace(form, entity_before=form.legal_entity)


def _schema(environment: Environment, form: PaneForm) -> BudgetSchema | None:
    if not form.legal_entity:
        return None
    try:
        return schema_of(environment, form.legal_entity, str(form.token))
    except RemoteError:
        return None


def _defaults(form: PaneForm, schema: BudgetSchema | None) -> PaneForm:
    if schema is None or form.budget_code:
        return form
    code = default_code(schema.codes)
    return replace(form, budget_code=code.code) if code else form


def default_code(codes: Sequence[BudgetCode]) -> BudgetCode | None:
    """The default code of type original budget, else the first one of that type."""
    original = [code for code in codes if code.budget_type == "OriginalBudget"]
    return next((code for code in original if code.is_default), original[0] if original else None)


def _suggested(
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


def _entity_choices(entities: Sequence[Any], chosen: str) -> tuple[Choice, ...]:
    return _choices([(e.code, f"{e.code}  {e.name}") for e in entities], chosen)


def _model_choices(schema: BudgetSchema | None, chosen: str) -> tuple[Choice, ...]:
    models = schema.models if schema else ()
    return _choices([(m.code, f"{m.code}  {m.name}") for m in models if not m.stopped], chosen)


def _code_choices(schema: BudgetSchema | None, chosen: str) -> tuple[Choice, ...]:
    codes = schema.codes if schema else ()
    return _choices([(c.code, f"{c.code}  {c.description}") for c in codes], chosen)


def _choices(offered: list[tuple[str, str]], chosen: str) -> tuple[Choice, ...]:
    """The offered ones; what was chosen and is not offered any more stays visible, with its problem beside it."""
    if offered and chosen and chosen not in dict(offered):
        offered = [*offered, (chosen, chosen)]
    return tuple(Choice(code, label, code == chosen) for code, label in offered)


def _models_note(schema: BudgetSchema | None) -> str:
    if schema is None:
        return ""
    count, stopped = len(schema.models), sum(1 for model in schema.models if model.stopped)
    noun = "budget model" if count == 1 else "budget models"
    note = f"{count} {noun} in {schema.legal_entity.code}"
    return f"{note}, {stopped} stopped and not offered" if stopped else note


def _map_row(number: int, target: Target, form: PaneForm, checked: Checked, suggested: frozenset[str]) -> MapRow:
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


def _filter_views(form: PaneForm, checked: Checked) -> tuple[FilterView, ...]:
    views, numbered = [], 0
    for index, row in enumerate(form.filters):
        # Conditions are numbered without the rows that have no column yet.
        anchor = f"filters.{numbered}" if row.column else f"filter-row-{index}"
        numbered += bool(row.column)
        views.append(_filter_view(index, row, anchor, checked))
    return tuple(views)


def _filter_view(index: int, row: FilterRow, anchor: str, checked: Checked) -> FilterView:
    names = list(checked.cube.columns)
    if row.column and row.column not in names:
        names.append(row.column)  # what no longer fits stays visible, with its problem beside it
    columns = tuple(Choice(name, name, name == row.column) for name in names)
    data_type = DataType(checked.cube.columns.get(row.column, "text"))
    allowed = [operator for operator in Operator if operator in OPERATORS[data_type] or operator == row.operator]
    operators = tuple(Choice(o.value, WORDS[o], o.value == row.operator) for o in allowed)
    return FilterView(index, row, columns, operators, anchor, tuple(checked.problems_of(anchor)))


def _sent_before(chosen: Configuration, snapshot: Snapshot) -> Run | None:
    """The latest successful run that sent the same lines: same target, mapping, filters and snapshot."""
    return (
        Run.objects.filter(export__fingerprint=chosen.fingerprint(), snapshot=snapshot, state=State.SUCCEEDED)
        .select_related("export")
        .first()
    )
