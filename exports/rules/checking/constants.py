"""Does Finance take a constant? It stands in every line, so no filter can help: the next step is another constant."""

from collections.abc import Mapping
from datetime import date

from bpp_portal.kernel.problems import Problem
from connections.rules.facts import BudgetSchema, MemberStatus
from exports.rules.configuration import DATE, Target

from .facts import ValueRows, nearest, noun_of, usable


def check_constant(
    target: Target, value: str, members: Mapping[str, MemberStatus], schema: BudgetSchema, dates: ValueRows
) -> list[Problem]:
    """The one value that would be sent for a segment: known, usable and free of the delimiter."""
    where, entity, noun = f"mapping-{target.name}", schema.legal_entity.code, noun_of(target)
    problems = []
    if schema.delimiter in value:
        text = (
            f"The constant {value} holds the delimiter {schema.delimiter} of Finance, which has no escaping. "
            "Choose another constant, or ask for another delimiter in Finance."
        )
        problems.append(Problem("BRE-DELIMITER", text, where, examples=(value,)))
    if value not in members:
        names = nearest(value, members)
        step = f"Nearest: {', '.join(names)}." if names else "Choose another constant."
        text = f"Finance has no {noun} {value} in {entity}. {step}"
        problems.append(Problem("BRE-UNKNOWN-VALUE", text, where, examples=(value,)))
    elif not usable(members[value], dates):
        text = (
            f"The constant {noun} {value} is suspended or not active in {entity}. "
            "Choose another constant, or ask for it to be opened in Finance."
        )
        problems.append(Problem("BRE-INACTIVE-VALUE", text, where, examples=(value,)))
    return problems


def check_constant_date(day: date, schema: BudgetSchema) -> list[Problem]:
    """The one date of all lines: inside the fiscal calendar, in an open period."""
    where, entity = f"mapping-{DATE}", schema.legal_entity.code
    name = f"The constant date {day.day} {day:%b %Y}"
    period = next((p for p in schema.periods if p.start <= day <= p.end), None)
    if period is None:
        text = (
            f"{name} lies outside the fiscal calendar of {entity}. "
            "Choose another date, or ask for the fiscal year to be created in Finance."
        )
        return [Problem("BRE-OUTSIDE-CALENDAR", text, where, examples=(day.isoformat(),))]
    if period.status == "Open":
        return []
    of = f"{day:%b %Y} of {entity}"
    lies = f"the closed period {of}" if period.status == "Closed" else f"the period {of}, which is on hold"
    text = f"{name} lies in {lies}. Choose another date, or ask for the period to be opened in Finance."
    return [Problem("BRE-CLOSED-PERIOD", text, where, examples=(day.isoformat(),))]
