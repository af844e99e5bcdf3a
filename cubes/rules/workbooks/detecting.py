"""What sheets and columns probably are. A person sees every guess with its reason and can change it."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from cubes.rules.shape import DataType

from .plan import ColumnPlan, FactPlan, Plan, Role, SheetPlan, Use
from .profile import ColumnProfile, SheetProfile

GENERIC = re.compile(r"(sheet|tabelle|feuil|hoja|foglio|blad|table|data|facts?)\s*[0-9]*", re.IGNORECASE)
KEY_WORDS = ("name", "code", "id", "key", "no", "number")
CODE_WORDS = {"code", "id", "no", "nr", "number", "key", "account", "year", "month", "period", "quarter", "week", "zip"}
AMOUNT_WORDS = {
    "amount", "value", "budget", "forecast", "actual", "actuals", "quantity", "qty", "price", "cost", "total", "sum",
    "hours", "units", "rate", "volume", "revenue", "headcount",
}  # fmt: skip
# Whole numbers are taken for codes when every value occurs this often on the average.
OFTEN = 5


def detect(sheets: Sequence[SheetProfile], known: Collection[str] = ()) -> Plan:
    """The plan that the sheets suggest; `known` are names of dimensions that exist already."""
    fact = _fact_sheet(sheets)
    plans = []
    taken: set[str] = set()
    for number, sheet in enumerate(sheets):
        usable = bool(sheet.columns) and not sheet.problem
        role = Role.FACT if number == fact else Role.DIMENSION if usable and sheet.rows else Role.OUT
        name = free_name(dimension_name(sheet), taken)
        taken.add(name.casefold())
        plans.append(SheetPlan(sheet.file, sheet.sheet, role, name))
    stem = re.sub(r"\.[^.]*$", "", sheets[fact].label) if fact is not None else ""
    name = " ".join("".join(c if c.isprintable() else " " for c in stem).split())[:100] or "Cube"
    return detect_columns(Plan(name, tuple(plans)), sheets, known)


def detect_columns(plan: Plan, sheets: Sequence[SheetProfile], known: Collection[str] = ()) -> Plan:
    """`plan` with guesses for all columns, for the roles that its sheets have."""
    plans = tuple(
        _with_columns(sheet, profile) if sheet.role is Role.DIMENSION else replace(sheet, key="", columns=())
        for sheet, profile in zip(plan.sheets, sheets, strict=True)
    )
    plan = replace(plan, sheets=plans, facts=())
    facts = next((p for one, p in zip(plans, sheets, strict=True) if one.role is Role.FACT), None)
    if facts is None:
        return plan
    keyed = [(one, p) for one, p in zip(plans, sheets, strict=True) if one.role is Role.DIMENSION]
    return replace(plan, facts=_fact_columns(facts, keyed, known))


def folded(text: str) -> str:
    """`text` as names are compared: letters and digits only, case folded."""
    return "".join(character for character in text.casefold() if character.isalnum())


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z]+|[0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).casefold())


def dimension_name(sheet: SheetProfile) -> str:
    """What the sheet's dimension could be called: the sheet's name, or the file's when that says nothing."""
    name = sheet.sheet
    if GENERIC.fullmatch(name.strip()):
        name = re.sub(r"\.[^.]*$", "", sheet.label)
    return " ".join("".join(c if c.isprintable() and c != "." else " " for c in name).split())[:100] or "Dimension"


def free_name(name: str, taken: Collection[str]) -> str:
    number, found = 2, name
    while found.casefold() in taken:
        found, number = f"{name} {number}", number + 1
    return found


def names_of(dimension: str) -> set[str]:
    """What a column that refers to `dimension` may be called, folded: its name, also with a word for the key."""
    one = folded(dimension)
    bases = {one, one + "s", one.removesuffix("s"), one.removesuffix("es")} - {""}
    return bases | {base + word for base in bases for word in KEY_WORDS}


def _fact_sheet(sheets: Sequence[SheetProfile]) -> int | None:
    """The sheet whose columns name the most other sheets; of equals the one with most records."""
    best: tuple[int, int, int] | None = None
    for number, sheet in enumerate(sheets):
        if not sheet.columns or sheet.problem or not sheet.rows:
            continue
        others = [names_of(dimension_name(other)) for place, other in enumerate(sheets) if place != number]
        headers = {folded(column.header) for column in sheet.columns}
        # A sheet that only names itself, such as an account's parent, counts for nothing.
        named = sum(1 for names in others if names & headers)
        numbers = any(column.numeric for column in sheet.columns)
        score = (named if numbers else 0, sheet.rows, -number)
        best = max(best, score) if best else score
    return -best[2] if best else None


def _with_columns(sheet: SheetPlan, profile: SheetProfile) -> SheetPlan:
    keys = [column.header for column in profile.columns if column.is_key]
    wanted = [
        folded(sheet.name),
        *(folded(sheet.name) + word for word in ("code", "id", "key", "no", "number", "name")),
    ]
    wanted += ["code", "id", "key", "no", "number", "name"]
    named = sorted((key for key in keys if folded(key) in wanted), key=lambda key: wanted.index(folded(key)))
    key = (named or keys or [""])[0]
    columns = tuple(
        ColumnPlan(
            column.header,
            kept=True,
            data_type=DataType.TEXT if column.header == key else column.data_type,
            precision=column.precision if column.header != key else 0,
        )
        for column in profile.columns
    )
    return replace(sheet, key=key, columns=columns)


def _fact_columns(
    facts: SheetProfile, dimensions: list[tuple[SheetPlan, SheetProfile]], known: Collection[str]
) -> tuple[FactPlan, ...]:
    named = _by_name(facts, dimensions)
    taken = set(named.values())
    plans = []
    for column in facts.columns:
        if column.header in named:
            name = named[column.header]
            plans.append(FactPlan(column.header, Use.DIMENSION, name, reason=f"Its name is that of {name}."))
            continue
        plan = _unnamed(column, [one for one in dimensions if one[0].name not in taken], known)
        if plan.use is Use.DIMENSION:
            taken.add(plan.dimension)
        plans.append(plan)
    return tuple(plans)


def _by_name(facts: SheetProfile, dimensions: list[tuple[SheetPlan, SheetProfile]]) -> dict[str, str]:
    """Header → dimension, where one of its names, or of its sheet's, is the header; the exact name goes first."""
    found: dict[str, str] = {}
    for exact in (True, False):
        for sheet, _ in dimensions:
            if sheet.name in found.values():
                continue
            exact_names = {folded(sheet.name), folded(sheet.sheet)}
            key = {folded(sheet.key)} - set(KEY_WORDS) - {""}
            names = exact_names if exact else names_of(sheet.name) | names_of(sheet.sheet) | key
            for column in facts.columns:
                if column.header not in found and folded(column.header) in names:
                    found[column.header] = sheet.name
                    break
    return found


def _unnamed(column: ColumnProfile, free: list[tuple[SheetPlan, SheetProfile]], known: Collection[str]) -> FactPlan:
    """What a column is that is called like no dimension. Codes made of digits are no drivers: the known trap."""
    own = FactPlan(column.header, Use.OWN, own_name(column.header, known), is_date=column.data_type is DataType.DATE)
    words = set(words_of(column.header))
    if column.precision or column.negative:
        why = "decimals" if column.precision else "negative values"
        return _driver(column, f"Numbers with {why}.")
    if column.values and not words & AMOUNT_WORDS:
        for sheet, profile in free:
            keys = profile.column(sheet.key)
            if keys and keys.values and column.values <= keys.values:
                reason = f"All its {column.distinct:,} values are keys of {sheet.name}."
                return FactPlan(column.header, Use.DIMENSION, sheet.name, reason=reason)
    if not column.numeric:
        return replace(own, reason=_why_own(column))
    if words & AMOUNT_WORDS:
        return _driver(column, "Numbers, and its name is that of an amount.")
    if words & CODE_WORDS:
        return replace(own, reason="Whole numbers, and its name is that of a code: not taken for a driver.")
    if column.distinct * OFTEN <= column.filled:
        reason = (
            f"Whole numbers with only {column.distinct:,} different values look like codes: not taken for a driver."
        )
        return replace(own, reason=reason)
    return _driver(column, f"Whole numbers with {column.distinct:,} different values.")


def _driver(column: ColumnProfile, reason: str) -> FactPlan:
    return FactPlan(column.header, Use.DRIVER, "", max(2, column.precision), reason)


def own_name(header: str, known: Collection[str]) -> str:
    """What a dimension of the values of a column is called; the name of one that exists when it is the same."""
    name = " ".join(header.replace(".", " ").split())[:100]
    return next((one for one in known if folded(one) == folded(name)), name)


def _why_own(column: ColumnProfile) -> str:
    if column.leading_zeros:
        return "Numbers with leading zeros are codes: not taken for a driver."
    if column.data_type is DataType.DATE:
        return "Dates. The dimension gets a column Date of type Date."
    if not column.filled:
        return "The column is empty."
    return "Text without a sheet of its own."
