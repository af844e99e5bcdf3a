"""Does Finance take every value that would be sent?"""

import difflib
from collections.abc import Mapping
from datetime import date

from bpp_portal.kernel.problems import Problem
from connections.rules.facts import BudgetSchema, MemberStatus
from exports.rules.configuration import AMOUNT_TYPE, CURRENCY, DATE, MAIN_ACCOUNT, Target

from .facts import SHOWN, ValueRows, counted, grouped, in_rows, nearest, noun_of, rows_of, these_rows, usable

AMOUNT_TYPES = ("Expense", "Revenue")


def check_dimension(
    target: Target,
    values: ValueRows,
    members: Mapping[str, MemberStatus],
    schema: BudgetSchema,
    dates: ValueRows,
) -> list[Problem]:
    """Every value that would be sent for one segment: known, usable and free of the delimiter."""
    where, entity = f"mapping-{target.name}", schema.legal_entity.code
    noun = noun_of(target)
    problems = []
    empty = [rows for value, rows in values if value in (None, "")]
    texts = [(str(value), rows) for value, rows in values if value not in (None, "")]
    if empty and target.name == MAIN_ACCOUNT:
        count = sum(empty)
        text = f"{_have(count)} no main account. Filter {these_rows(count)} out or complete the cube."
        problems.append(Problem("BRE-NO-MAIN-ACCOUNT", text, where))
    split = [item for item in texts if schema.delimiter in item[0]]
    problems += grouped(
        split,
        "BRE-DELIMITER",
        where,
        lambda shown: (
            f"{shown} holds the delimiter {schema.delimiter} of Finance, which has no escaping. "
            "Rename the value, or ask for another delimiter in Finance."
        ),
    )
    unknown = [item for item in texts if item[0] not in members]
    problems += grouped(
        unknown,
        "BRE-UNKNOWN-VALUE",
        where,
        lambda shown: f"Finance has no {noun} {shown} in {entity}. {_step(unknown, members)}",
    )
    known = [item for item in texts if item[0] in members]
    unusable = [item for item in known if not usable(members[item[0]], dates)]
    problems += grouped(
        unusable,
        "BRE-INACTIVE-VALUE",
        where,
        lambda shown: (
            f"{noun} {shown} is suspended or not active in {entity}. "
            f"Ask for it to be opened in Finance, or filter {these_rows(rows_of(unusable))} out."
        ),
    )
    return problems


def _have(count: int) -> str:
    return f"{in_rows(count)} {'has' if count == 1 else 'have'}"


def _step(unknown: list[tuple[str, int]], members: Mapping[str, MemberStatus]) -> str:
    names = nearest(unknown[0][0], members)
    if names:
        return f"Nearest: {', '.join(names)}."
    return f"Check the mapping, or filter {these_rows(rows_of(unknown))} out."


def check_dates(values: ValueRows, schema: BudgetSchema) -> list[Problem]:
    """Every transaction date: present, inside the fiscal calendar, in an open period."""
    where, entity, problems = f"mapping-{DATE}", schema.legal_entity.code, []
    empty = sum(rows for value, rows in values if value is None)
    if empty:
        text = f"{_have(empty)} no date. Complete the date dimension, or filter {these_rows(empty)} out."
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
    problems += grouped(
        outside,
        "BRE-OUTSIDE-CALENDAR",
        where,
        lambda shown: (
            f"{shown} lies outside the fiscal calendar of {entity}. "
            f"Ask for the fiscal year to be created in Finance, or filter {these_rows(rows_of(outside))} out."
        ),
    )
    for key, rows in closed.items():
        text = f"Period {key} in {entity}. Ask for it to be opened in Finance, or filter {these_rows(rows)} out."
        problems.append(Problem("BRE-CLOSED-PERIOD", text, where))
    return problems


def check_amount_types(column: str, values: ValueRows) -> list[Problem]:
    """A mapped amount type column may only read Expense or Revenue."""
    wrong = [(value if value is not None else "(empty)", rows) for value, rows in values if value not in AMOUNT_TYPES]
    if not wrong:
        return []
    noun = "1 value that is" if len(wrong) == 1 else f"{len(wrong)} values that are"
    step = "Filter this row or map it." if rows_of(wrong) == 1 else "Filter these rows or map them."
    text = f"{column} holds {noun} neither Expense nor Revenue: {counted(wrong)}. {step}"
    return [Problem("BRE-AMOUNT-TYPE", text, f"mapping-{AMOUNT_TYPE}", examples=tuple(str(v) for v, _ in wrong))]


def check_currencies(values: ValueRows, schema: BudgetSchema) -> list[Problem]:
    """Every currency of a mapped column must exist in Finance."""
    unknown = [(str(value or "(empty)"), rows) for value, rows in values if value not in schema.currencies]
    if not unknown:
        return []
    be = "is not a currency" if len(unknown) == 1 else "are not currencies"
    text = f"{counted(unknown)} {be} in Finance.{_nearest_currencies(unknown[0][0], schema)}"
    return [Problem("BRE-CURRENCY", text, f"mapping-{CURRENCY}", examples=tuple(value for value, _ in unknown[:50]))]


def check_rows(rows: int, conditions: int) -> list[Problem]:
    """There must be something to send."""
    if rows:
        return []
    text = "No cube row passes these filters. Loosen a filter." if conditions else "The cube has no rows. Load data."
    return [Problem("BRE-NO-ROWS", text, "filters")]


def unknown_currency(value: str, schema: BudgetSchema) -> Problem:
    """A constant currency that Finance does not know, with the nearest ones that it knows."""
    text = f"{value} is not a currency in Finance.{_nearest_currencies(value, schema)}"
    return Problem("BRE-CURRENCY", text, f"mapping-{CURRENCY}", examples=(value,))


def _nearest_currencies(value: str, schema: BudgetSchema) -> str:
    names = difflib.get_close_matches(value, sorted(schema.currencies), n=SHOWN, cutoff=0.4)
    return f" Nearest: {', '.join(names)}." if names else " Choose a currency of Finance."
