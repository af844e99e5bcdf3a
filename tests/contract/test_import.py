"""One entry of one line, written and read back. On a real tenant only with CONTRACT_WRITE=yes."""

import time
import uuid
from decimal import Decimal

import pytest

from connections import blob, data_management
from connections.rules.execution import ExecutionStatus
from connections.rules.wire import DELIMITERS, by_key, day_of, enum_literal, literal
from exports.package import COLUMNS, write_package

pytestmark = pytest.mark.django_db
PROJECT = "BPP-Contract"
SECONDS = 600


def first(tenant, entity_set, fields, where):
    rows = tenant.finance.rows(entity_set, fields, where=where)
    assert rows, f"{entity_set} has nothing where {where}"
    return rows[0]


def open_day(tenant, ledger):
    """The first day of an operating period that is open in the ledger, the latest one."""
    where = by_key(Calendar=ledger["FiscalCalendar"], LedgerName=ledger["Name"])
    states = tenant.finance.rows("LedgerFiscalPeriods", ("YearName", "PeriodName", "PeriodStatus"), where=where)
    shut = {(row["YearName"], row["PeriodName"]) for row in states if row["PeriodStatus"] != "Open"}
    fields = ("FiscalYear", "PeriodName", "StartDate", "Type")
    periods = tenant.finance.rows("FiscalPeriods", fields, where=by_key(Calendar=ledger["FiscalCalendar"]))
    days = [
        day_of(row["StartDate"])
        for row in periods
        if row["Type"] == "Operating" and (row["FiscalYear"], row["PeriodName"]) not in shut
    ]
    return max(days)


def some(tenant, entity_set, fields, where=""):
    """The first rows of a set, which may be a large one."""
    return next(tenant.finance.pages(entity_set, fields, where=where, options={"$top": "200"}), [])


def display_value(tenant, ledger):
    """Dimension values of an expense account that Finance takes, as far as anything there tells.

    Those of a line that stands in an entry of this legal entity, else a known combination, else (nothing has been
    posted or budgeted yet) an account with the other segments empty, which an account structure may refuse.
    """
    kind = enum_literal("DimensionHierarchyType", "DataEntityBudgetDimensionFormat")
    where = f"DimensionFormatType eq {kind} and IsActive eq {enum_literal('NoYes', 'Yes')}"
    shape = first(tenant, "DimensionIntegrationFormats", ("FinancialDimensionFormat",), where)
    name = first(tenant, "DimensionParameters", ("DimensionSegmentDelimiter",), "")["DimensionSegmentDelimiter"]
    where = (
        f"{by_key(ChartOfAccounts=ledger['ChartOfAccounts'])} and "
        f"MainAccountType eq {enum_literal('DimensionLedgerAccountType', 'Expense')} and "
        f"IsSuspended eq {enum_literal('NoYes', 'No')}"
    )
    accounts = [row["MainAccountId"] for row in tenant.finance.rows("MainAccounts", ("MainAccountId",), where=where)]
    assert accounts, f"MainAccounts has nothing where {where}"
    segments = shape["FinancialDimensionFormat"].split(DELIMITERS[name])
    place = segments.index("MainAccount")

    def fits(value):
        parts = value.split(DELIMITERS[name])
        return len(parts) == len(segments) and parts[place] in accounts

    of_entity = by_key(LegalEntityId=tenant.legal_entity)
    lines = some(tenant, "BudgetRegisterEntryLines", ("DimensionDisplayValue", "AmountType"), of_entity)
    known = [row["DimensionDisplayValue"] for row in lines if row["AmountType"] == "Expense"]
    known += [row["DisplayValue"] for row in some(tenant, "DimensionCombinations", ("DisplayValue",))]
    empty = DELIMITERS[name].join(accounts[0] if one == "MainAccount" else "" for one in segments)
    return next((value for value in known if value and fits(value)), empty)


def line(tenant, entry_number):
    fields = ("LegalEntityId", "Name", "AccountingCurrency", "FiscalCalendar", "ChartOfAccounts")
    ledger = first(tenant, "Ledgers", fields, by_key(LegalEntityId=tenant.legal_entity))
    company = f"dataAreaId eq {literal(tenant.legal_entity.lower())}"
    model = first(tenant, "BudgetModels", ("BudgetModel",), f"{company} and Stopped eq {enum_literal('NoYes', 'No')}")
    original = enum_literal("BudgetTransactionType", "OriginalBudget")
    code = first(tenant, "BudgetCodes", ("BudgetCode",), f"{company} and BudgetType eq {original}")
    return {
        "ENTRYNUMBER": entry_number,
        "LINENUMBER": "1",
        "LEGALENTITYID": tenant.legal_entity,
        "BUDGETMODELID": model["BudgetModel"],
        "BUDGETCODE": code["BudgetCode"],
        "DATE": f"{open_day(tenant, ledger)}",
        "DIMENSIONDISPLAYVALUE": display_value(tenant, ledger),
        "AMOUNTTYPE": "Expense",
        "CURRENCYCODE": ledger["AccountingCurrency"],
        "TRANSACTIONCURRENCYAMOUNT": "0.01",
        "COMMENT": "Contract test",
    }


def start(tenant, tmp_path, content):
    """Upload and start; the execution id."""
    execution = f"bpp-contract-{uuid.uuid4()}"
    path = tmp_path / f"{execution}.zip"
    quoted = ('"' + content[name].replace('"', '""') + '"' for name in COLUMNS)
    write_package(path, project=PROJECT, rows=[",".join(quoted) + "\r\n"])
    tenant.finance.ensure_project(PROJECT)
    url = tenant.finance.write_url(path.name)
    assert blob.upload(url, path)
    used = tenant.finance.start_import(
        package_url=url, project=PROJECT, execution_id=execution, legal_entity=tenant.legal_entity
    )
    assert used == execution
    return execution


def ended(tenant, execution):
    """The final status; Finance may not know the execution for a while, and is asked with patience."""
    end, wait = time.monotonic() + SECONDS, 0.1
    while time.monotonic() < end:
        status = tenant.finance.execution_status(execution)
        if status.is_final:
            return status
        time.sleep(wait)
        wait = min(wait * 1.5, 15)
    raise AssertionError(f"{execution} is still {status}")


@pytest.fixture
def writable(tenant):
    if not tenant.may_write:
        pytest.skip("CONTRACT_WRITE=yes lets this write one entry of one line")
    return tenant


def test_one_line_arrives_as_a_draft_and_is_read_back(writable, tmp_path):
    number = f"CT-{uuid.uuid4().hex[:10]}".upper()
    sent = line(writable, number)
    execution = start(writable, tmp_path, sent)
    status = ended(writable, execution)
    errors = writable.finance.execution_errors(execution)
    assert status is ExecutionStatus.SUCCEEDED, errors
    assert errors == ()
    counts = writable.finance.execution_counts(execution, PROJECT)
    assert (counts.to_process, counts.staged, counts.created + counts.updated) == (1, 1, 1)
    header = writable.finance.entry_header(legal_entity=writable.legal_entity, entry_number=number)
    assert (header.status, header.budget_model) == ("Draft", sent["BUDGETMODELID"])
    assert header.expense_total == Decimal("0.01")
    [[found]] = writable.finance.entry_lines(legal_entity=writable.legal_entity, entry_number=number)
    assert (found.amount, found.display_value, f"{found.date}", found.amount_type) == (
        Decimal("0.01"),
        sent["DIMENSIONDISPLAYVALUE"],
        sent["DATE"],
        "Expense",
    )
    page = data_management.summary_page_url(writable.finance, execution)
    assert writable.finance.service.is_ours(page)


def test_a_refused_line_is_told_with_a_message_and_leaves_nothing(writable, tmp_path):
    number = f"CT-{uuid.uuid4().hex[:10]}".upper()
    execution = start(writable, tmp_path, line(writable, number) | {"BUDGETMODELID": "NOSUCHMODEL"})
    assert ended(writable, execution) in (ExecutionStatus.FAILED, ExecutionStatus.PARTIALLY_SUCCEEDED)
    errors = writable.finance.execution_errors(execution)
    assert errors
    assert all(error.message for error in errors)
    assert writable.finance.entry_header(legal_entity=writable.legal_entity, entry_number=number) is None
