"""Is a configuration fit to be exported? Facts in, problems out; all of them together."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bpp_portal.kernel.problems import Problem
from connections.rules.facts import BudgetSchema, MemberStatus

from .configuration import (
    AMOUNT,
    AMOUNT_TYPE,
    CURRENCY,
    DATE,
    MAIN_ACCOUNT,
    Configuration,
    Kind,
    Target,
    targets,
)

AMOUNT_TYPES = ("Expense", "Revenue")
SHOWN = 3


@dataclass(frozen=True)
class CubeFacts:
    """The cube as far as a mapping needs it: column name → data type, driver names, whether it is published."""

    name: str
    published: bool
    columns: Mapping[str, str]
    drivers: tuple[str, ...]

    @property
    def date_columns(self) -> tuple[str, ...]:
        return tuple(name for name, data_type in self.columns.items() if data_type == "date")


ValueRows = Sequence[tuple[object, int]]  # (value, cube rows that hold it); None is an empty value


def check_cube(cube: CubeFacts) -> list[Problem]:
    """May this cube be exported at all?"""
    problems = []
    if not cube.published:
        problems.append(Problem("BRE-DRAFT-CUBE", "Only published cubes can be exported.", "cube"))
    if not cube.date_columns:
        problems.append(
            Problem(
                "BRE-NO-DATE-COLUMN",
                "This cube has no column of type Date, so it cannot be exported. "
                "Add one to its date dimension and publish.",
                "cube",
                hint="The transaction date of every line comes from a column of data type Date.",
            )
        )
    return problems


def check_choices(chosen: Configuration, schema: BudgetSchema | None) -> list[Problem]:
    """Name, legal entity, budget model and budget code."""
    problems = []
    if not chosen.name.strip():
        problems.append(Problem("BRE-NAME", "Enter a name for this export.", "name"))
    if len(chosen.name) > 100:
        problems.append(Problem("BRE-NAME", "Shorten the name to 100 characters.", "name"))
    if not chosen.legal_entity:
        problems.append(Problem("BRE-LEGAL-ENTITY", "Choose a legal entity.", "legal_entity"))
    if schema is None:
        return problems
    return problems + _check_model(chosen, schema) + _check_code(chosen, schema)


def _check_model(chosen: Configuration, schema: BudgetSchema) -> list[Problem]:
    entity = schema.legal_entity.code
    if not any(not model.stopped for model in schema.models):
        text = f"{entity} has no active budget model. Create one in Finance under Budgeting."
        return [Problem("BRE-NO-MODEL", text, "budget_model")]
    if not chosen.budget_model:
        return [Problem("BRE-MODEL", "Choose a budget model.", "budget_model")]
    model = next((m for m in schema.models if m.code == chosen.budget_model), None)
    if model is None:
        text = f"{entity} has no budget model {chosen.budget_model}. Choose one of {entity}."
        return [Problem("BRE-FOREIGN-MODEL", text, "budget_model")]
    if model.stopped:
        text = f"Budget model {model.code} is stopped in Finance. Choose another one."
        return [Problem("BRE-STOPPED-MODEL", text, "budget_model")]
    return []


def _check_code(chosen: Configuration, schema: BudgetSchema) -> list[Problem]:
    if not chosen.budget_code:
        return [Problem("BRE-CODE", "Choose a budget code.", "budget_code")]
    if all(code.code != chosen.budget_code for code in schema.codes):
        text = f"{schema.legal_entity.code} has no budget code {chosen.budget_code}. Choose one of its own."
        return [Problem("BRE-CODE", text, "budget_code")]
    return []


def check_mapping(chosen: Configuration, schema: BudgetSchema | None, cube: CubeFacts) -> list[Problem]:
    """Is every required target mapped, and to something of the right type?"""
    problems = []
    wanted = targets(schema)
    for target in wanted:
        problem = _check_target(target, chosen, schema, cube)
        if problem:
            problems.append(problem)
    known = {target.name for target in wanted}
    if schema is not None:
        for name in chosen.mapping:
            if chosen.source(name) and name not in known:
                text = f"{name} is not a field of the active budget dimension format. Remove its mapping."
                problems.append(Problem("BRE-UNKNOWN-TARGET", text, f"mapping-{name}"))
        missing = [name for name in schema.budget_dimensions if name not in schema.segments]
        if missing:
            problems.append(_format_lacks(missing, schema))
    return problems


def _format_lacks(missing: Sequence[str], schema: BudgetSchema) -> Problem:
    names = ", ".join(missing)
    return Problem(
        "BRE-FORMAT-LACKS",
        f"{schema.legal_entity.code} budgets by {names}, but the active budget dimension format leaves it out. "
        "Ask a Finance administrator to add it to the format.",
        "mapping",
        hint="Finance: Financial dimension configuration for integrating applications.",
    )


def _check_target(
    target: Target, chosen: Configuration, schema: BudgetSchema | None, cube: CubeFacts
) -> Problem | None:
    source, label, where = chosen.source(target.name), target.label, f"mapping-{target.name}"
    if not source:
        return _unmapped(target, schema, cube) if target.required else None
    if source.constant:
        return _check_constant(target, source.constant, schema)
    if target.kind is Kind.AMOUNT:
        if source.column in cube.drivers:
            return None
        kind = cube.columns.get(source.column)
        known = f"{source.column} is {kind}" if kind else f"{cube.name} has no driver {source.column}"
        return Problem("BRE-WRONG-TYPE", f"{known}. Amount needs a driver.", where)
    data_type = cube.columns.get(source.column)
    if data_type is None:
        is_driver = source.column in cube.drivers
        text = (
            f"{source.column} is a driver. {label} needs a column of a dimension."
            if is_driver
            else f"{cube.name} has no column {source.column}. Choose another column for {label}."
        )
        return Problem("BRE-COLUMN-GONE", text, where)
    if target.kind is Kind.DATE and data_type != "date":
        return Problem("BRE-WRONG-TYPE", f"{source.column} is {data_type}. Date needs a column of type Date.", where)
    if target.kind is not Kind.DATE and data_type == "date":
        return Problem("BRE-WRONG-TYPE", f"{source.column} is a date. {label} needs a text column.", where)
    return None


def _unmapped(target: Target, schema: BudgetSchema | None, cube: CubeFacts) -> Problem:
    where = f"mapping-{target.name}"
    if target.kind is Kind.DATE:
        count = len(cube.date_columns)
        has = f" This cube has {count}: {', '.join(cube.date_columns)}." if count else ""
        text = f"Date is not mapped. Choose a column of type Date.{has}"
    elif target.kind is Kind.AMOUNT:
        text = "Amount is not mapped. Choose a driver."
    elif target.kind is Kind.AMOUNT_TYPE:
        text = "Amount type is not mapped. Choose a column, Expense or Revenue."
    else:
        text = f"{target.label} is not mapped. Choose a cube column."
    return Problem("BRE-UNMAPPED", text, where)


def _check_constant(target: Target, value: str, schema: BudgetSchema | None) -> Problem | None:
    where = f"mapping-{target.name}"
    if target.kind is Kind.AMOUNT:
        return Problem("BRE-WRONG-TYPE", "A constant cannot be the amount. Choose a driver.", where)
    if target.kind is Kind.DATE:
        try:
            date.fromisoformat(value)
        except ValueError:
            return Problem("BRE-WRONG-TYPE", f"{value} is not a date. Write it as 2021-07-01.", where)
    if target.kind is Kind.AMOUNT_TYPE and value not in AMOUNT_TYPES:
        return Problem("BRE-AMOUNT-TYPE", f"{value} is neither Expense nor Revenue. Choose one of them.", where)
    if target.kind is Kind.CURRENCY and schema and value not in schema.currencies:
        return _unknown_currency(value, None, schema)
    return None


def _unknown_currency(value: str, rows: int | None, schema: BudgetSchema) -> Problem:
    nearest = difflib.get_close_matches(value, sorted(schema.currencies), n=SHOWN, cutoff=0.4)
    hint = f" Nearest: {', '.join(nearest)}." if nearest else ""
    count = f" ({_rows(rows)})" if rows else ""
    return Problem(
        "BRE-CURRENCY",
        f"{value}{count} is not a currency in Finance.{hint}",
        f"mapping-{CURRENCY}",
        examples=(value,),
    )


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def check_dimension(
    target: Target,
    values: ValueRows,
    members: Mapping[str, MemberStatus],
    schema: BudgetSchema,
    dates: ValueRows,
) -> list[Problem]:
    """Every value that would be sent for one segment: known, usable and free of the delimiter."""
    where, entity = f"mapping-{target.name}", schema.legal_entity.code
    noun = target.label.lower() if target.name == MAIN_ACCOUNT else target.name
    problems = []
    empty = [rows for value, rows in values if value in (None, "")]
    texts = [(str(value), rows) for value, rows in values if value not in (None, "")]
    if empty and target.name == MAIN_ACCOUNT:
        text = f"{_rows(sum(empty))} have no main account. Filter these rows out or complete the cube."
        problems.append(Problem("BRE-NO-MAIN-ACCOUNT", text, where))
    split = [item for item in texts if schema.delimiter in item[0]]
    problems += _grouped(
        split,
        "BRE-DELIMITER",
        where,
        lambda shown: (
            f"{shown} holds the delimiter {schema.delimiter} of Finance, which has no escaping. "
            "Rename the value, or ask for another delimiter in Finance."
        ),
    )
    unknown = [item for item in texts if item[0] not in members]
    problems += _grouped(
        unknown,
        "BRE-UNKNOWN-VALUE",
        where,
        lambda shown: f"Finance has no {noun} {shown} in {entity}.{_nearest(unknown[0][0], members)}",
    )
    known = [item for item in texts if item[0] in members]
    unusable = [item for item in known if not _usable(members[item[0]], dates)]
    problems += _grouped(
        unusable,
        "BRE-INACTIVE-VALUE",
        where,
        lambda shown: (
            f"{noun} {shown} is suspended or not active in {entity}. "
            "Ask for it to be opened in Finance, or filter these rows out."
        ),
    )
    return problems


def _grouped(items: ValueRows, code: str, where: str, sentence) -> list[Problem]:  # type: ignore[no-untyped-def]
    if not items:
        return []
    shown = ", ".join(f"{value} ({_rows(rows)})" for value, rows in items[:SHOWN])
    if len(items) > SHOWN:
        shown += f" and {len(items) - SHOWN:,} more"
    text = sentence(shown)
    return [Problem(code, text[0].upper() + text[1:], where, examples=tuple(str(v) for v, _ in items[:50]))]


def _nearest(value: str, members: Mapping[str, MemberStatus]) -> str:
    names = difflib.get_close_matches(value, list(members)[:5000], n=2, cutoff=0.6)
    return f" Nearest: {', '.join(names)}." if names else " Check the mapping, or filter these rows out."


def _usable(member: MemberStatus, dates: ValueRows) -> bool:
    if member.suspended:
        return False
    days = [day for day, _ in dates if isinstance(day, date)]
    if member.active_from and any(day < member.active_from for day in days):
        return False
    return not (member.active_to and any(day > member.active_to for day in days))


def check_dates(values: ValueRows, schema: BudgetSchema) -> list[Problem]:
    """Every transaction date: present, inside the fiscal calendar, in an open period."""
    where, entity, problems = f"mapping-{DATE}", schema.legal_entity.code, []
    empty = sum(rows for value, rows in values if value is None)
    if empty:
        text = f"{_rows(empty)} have no date. Complete the date dimension, or filter these rows out."
        problems.append(Problem("BRE-NO-DATE", text, where))
    outside: list[tuple[object, int]] = []
    closed: dict[str, int] = {}
    for day, rows in values:
        if not isinstance(day, date):
            continue
        period = next((p for p in schema.periods if p.start <= day <= p.end), None)
        if period is None:
            outside.append((day.isoformat(), rows))
        elif period.status != "Open":
            key = f"{day:%b %Y} is {'closed' if period.status == 'Closed' else 'on hold'}"
            closed[key] = closed.get(key, 0) + rows
    problems += _grouped(
        outside,
        "BRE-OUTSIDE-CALENDAR",
        where,
        lambda shown: (
            f"{shown} lies outside the fiscal calendar of {entity}. "
            "Ask for the fiscal year to be created in Finance, or filter these rows out."
        ),
    )
    for key, rows in closed.items():
        text = f"Period {key} in {entity}. Ask for it to be opened in Finance, or filter these {_rows(rows)} out."
        problems.append(Problem("BRE-CLOSED-PERIOD", text, where))
    return problems


def check_amount_types(column: str, values: ValueRows) -> list[Problem]:
    """A mapped amount type column may only read Expense or Revenue."""
    wrong = [(value if value is not None else "(empty)", rows) for value, rows in values if value not in AMOUNT_TYPES]
    if not wrong:
        return []
    noun = "1 value that is" if len(wrong) == 1 else f"{len(wrong)} values that are"
    shown = ", ".join(f"{value} ({_rows(rows)})" for value, rows in wrong[:SHOWN])
    text = f"{column} holds {noun} neither Expense nor Revenue: {shown}. Filter these rows or map them."
    return [Problem("BRE-AMOUNT-TYPE", text, f"mapping-{AMOUNT_TYPE}", examples=tuple(str(v) for v, _ in wrong))]


def check_currencies(values: ValueRows, schema: BudgetSchema) -> list[Problem]:
    """Every currency of a mapped column must exist in Finance."""
    return [
        _unknown_currency(str(value or "(empty)"), rows, schema)
        for value, rows in values
        if value not in schema.currencies
    ][:SHOWN]


def check_rows(rows: int, conditions: int) -> list[Problem]:
    """There must be something to send."""
    if rows:
        return []
    text = "No cube row passes these filters. Loosen a filter." if conditions else "The cube has no rows. Load data."
    return [Problem("BRE-NO-ROWS", text, "filters")]


__all__ = [
    "AMOUNT",
    "CubeFacts",
    "check_amount_types",
    "check_choices",
    "check_cube",
    "check_currencies",
    "check_dates",
    "check_dimension",
    "check_mapping",
    "check_rows",
]
