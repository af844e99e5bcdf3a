"""A configuration held against the cube and against Finance: problems, counts, totals and samples in one answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlglot import exp

from bpp_portal.kernel.problems import Problem
from connections.errors import RemoteError
from connections.models import Environment
from connections.queries import legal_entities
from connections.rules.facts import BudgetSchema
from cubes import queries as cube_queries
from cubes.engine import AmountOverflow, Engine, open_engine
from cubes.models import Cube, Snapshot
from cubes.rules.slices import ColumnRef
from exports.lines import LineShape, Total, line_select, rounding_difference, totals_of
from exports.rules import checking as rules
from exports.rules.configuration import (
    AMOUNT,
    AMOUNT_TYPE,
    CURRENCY,
    DATE,
    Configuration,
    Kind,
    LineDetail,
    Target,
    targets,
)

from .remembering import members_of, schema_of

Values = Sequence[tuple[object, int]]
# The code with which Finance's facts say that there is no such ledger; a choice to correct, not an outage.
UNKNOWN_LEGAL_ENTITY = "legal-entity-unknown"
# With one of these a target takes no value yet, so lines may still split.
INCOMPLETE = frozenset({"BRE-UNMAPPED", "BRE-WRONG-TYPE", "BRE-COLUMN-GONE"})


@dataclass(frozen=True)
class Checked:
    """What is known of a configuration now. `remote` says why Finance could not be asked, if it could not."""

    cube: rules.CubeFacts
    targets: tuple[Target, ...]
    problems: tuple[Problem, ...]
    schema: BudgetSchema | None = None
    remote: RemoteError | None = None
    rows: int = 0
    all_rows: int = 0
    lines: dict[LineDetail, int] = field(default_factory=dict)
    totals: tuple[Total, ...] = ()
    values: dict[str, Values] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every required target has a usable source, so that lines and totals are final."""
        open_ones = (p for p in self.problems if p.code in INCOMPLETE or p.field.startswith("filters."))
        return self.schema is not None and not any(open_ones)

    @property
    def rounding_difference(self) -> Decimal:
        return rounding_difference(self.totals)

    def problems_of(self, field_name: str) -> list[Problem]:
        return [problem for problem in self.problems if problem.field == field_name]


def cube_facts(cube: Cube) -> rules.CubeFacts:
    """The cube as the rules need it."""
    columns = {str(info.ref): str(info.data_type) for info in cube_queries.columns_of(cube)}
    names = tuple(driver.name for driver in cube_queries.drivers_of(cube))
    return rules.CubeFacts(cube.name, cube.is_published, columns, names, cube.is_classic)


def check(
    *,
    user: Any,
    cube: Cube,
    snapshot: Snapshot,
    environment: Environment,
    chosen: Configuration,
    token: str = "",
    fresh: bool = False,
) -> Checked:
    """Hold `chosen` against cube and Finance.

    Facts of Finance are remembered for the opened form `token`; `fresh` asks anew and raises RemoteError, otherwise an
    unreachable Finance is part of the answer.
    """
    facts = cube_facts(cube)
    unfit = rules.check_texts(chosen)
    schema, found, remote = _schema(environment, chosen, unfit, token, fresh)
    found += rules.check_choices(chosen, schema)
    found += rules.check_mapping(chosen, schema, facts)
    found += cube_queries.slice_problems(cube=cube, slice_=chosen.slice)
    # A text that cannot be stored is said once; other rules would quote it.
    problems = [*rules.check_cube(facts), *unfit, *_elsewhere(found, unfit)]
    checked = Checked(
        facts,
        targets(schema),
        tuple(problems),
        schema,
        remote,
        all_rows=cube_queries.visible_facts(snapshot=snapshot, user=user).rows,
    )
    chosen = _readable(chosen, problems)
    with open_engine(snapshot, cube_queries.visibility(user=user, cube=cube)) as engine:
        try:
            return _with_data(engine, checked, chosen, environment, token, fresh)
        except AmountOverflow as overflow:
            too_long = [replace(problem, field=f"mapping-{AMOUNT}") for problem in overflow.problems]
            return replace(checked, problems=(*checked.problems, *too_long))


def _elsewhere(found: Sequence[Problem], unfit: Sequence[Problem]) -> list[Problem]:
    fields = {problem.field for problem in unfit}
    if "mapping" in fields:
        return [problem for problem in found if not problem.field.startswith("mapping")]
    return [problem for problem in found if problem.field not in fields]


def _schema(
    environment: Environment, chosen: Configuration, unfit: Sequence[Problem], token: str, fresh: bool
) -> tuple[BudgetSchema | None, list[Problem], RemoteError | None]:
    """The schema of the chosen legal entity; or what is wrong with the choice; or why Finance could not be asked."""
    entity = chosen.legal_entity
    if not entity or any(problem.field == "legal_entity" for problem in unfit):
        return None, [], None
    try:
        try:
            return schema_of(environment, entity, token, fresh), [], None
        except RemoteError as error:
            if error.code != UNKNOWN_LEGAL_ENTITY:
                raise
            known = [one.code for one in legal_entities(environment=environment)]
            return None, [rules.unknown_entity(entity, known)], None
    except RemoteError as error:
        if fresh:
            raise
        return None, [], error


def _readable(chosen: Configuration, problems: Sequence[Problem]) -> Configuration:
    """`chosen` without the conditions that cannot be applied yet; the count says so by not being complete."""
    broken = {problem.field for problem in problems}
    kept = tuple(one for number, one in enumerate(chosen.conditions) if f"filters.{number}" not in broken)
    return replace(chosen, conditions=kept)


def _with_data(
    engine: Engine, checked: Checked, chosen: Configuration, environment: Environment, token: str, fresh: bool
) -> Checked:
    usable = _usable(chosen, checked)
    rows = engine.rows(
        exp.select("COUNT(*)").from_(engine.relation(chosen.slice, columns={}, drivers={}).subquery("f"))
    )
    count = int(rows[0][0])
    problems = list(checked.problems) + rules.check_rows(count, len(chosen.conditions))
    values = {
        name: _values(engine, usable, source.column)
        for name, source in usable.mapping.items()
        if source.column in checked.cube.columns
    }
    found, remote = checked.remote, checked.remote
    counts: dict[LineDetail, int] = {}
    totals: tuple[Total, ...] = ()
    if checked.schema is not None:
        shape = LineShape.of(checked.schema)
        for detail in LineDetail:
            sums = totals_of(engine, line_select(engine=engine, chosen=usable, shape=shape, detail=detail))
            counts[detail] = sum(total.lines for total in sums)
            if detail is chosen.line_detail:
                totals = sums
        try:
            problems += _value_problems(checked, usable, values, environment, token, fresh)
        except RemoteError as error:
            if fresh:
                raise
            remote = found or error
    return Checked(
        checked.cube,
        checked.targets,
        tuple(problems),
        checked.schema,
        remote,
        count,
        checked.all_rows,
        counts,
        totals,
        values,
    )


def _usable(chosen: Configuration, checked: Checked) -> Configuration:
    """The configuration without the sources that have a problem, so that counting works while it is being filled."""
    broken = {problem.field.removeprefix("mapping-") for problem in checked.problems}
    mapping = {name: source for name, source in chosen.mapping.items() if source and name not in broken}
    return replace(chosen, mapping=mapping)


def _values(engine: Engine, chosen: Configuration, column: str) -> Values:
    relation = engine.relation(chosen.slice, columns={"v": ColumnRef.parse(column)}, drivers={})
    select = exp.select("v", "COUNT(*) AS n").from_(relation.subquery("f")).group_by("v").order_by("n DESC", "v")
    return [(value, int(count)) for value, count in engine.rows(select)]


def _value_problems(
    checked: Checked,
    chosen: Configuration,
    values: dict[str, Values],
    environment: Environment,
    token: str,
    fresh: bool,
) -> list[Problem]:
    schema = checked.schema
    assert schema is not None  # noqa: S101 - the caller asks only with a schema
    problems: list[Problem] = []
    constant = chosen.source(DATE).constant
    day = date.fromisoformat(constant) if constant else None
    dates: Values = [(day, 1)] if day else values.get(DATE, [])
    for target in checked.targets:
        source = chosen.source(target.name)
        if target.kind is Kind.DIMENSION and source:
            known = members_of(environment, chosen.legal_entity, target.name, token, fresh)
            if source.constant:
                problems += rules.check_constant(target, source.constant, known, schema, dates)
            else:
                problems += rules.check_dimension(target, values.get(target.name, []), known, schema, dates)
    problems += rules.check_constant_date(day, schema) if day else rules.check_dates(dates, schema)
    if AMOUNT_TYPE in values:
        problems += rules.check_amount_types(chosen.source(AMOUNT_TYPE).column, values[AMOUNT_TYPE])
    if CURRENCY in values:
        problems += rules.check_currencies(values[CURRENCY], schema)
    return problems
