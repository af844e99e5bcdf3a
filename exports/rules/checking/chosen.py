"""Is a configuration complete and of the right types? Judged without looking at a single cube row."""

from collections.abc import Sequence
from datetime import date

from bpp_portal.kernel.problems import Problem
from connections.rules.facts import BudgetSchema
from exports.rules.configuration import Configuration, Kind, Target, targets

from .facts import CubeFacts
from .texts import check_name
from .values import AMOUNT_TYPES, unknown_currency

TIME_WORDS = ("date", "day", "week", "month", "quarter", "period", "year", "fiscal", "calendar", "time")


MOST_ENTITIES = 12


def check_cube(cube: CubeFacts) -> list[Problem]:
    """May this cube be exported at all?"""
    if cube.classic:
        text = "Only cubes of Cubes (preview) can be exported, and this is a classic one."
        hint = "Import its definition as a cube of Cubes (preview), under another name."
        return [Problem("BRE-CLASSIC-CUBE", text, "cube", hint=hint)]
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
                hint=_dateless(cube),
            )
        )
    return problems


def _dateless(cube: CubeFacts) -> str:
    """Which dimensions could hold the missing column, and the way there: published definitions are protected."""
    names = list(dict.fromkeys(column.partition(".")[0] for column in cube.columns))
    names = [name for name in names if any(word in name.lower() for word in TIME_WORDS)] or names
    if len(names) == 1:
        lacking = f"Dimension {names[0]} has no column of type Date; it needs one."
    else:
        lacking = f"Dimensions {', '.join(names)} have no column of type Date; one of them needs one."
    return (
        f"{lacking} Published definitions and their dimensions are protected: "
        "import the definition under a new name, with the Date column in a dimension of a new name."
    )


def check_choices(chosen: Configuration, schema: BudgetSchema | None) -> list[Problem]:
    """Name, legal entity, budget model and budget code."""
    problems = check_name(chosen.name)
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
        if target.required and target.name in chosen.mapping and target.kind is not Kind.AMOUNT:
            return Problem("BRE-UNMAPPED", f"Enter a constant for {label}.", where)
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


def unknown_entity(entity: str, known: Sequence[str]) -> Problem:
    """A legal entity that Finance does not have."""
    shown = ", ".join(known[:MOST_ENTITIES]) + (
        f" and {len(known) - MOST_ENTITIES} more" * (len(known) > MOST_ENTITIES)
    )
    step = f"Choose one of: {shown}." if known else "Ask for it to be created in Finance."
    return Problem("BRE-UNKNOWN-ENTITY", f"Finance has no legal entity {entity}. {step}", "legal_entity")


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
        return unknown_currency(value, schema)
    return None
