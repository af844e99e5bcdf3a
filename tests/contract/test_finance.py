"""What the wire contract says of Finance's OData and data management, read from whatever stands there."""

import re
import uuid

import pytest

from connections import finance_users
from connections.http import check_address
from connections.rules.execution import HEADER_FIELDS, LINE_FIELDS, ExecutionStatus
from connections.rules.wire import DELIMITERS, ENUMS, by_key, day_of, enum_literal, literal

pytestmark = pytest.mark.django_db
PERIODS = ("Calendar", "FiscalYear", "PeriodName", "StartDate", "EndDate", "Type")


def ledger(tenant):
    fields = ("LegalEntityId", "Name", "AccountingCurrency", "FiscalCalendar", "ChartOfAccounts")
    [found] = tenant.finance.rows("Ledgers", fields, where=by_key(LegalEntityId=tenant.legal_entity))
    return found


def of_company(tenant):
    return f"dataAreaId eq {literal(tenant.legal_entity.lower())}"


def test_the_ledger_names_currency_calendar_and_chart_of_accounts(tenant):
    found = ledger(tenant)
    assert all(found[name] for name in ("AccountingCurrency", "FiscalCalendar", "ChartOfAccounts"))
    assert tenant.finance.rows("Currencies", ("CurrencyCode",), where=by_key(CurrencyCode=found["AccountingCurrency"]))


def test_models_and_codes_carry_member_names(tenant):
    models = tenant.finance.rows("BudgetModels", ("BudgetModel", "Stopped"), where=of_company(tenant))
    codes = tenant.finance.rows("BudgetCodes", ("BudgetCode", "BudgetType", "IsDefaultCode"), where=of_company(tenant))
    assert {row["Stopped"] for row in models} <= {"Yes", "No"}
    assert {row["IsDefaultCode"] for row in codes} <= {"Yes", "No"}
    assert {row["BudgetType"] for row in codes} <= {*ENUMS["BudgetType"].values(), "FixedAsset_RU"}
    assert models
    assert "OriginalBudget" in {row["BudgetType"] for row in codes}


def test_an_enum_is_filtered_by_its_typed_member(tenant):
    everyone = tenant.finance.count("BudgetModels")
    parts = [
        tenant.finance.count("BudgetModels", where=f"Stopped eq {enum_literal('NoYes', m)}") for m in ("Yes", "No")
    ]
    assert sum(parts) == everyone > 0


def test_a_row_is_found_by_key_with_a_filter(tenant):
    kind = "DataEntityBudgetDimensionFormat"
    typed = enum_literal("DimensionHierarchyType", kind)
    fields = ("DimensionFormatName", "DimensionFormatType", "IsActive")
    rows = tenant.finance.rows("DimensionIntegrationFormats", fields, where=f"DimensionFormatType eq {typed}")
    assert [row["IsActive"] for row in rows].count("Yes") == 1
    for row in rows:
        where = f"{by_key(DimensionFormatName=row['DimensionFormatName'])} and DimensionFormatType eq {typed}"
        assert tenant.finance.rows("DimensionIntegrationFormats", fields, where=where) == [row]


def test_the_delimiter_is_a_known_member(tenant):
    [row] = tenant.finance.rows("DimensionParameters", ("DimensionSegmentDelimiter",))
    assert row["DimensionSegmentDelimiter"] in DELIMITERS


def test_periods_have_days_at_noon_or_midnight_and_states_that_are_members(tenant):
    found = ledger(tenant)
    periods = tenant.finance.rows("FiscalPeriods", PERIODS, where=by_key(Calendar=found["FiscalCalendar"]))
    assert any(row["Type"] == "Operating" for row in periods)
    for row in periods:
        assert day_of(row["StartDate"]) <= day_of(row["EndDate"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT(00|12):00:00Z", row["StartDate"])
    where = by_key(Calendar=found["FiscalCalendar"], LedgerName=found["Name"])
    states = tenant.finance.rows("LedgerFiscalPeriods", ("PeriodName", "PeriodStatus"), where=where)
    assert {row["PeriodStatus"] for row in states} <= {"Open", "OnHold", "Closed"}


def test_without_cross_company_only_the_own_company_is_seen(tenant):
    finance = tenant.finance
    own = finance.service.rows("BudgetModels", {"$select": "dataAreaId"}, refuse=finance._refuse_read)
    everyone = finance.rows("BudgetModels", ("dataAreaId",))
    assert len({row["dataAreaId"] for row in own}) <= 1
    assert len(own) <= len(everyone)


def test_a_count_is_the_number_of_rows_behind_a_byte_order_mark(tenant):
    finance = tenant.finance
    url = finance.service.address("BudgetModels/$count", {"cross-company": "true"})
    answer = finance.service.call("GET", url, refuse=finance._refuse_read, expects_json=False)
    assert answer.body.startswith(b"\xef\xbb\xbf")
    assert finance.count("BudgetModels") == len(finance.rows("BudgetModels", ("BudgetModel",)))


def test_top_and_skip_cut_a_set_in_its_order(tenant):
    finance = tenant.finance
    options = {"cross-company": "true", "$select": "MainAccountId", "$orderby": "ChartOfAccounts,MainAccountId"}

    def read(**more):
        asked = options | {f"${name}": str(value) for name, value in more.items()}
        return finance.service.rows("MainAccounts", asked, refuse=finance._refuse_read)

    assert read(top=2) + read(top=2, skip=2) == read(top=4)


def test_an_unknown_property_is_400_with_an_envelope(tenant):
    refused = tenant.refused(tenant.finance, "BudgetModels", {"$filter": "NoSuchProperty eq 'x'"})
    assert refused.status == 400
    assert refused.json()["error"]["message"]
    assert "NoSuchProperty" in refused.text


def test_an_unknown_set_is_404(tenant):
    assert tenant.refused(tenant.finance, "NoSuchBudgetSets", expects_json=False).status == 404


def test_the_caller_is_a_user_with_roles(tenant):
    users = tenant.finance.rows("SystemUsers", ("UserID", "Alias", "Enabled"))
    assert any(row["Enabled"] in (True, "Yes") for row in users)
    held = [role for row in users[:20] for role in finance_users.roles(tenant.finance, row["UserID"])]
    assert any(role.enabled for role in held)


def test_an_unknown_execution_was_not_found(tenant):
    assert tenant.finance.execution_status(f"bpp-contract-{uuid.uuid4()}") is ExecutionStatus.NOT_FOUND


def test_a_write_address_is_signed_and_allowed(tenant):
    url = tenant.finance.write_url(f"bpp-contract-{uuid.uuid4()}.zip")
    check_address(url, storage=True)
    assert "sig=" in url


def test_entries_have_the_fields_that_are_read_back(tenant):
    nobody = by_key(EntryNumber="bpp-no-such-entry")
    assert tenant.finance.rows("BudgetRegisterEntryHeaders", HEADER_FIELDS, where=nobody) == []
    assert tenant.finance.rows("BudgetRegisterEntryLines", LINE_FIELDS, where=nobody) == []
