"""The budget set-up of one legal entity in Finance."""

from collections.abc import Mapping, Sequence

from django.conf import settings

from connections.data_management import PROJECT, PROJECTS
from connections.finance import FinanceClient
from connections.rules.facts import SEPARATE, unseparated
from connections.rules.readiness import Holding, State
from connections.rules.wire import DELIMITERS, day_of, literal, text_of

from .entities import Rows
from .sheet import Sheet

_BUDGET_FORMAT = "DataEntityBudgetDimensionFormat"
_COMMENT = "bpp_portal run "
SHOWN = 3
_RENAME = (
    "Rename the values in the cube and in Finance, change the delimiter in Finance (General ledger parameters), or "
    "filter these rows out. The export pane names the values."
)


def dimension_format(sheet: Sheet, rows: Rows) -> str:
    """The active budget register dimension format; empty when there is none."""
    active = [r for r in rows if r["DimensionFormatType"] == _BUDGET_FORMAT and r["IsActive"] == "Yes"]
    if active and active[0]["FinancialDimensionFormat"]:
        form = active[0]["FinancialDimensionFormat"]
        sheet.passed("dimension-format", f"{active[0]['DimensionFormatName']}: {form}")
        return form
    count = sum(1 for row in rows if row["DimensionFormatType"] == _BUDGET_FORMAT)
    sheet.fails("dimension-format", f"None of {count} budget register dimension formats is active" if count else "None")
    return ""


def delimiter(sheet: Sheet, rows: Rows) -> str:
    """The delimiter's characters; empty when Finance names none that is known."""
    name = rows[0]["DimensionSegmentDelimiter"] if rows else ""
    if name in DELIMITERS:
        sheet.passed("delimiter", f"{name} {DELIMITERS[name]}")
        return DELIMITERS[name]
    sheet.fails("delimiter", f"Finance names no known delimiter ({name or 'none'})")
    return ""


def separated(sheet: Sheet, form: str, mark: str) -> bool:
    """Whether the delimiter separates the segments of the format."""
    wrong = unseparated(form, mark)
    if wrong:
        sheet.fails("dimension-format", wrong, SEPARATE)
    return not wrong


def account_structure(sheet: Sheet, ledger: Mapping[str, str]) -> None:
    name, entity = ledger["AccountStructureName1"], ledger["LegalEntityId"]
    if name:
        sheet.passed("account-structure", f"{name}, for {entity}")
    else:
        sheet.fails("account-structure", f"The ledger of {entity} has no account structure")


def budget_models(sheet: Sheet, rows: Rows, legal_entity: str) -> None:
    mine = _of_entity(rows, legal_entity)
    stopped = sum(1 for row in mine if row["Stopped"] == "Yes")
    found = f"{len(mine) - stopped} active, {stopped} stopped in {legal_entity}"
    if len(mine) > stopped:
        sheet.passed("budget-models", found)
    else:
        sheet.fails("budget-models", f"{legal_entity} has no active budget model ({stopped} stopped)")


def budget_code(sheet: Sheet, rows: Rows, legal_entity: str) -> None:
    mine = _of_entity(rows, legal_entity)
    good = [r for r in mine if r["IsDefaultCode"] == "Yes" and r["BudgetType"] == "OriginalBudget"]
    if good:
        sheet.passed("budget-code", ", ".join(filter(None, (good[0]["BudgetCode"], good[0]["Description"]))))
    elif mine:
        sheet.note("budget-code", State.WARNING, f"None of {len(mine)} codes is the default of type Original budget")
    else:
        sheet.fails("budget-code", f"{legal_entity} has no budget code")


def delimiter_values(
    sheet: Sheet,
    finance: FinanceClient,
    legal_entity: str,
    segments: Sequence[str],
    mark: str,
    sent: Sequence[Holding] | None,
) -> None:
    """Finance's own values that hold the delimiter, of the format's dimensions, and those that cubes would send.

    Cubes are named with a column and a count: who reads readiness need not be allowed to see their values. `sent` is
    None when nobody knows the cubes.
    """
    names = " or ".join(f"FinancialDimension eq {literal(name)}" for name in segments)
    where = (
        f"contains(DimensionValue,{literal(mark)}) and ({names}) and "
        f"(LegalEntityId eq {literal(legal_entity)} or LegalEntityId eq '')"
    )
    fields = ("FinancialDimension", "DimensionValue")
    rows = sheet.ask(
        "delimiter-values",
        "finance",
        lambda: next(finance.pages("FinancialDimensionValues", fields, where=where, options={"$top": "4"}), []),
    )
    if rows is None:
        return
    places = [f"{_values(one.values)} of {one.column} in the cube {one.cube}" for one in (sent or ())[:SHOWN]]
    places += [f"{text_of(r, 'FinancialDimension')} {text_of(r, 'DimensionValue')} in Finance" for r in rows[:SHOWN]]
    if places:
        more = " and others" if max(len(rows), len(sent or ())) > SHOWN else ""
        hint = _RENAME if sent else ""
        sheet.note("delimiter-values", State.WARNING, f"{mark} stands in {', '.join(places)}{more}", hint)
        return
    beside = "" if sent is None else ", nor one of the published cubes,"
    sheet.passed("delimiter-values", f"No value of {', '.join(segments)}{beside} holds {mark}")


def _values(count: int) -> str:
    return "1 value" if count == 1 else f"{count:,} values"


def entry_numbers(sheet: Sheet, finance: FinanceClient) -> None:
    """Whether Finance kept the numbers that the portal gave; before the first export it does not tell."""
    where = f"startswith(Comment,{literal(_COMMENT)})"
    rows = sheet.ask(
        "entry-numbers",
        "finance",
        lambda: next(
            finance.pages("BudgetRegisterEntryLines", ("EntryNumber",), where=where, options={"$top": "1"}), []
        ),
    )
    if rows is None:
        return
    number = text_of(rows[0], "EntryNumber") if rows else ""
    if not number:
        text = "Finance does not tell beforehand; the first export shows whether it keeps the portal's numbers"
        sheet.note("entry-numbers", State.NOT_CHECKED, text)
    elif number.startswith(f"{settings.ENTRY_NUMBER_PREFIX}-"):
        sheet.passed("entry-numbers", f"Finance keeps the portal's numbers, so a repeat updates: {number}")
    else:
        sheet.note("entry-numbers", State.WARNING, f"Finance draws its own numbers: {number}")


def data_project(sheet: Sheet, finance: FinanceClient) -> None:
    there = sheet.ask("data-project", "finance", lambda: finance.named(PROJECTS, {"Name": PROJECT}))
    if there is not None:
        sheet.passed("data-project", f"{PROJECT} is there" if there else f"{PROJECT} is made by the first export")


def fiscal_calendar(sheet: Sheet, finance: FinanceClient, ledger: Mapping[str, str]) -> None:
    """Operating periods of the ledger's calendar, and how many of them this ledger has closed or put on hold."""
    calendar = literal(ledger["FiscalCalendar"])
    fields = ("FiscalYear", "PeriodName", "StartDate", "EndDate", "Type")
    where = f"Calendar eq {calendar}"
    rows = sheet.ask("fiscal-calendar", "finance", lambda: finance.rows("FiscalPeriods", fields, where=where))
    mine = f"{where} and LedgerName eq {literal(ledger['Name'])}"
    states = sheet.ask(
        "fiscal-calendar",
        "finance",
        lambda: finance.rows("LedgerFiscalPeriods", ("YearName", "PeriodName", "PeriodStatus"), where=mine),
    )
    if rows is None or states is None:
        return
    shut = {(text_of(r, "YearName"), text_of(r, "PeriodName")) for r in states if r["PeriodStatus"] != "Open"}
    periods = [row for row in rows if row["Type"] == "Operating"]
    closed = sum(1 for row in periods if (text_of(row, "FiscalYear"), text_of(row, "PeriodName")) in shut)
    days = sorted(day for row in periods for day in (day_of(row["StartDate"]), day_of(row["EndDate"])) if day)
    if not days:
        sheet.fails("fiscal-calendar", f"The calendar {ledger['FiscalCalendar'] or '(none)'} has no period")
        return
    span = f"{days[0].day} {days[0]:%b %Y} to {days[-1].day} {days[-1]:%b %Y}"
    if closed == len(periods):
        sheet.fails("fiscal-calendar", f"{span}, no period is open")
    else:
        sheet.passed("fiscal-calendar", f"{span}, {f'{closed} periods are not open' if closed else 'all periods open'}")


def _of_entity(rows: Rows, legal_entity: str) -> Rows:
    return [row for row in rows if row["dataAreaId"].casefold() == legal_entity.casefold()]
