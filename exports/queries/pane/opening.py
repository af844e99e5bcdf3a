"""What the export pane shows: the form with everything that cube and Finance say about it."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from bpp_portal.kernel.problems import Problem
from connections.errors import RemoteError
from connections.models import Environment
from connections.queries import legal_entities
from connections.queries.readiness.remembered import remembered
from connections.rules.facts import BudgetSchema
from connections.rules.readiness import Report
from cubes import queries as cube_queries
from cubes.models import Cube, Snapshot
from exports.forms import PaneForm
from exports.models import Run
from exports.queries.checking import Checked, check, cube_facts
from exports.queries.remembering import schema_of
from exports.rules.checking import check_texts
from exports.rules.configuration import Configuration, LineDetail, Source
from exports.rules.states import State

from .choices import code_choices, default_code, entity_choices, model_choices, models_note
from .filters import filter_views
from .mapping import map_row, suggested
from .parts import Choice, FilterView, MapRow

_CAPITAL = re.compile("[A-Z]")


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
    readiness: Report | None = None

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
    form, same_name = suggested(form, schema, facts, keys)
    checked = check(
        user=user,
        cube=cube,
        snapshot=snapshot,
        environment=environment,
        chosen=form.configuration(),
        token=str(form.token),
    )
    rows = [map_row(number, target, form, checked, same_name) for number, target in enumerate(checked.targets, 1)]
    rows = rows if form.legal_entity else []
    shown = {row.target.name for row in rows}
    others = [(name, source) for name, source in form.mapping.items() if source and name not in shown]
    return Pane(
        form=form,
        checked=checked,
        entities=entity_choices(entities, form.legal_entity),
        models=model_choices(schema, form.budget_model),
        codes=code_choices(schema, form.budget_code),
        models_note=models_note(schema),
        rows=tuple(rows),
        hidden_mapping=tuple(others),
        filters=filter_views(form, checked),
        remote=remote or checked.remote,
        sent_before=_sent_before(form.configuration(), snapshot, environment),
        cube=cube,
        snapshot=snapshot,
        readiness=_readiness(user, environment, form.legal_entity),
    )


def _readiness(user: Any, environment: Environment, legal_entity: str) -> Report | None:
    """The last check for the legal entity, as it concerns `user`; nobody is asked."""
    report = remembered(environment=environment, legal_entity=legal_entity)
    return report.seen_by(user.get_username()) if report else None


def _follow_entity(form: PaneForm, environment: Environment, fresh: bool) -> PaneForm:
    """Another legal entity clears model and code; its facts are asked anew."""
    changed = form.legal_entity != form.entity_before
    if changed and form.entity_before:
        form = replace(form, budget_model="", budget_code="")
    if _askable(form) and (changed or fresh):
        with suppress(RemoteError):  # the check meets the same error and shows it
            schema_of(environment, form.legal_entity, str(form.token), renew=True)
    return replace(form, entity_before=form.legal_entity)


def _askable(form: PaneForm) -> bool:
    """Whether Finance may be asked about what stands as the legal entity."""
    unfit = check_texts(Configuration(legal_entity=form.legal_entity))
    return bool(form.legal_entity) and not unfit


def _schema(environment: Environment, form: PaneForm) -> BudgetSchema | None:
    if not _askable(form):
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


def _sent_before(chosen: Configuration, snapshot: Snapshot, environment: Environment) -> Run | None:
    """The latest run with the same lines of which something stands, or may stand, in the Finance of `environment`."""
    empty = [State.FAILED, State.CANCELLED]
    return (
        Run.objects.filter(export__fingerprint=chosen.fingerprint(), snapshot=snapshot, environment=environment)
        .exclude(state__in=empty)
        .select_related("export")
        .first()
    )
