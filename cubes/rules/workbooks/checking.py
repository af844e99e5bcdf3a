"""What keeps a plan from becoming a cube, and what should be known before."""

from collections import Counter
from collections.abc import Collection, Sequence

from bpp_portal.kernel.problems import Problem

from .plan import Plan, Role, SheetPlan, Use
from .profile import SheetProfile

MEGABYTE = 1024 * 1024
# The documented limits. Up to MOST_BYTES the portal loads all the same; the original warns, or loads nothing.
FILES_RECOMMENDED = 5
BYTES_RECOMMENDED = 2 * MEGABYTE
BYTES_OF_ORIGINAL = 10 * MEGABYTE
MEMBERS_OF_ORIGINAL = 3_000
FACTS_OF_ORIGINAL = 200_000
MOST_FILES = 20
MOST_BYTES = 25 * MEGABYTE
REUSED = (
    "These dimensions already exist and will be reused:{}. Their existing data is preserved, "
    "so the data in your uploaded sheet won't be loaded for them."
)  # documented text


def file_problems(files: Sequence[tuple[str, int]]) -> list[Problem]:
    """Why the files (name, bytes) cannot be taken."""
    found = []
    if len(files) > MOST_FILES:
        found.append(Problem("files-too-many", f"Choose at most {MOST_FILES} workbooks at once.", "files"))
    for name, size in files:
        if not name.lower().endswith((".xlsx", ".xls")):
            found.append(Problem("file-no-workbook", f"{name} is not an .xlsx or .xls file. Save it as one.", "files"))
        elif size > MOST_BYTES:
            text = f"{name} has more than {MOST_BYTES // MEGABYTE} MB. Save it as CSV and load it into a cube."
            found.append(Problem("file-too-large", text, "files"))
    return found


def file_warnings(files: Sequence[tuple[str, int]]) -> list[str]:
    """What the documentation warns of; the files are taken."""
    found = []
    if len(files) > FILES_RECOMMENDED:
        found.append(f"More than {FILES_RECOMMENDED} files were chosen. Fewer files are easier to check and faster.")
    large = [name for name, size in files if size > BYTES_RECOMMENDED]
    if large:
        found.append(f"Larger than 2 MB: {', '.join(large)}. Reading and loading takes longer.")
    return found


def size_warnings(plan: Plan, sheets: Sequence[SheetProfile]) -> list[str]:
    """Sheets beyond the limits at which the original loads nothing by itself."""
    found = []
    for sheet, profile in zip(plan.sheets, sheets, strict=True):
        if sheet.role is Role.DIMENSION and profile.rows > MEMBERS_OF_ORIGINAL:
            found.append(f"{sheet.name} has {profile.rows:,} members. Loading them takes longer.")
        if sheet.role is Role.FACT and profile.rows > FACTS_OF_ORIGINAL:
            found.append(f"{profile.place} has {profile.rows:,} records. Loading them takes longer.")
    return found


def sheet_problems(plan: Plan, sheets: Sequence[SheetProfile]) -> list[Problem]:
    """What is wrong with the roles and names of the sheets; `field` is `sheet-<number>`."""
    found = []
    facts = [sheet for sheet in plan.sheets if sheet.role is Role.FACT]
    if len(facts) != 1:
        text = "Tag one sheet as fact." if not facts else f"{len(facts)} sheets are tagged as fact. Tag one only."
        found.append(Problem("fact-sheets", text, "sheet-0"))
    names = Counter(sheet.name.casefold() for sheet in plan.dimension_sheets)
    for number, (sheet, profile) in enumerate(zip(plan.sheets, sheets, strict=True)):
        if sheet.role is Role.OUT:
            continue
        text = profile.problem
        if not text and not profile.rows:
            text = f"{profile.place} has no record. Leave it out."
        if not text and sheet.role is Role.DIMENSION:
            text = _name_problem(sheet.name, profile.place)
            if not text and names[sheet.name.casefold()] > 1:
                text = f"Two dimensions are called {sheet.name}. Rename one."
        if text:
            found.append(Problem("sheet-unfit", text, f"sheet-{number}"))
    return found


def _name_problem(name: str, place: str) -> str:
    if not name:
        return f"The dimension of {place} has no name. Enter one."
    if "." in name:
        return f"{name} holds a dot, which separates dimension and column. Rename it."
    return ""


def column_problems(plan: Plan, sheets: Sequence[SheetProfile], known: Collection[str] = ()) -> list[Problem]:
    """What is wrong with keys, relationships and drivers; `known` are dimensions that stand, which need no key."""
    found = []
    standing = {name.casefold() for name in known}
    for number, (sheet, profile) in enumerate(zip(plan.sheets, sheets, strict=True)):
        if sheet.role is Role.DIMENSION and sheet.name.casefold() not in standing:
            text = _key_problem(sheet, profile)
            if text:
                found.append(Problem("key-unfit", text, f"key-{number}"))
    return found + _fact_problems(plan)


def _key_problem(sheet: SheetPlan, profile: SheetProfile) -> str:
    column = profile.column(sheet.key)
    if column is None:
        return f"{sheet.name} has no primary name column. Choose one with a value of its own in every record."
    if column.blanks:
        return f"{sheet.key} of {sheet.name} has {column.blanks:,} empty values. Fill them, or choose another column."
    if not column.is_key:
        twice = column.filled - column.distinct
        return f"{sheet.key} of {sheet.name} repeats {twice:,} of its values. Choose a column without repeats."
    return ""


def _fact_problems(plan: Plan) -> list[Problem]:
    found = []
    names = {sheet.name for sheet in plan.dimension_sheets}
    used = Counter(fact.dimension.casefold() for fact in plan.facts if fact.use in (Use.DIMENSION, Use.OWN))
    for number, fact in enumerate(plan.facts):
        field = f"use-{number}"
        if fact.use is Use.DIMENSION and fact.dimension not in names:
            found.append(Problem("fact-unmapped", f"{fact.header} is mapped to no sheet. Choose one.", field))
        elif fact.use is Use.OWN and (text := _name_problem(fact.dimension, f"column {fact.header}")):
            found.append(Problem("fact-unmapped", text, field))
        elif fact.use in (Use.DIMENSION, Use.OWN) and used[fact.dimension.casefold()] > 1:
            text = f"Two columns lead to {fact.dimension}. Leave one out, or map it to another dimension."
            found.append(Problem("fact-twice", text, field))
    if not any(fact.use is Use.DRIVER for fact in plan.facts):
        found.append(Problem("no-driver", "No column is a driver. Mark one with amounts as driver.", "use-0"))
    if not used:
        found.append(Problem("no-dimension", "No column leads to a dimension. Map one.", "use-0"))
    links = {column.linked_to.partition(".")[0] for sheet in plan.dimension_sheets for column in sheet.columns}
    for number, sheet in enumerate(plan.sheets):
        if sheet.role is Role.DIMENSION and not used[sheet.name.casefold()] and sheet.name not in links:
            text = f"No column leads to {sheet.name}. Map one of the fact sheet to it, or leave the sheet out."
            found.append(Problem("sheet-unused", text, f"key-{number}"))
    return found
