"""A configuration held against the cube and against Finance: problems, counts, totals and samples in one answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.cache import cache
from sqlglot import exp

from bpp_portal.kernel.problems import Problem
from connections.errors import RemoteError
from connections.models import Environment
from connections.queries import budget_schema, members
from connections.rules.facts import BudgetSchema, MemberStatus
from cubes import queries as cube_queries
from cubes.engine import Engine, open_engine
from cubes.models import Cube, Snapshot
from cubes.rules.slices import ColumnRef
from exports.lines import LineShape, Total, line_select, rounding_difference, totals_of
from exports.rules import checking as rules
from exports.rules.configuration import (
    AMOUNT_TYPE,
    CURRENCY,
    DATE,
    Configuration,
    Kind,
    LineDetail,
    Target,
    targets,
)

REMEMBERED_SECONDS = 600
Values = Sequence[tuple[object, int]]
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
    return rules.CubeFacts(cube.name, cube.status == "published", columns, names)


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
    problems = rules.check_cube(facts)
    schema, remote = None, None
    try:
        schema = schema_of(environment, chosen.legal_entity, token, fresh) if chosen.legal_entity else None
    except RemoteError as error:
        if fresh:
            raise
        remote = error
    problems += rules.check_choices(chosen, schema)
    problems += rules.check_mapping(chosen, schema, facts)
    slice_problems = cube_queries.slice_problems(cube=cube, slice_=chosen.slice)
    problems += slice_problems
    checked = Checked(facts, targets(schema), tuple(problems), schema, remote, all_rows=snapshot.rows)
    chosen = _readable(chosen, slice_problems)
    with open_engine(snapshot, cube_queries.visibility(user=user, cube=cube)) as engine:
        return _with_data(engine, checked, chosen, environment, token, fresh)


def _readable(chosen: Configuration, slice_problems: Sequence[Problem]) -> Configuration:
    """`chosen` without the conditions that cannot be applied yet; the count says so by not being complete."""
    broken = {problem.field for problem in slice_problems}
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
    dates = _sent(chosen, values, DATE, date.fromisoformat)
    for target in checked.targets:
        if target.kind is Kind.DIMENSION and chosen.source(target.name):
            known = members_of(environment, chosen.legal_entity, target.name, token, fresh)
            sent = _sent(chosen, values, target.name)
            problems += rules.check_dimension(target, sent, known, schema, dates)
    problems += rules.check_dates(dates, schema)
    if AMOUNT_TYPE in values:
        problems += rules.check_amount_types(chosen.source(AMOUNT_TYPE).column, values[AMOUNT_TYPE])
    if CURRENCY in values:
        problems += rules.check_currencies(values[CURRENCY], schema)
    return problems


def _sent(chosen: Configuration, values: dict[str, Values], name: str, parse: Any = str) -> Values:
    source = chosen.source(name)
    return [(parse(source.constant), 1)] if source.constant else values.get(name, [])


def schema_of(
    environment: Environment, legal_entity: str, token: str = "", fresh: bool = False, renew: bool = False
) -> BudgetSchema:
    """The budget schema of a legal entity, asked once per opened form; `renew` asks again and remembers that."""
    key = f"schema:{environment.pk}:{legal_entity}:{token}"
    known = None if fresh or renew or not token else cache.get(key)
    if known is None:
        known = budget_schema(environment=environment, legal_entity=legal_entity)
        cache.set(key, known, REMEMBERED_SECONDS)
    return known


def members_of(
    environment: Environment, legal_entity: str, dimension: str, token: str = "", fresh: bool = False
) -> dict[str, MemberStatus]:
    """The known values of one segment, asked once per opened form."""
    key = f"members:{environment.pk}:{legal_entity}:{dimension.encode().hex()}:{token}"
    known = None if fresh or not token else cache.get(key)
    if known is None:
        known = members(environment=environment, legal_entity=legal_entity, dimension=dimension)
        cache.set(key, known, REMEMBERED_SECONDS)
    return known
