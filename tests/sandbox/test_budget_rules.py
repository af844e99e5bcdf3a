"""What Finance checks of every imported row, and what it makes of the rows that pass."""

import uuid

import pytest

from tests.sandbox.conftest import LINE
from tests.sandbox.packaging import FLAT, Entity, Package, flat

FORMAT = {
    "DimensionFormatName": "BudgetRegister",
    "DimensionFormatType": "DataEntityBudgetDimensionFormat",
    "FinancialDimensionFormat": "MainAccount|Department|Fund",
}
FUND = {"FinancialDimension": "Fund", "LegalEntityId": "USMF", "DimensionValue": "1010"}
ACCOUNT = {"ChartOfAccounts": "Shared", "MainAccountId": "Civilian Salaries"}
TRANSFER = LINE | {"BUDGETCODE": "TRANS"}


def rows_of(*changes):
    return [LINE | {"LINENUMBER": str(number)} | change for number, change in enumerate(changes, start=1)]


def send(wire, *rows, **options):
    """Import rows; returns the final word and all messages in one text."""
    execution = str(uuid.uuid4())
    answer = wire.start(flat(*rows, **options), execution)
    assert answer.status_code == 200, answer.text
    return wire.ended(execution), " / ".join(error["ErrorMessage"] for error in wire.errors(execution))


def entry(wire, number="T-1", legal_entity="USMF"):
    entries = wire.control.get("register-entries", legalEntity=legal_entity)["entries"]
    [found] = [one for one in entries if one["EntryNumber"] == number]
    return found


def put(wire, entity_set, **row):
    """Change the set-up of Finance."""
    wire.control.put(f"rows/{entity_set}", row)


class TestDimensionFormat:
    def test_without_an_active_format_every_row_fails(self, wire):
        put(wire, "DimensionIntegrationFormats", **FORMAT, IsActive="No")
        word, text = send(wire, *rows_of({}, {}))
        assert (word, text.count("No active budget register dimension format")) == ("Failed", 2)

    def test_the_active_format_gives_order_and_delimiter(self, wire):
        put(wire, "DimensionIntegrationFormats", **FORMAT | {"FinancialDimensionFormat": "Fund|MainAccount"})
        put(wire, "DimensionParameters", Key=0, DimensionSegmentDelimiter="DoubleTilde")
        assert send(wire, LINE | {"DIMENSIONDISPLAYVALUE": "1010~~Civilian Salaries"})[0] == "Succeeded"
        assert wire.lines()[0]["DimensionDisplayValue"] == "1010~~Civilian Salaries"

    def test_trailing_segments_may_be_missing_and_extra_ones_vanish(self, wire):
        texts = ["Civilian Salaries", "Civilian Salaries||1010", "Civilian Salaries|Fire|1010|a|b"]
        assert send(wire, *rows_of(*({"DIMENSIONDISPLAYVALUE": text} for text in texts)))[0] == "Succeeded"
        assert [line["DimensionDisplayValue"] for line in wire.lines()] == [
            "Civilian Salaries||",
            "Civilian Salaries||1010",
            "Civilian Salaries|Fire|1010",
        ]

    def test_switched_off_extra_segments_stay(self, wire):
        wire.control.put("faults", {"switched_off": ["dimension-format"]})
        send(wire, LINE | {"DIMENSIONDISPLAYVALUE": "Civilian Salaries|Fire|1010|a"})
        assert wire.lines()[0]["DimensionDisplayValue"] == "Civilian Salaries|Fire|1010|a"


class TestValues:
    @pytest.mark.parametrize(
        ("entity_set", "row", "words"),
        [
            ("FinancialDimensionValues", FUND | {"IsSuspended": "Yes"}, "suspended or not active"),
            ("FinancialDimensionValues", FUND | {"ActiveFrom": "2021-07-02T12:00:00Z"}, "suspended or not active"),
            ("FinancialDimensionValues", FUND | {"ActiveTo": "2021-06-30T12:00:00Z"}, "suspended or not active"),
            ("FinancialDimensionValues", FUND | {"IsTotal": "Yes"}, "is a total"),
            ("FinancialDimensionValues", FUND | {"IsBlockedForManualEntry": "Yes"}, "does not allow manual entry"),
            ("MainAccounts", ACCOUNT | {"IsSuspended": "Yes"}, "suspended or not active"),
            ("MainAccounts", ACCOUNT | {"ActiveTo": "2021-06-30T12:00:00Z"}, "suspended or not active"),
            ("MainAccounts", ACCOUNT | {"DoNotAllowManualEntry": "Yes"}, "does not allow manual entry"),
            ("MainAccounts", ACCOUNT | {"MainAccountType": "Total"}, "is a total"),
            (
                "FinancialDimensionValueLegalEntityOverrides",
                FUND | {"IsSuspended": "Yes"},
                "suspended or not active",
            ),
            (
                "FinancialDimensionValueLegalEntityOverrides",
                FUND | {"ActiveFrom": "2021-07-02T12:00:00Z"},
                "suspended or not active",
            ),
        ],
        ids=lambda value: list(value)[-1] if isinstance(value, dict) else None,
    )
    def test_a_value_that_takes_no_entry_is_refused(self, wire, entity_set, row, words):
        put(wire, entity_set, **row)
        word, text = send(wire, LINE)
        assert (word, words in text) == ("Failed", True), text

    def test_the_last_day_of_a_value_is_a_day_of_it(self, wire):
        put(
            wire, "FinancialDimensionValues", **FUND, ActiveFrom="2021-07-01T12:00:00Z", ActiveTo="2021-07-01T12:00:00Z"
        )
        assert send(wire, LINE)[0] == "Succeeded"

    def test_an_exception_of_another_legal_entity_does_not_count(self, wire):
        row = FUND | {"LegalEntityId": "DEMF", "IsSuspended": "Yes"}
        put(wire, "FinancialDimensionValueLegalEntityOverrides", **row)
        assert send(wire, LINE)[0] == "Succeeded"

    @pytest.mark.parametrize(
        ("criteria", "word"),
        [
            (("*", "*", "*"), "Succeeded"),
            (("Civilian*", "Police;Fire", "1000..1999"), "Succeeded"),
            (("Civilian Salaries", "Fire", '1010;""'), "Succeeded"),
            (("*", "Police", "*"), "Failed"),
            (("*", "*", "1011..1999"), "Failed"),
            (("*", "*", ""), "Failed"),
        ],
    )
    def test_the_account_structure_allows_combinations(self, wire, criteria, word):
        names = dict(zip(("SegmentCriteria01", "SegmentCriteria02", "SegmentCriteria03"), criteria, strict=True))
        put(wire, "AccountStructureConstraints", AccountStructure="Budgeting", Status="Active", Position=1, **names)
        found, text = send(wire, LINE)
        assert found == word, text
        assert ("not allowed by the account structure Budgeting" in text) == (word == "Failed")

    def test_an_account_structure_that_the_ledger_does_not_have_is_refused(self, wire):
        assert "'Nope' in field 'Accounting structure'" in send(wire, LINE | {"DIMENSIONACCOUNTSTRUCTURE": "Nope"})[1]
        assert send(wire, LINE | {"DIMENSIONACCOUNTSTRUCTURE": "Budgeting"})[0] == "Succeeded"
        wire.control.put("faults", {"derive_account_structure": False})
        assert "'Accounting structure' must be filled in" in send(wire, LINE)[1]


class TestRows:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"DATE": "01/07/2021"}, "DMF2016"),
            ({"DATE": "2021-02-30"}, "DMF2016"),
            ({"DATE": ""}, "'Date' must be filled in"),
            ({"LINENUMBER": ""}, "'Line number' must be filled in"),
            ({"LINENUMBER": "1.5"}, "DMF2018"),
            ({"TRANSACTIONCURRENCYAMOUNT": "1e3"}, "DMF2018"),
            ({"TRANSACTIONCURRENCYAMOUNT": ""}, "'Amount' must be filled in"),
            ({"BUDGETMODELID": ""}, "'Budget model' must be filled in"),
            ({"LEGALENTITYID": "DEMF"}, "'DEMF' in field 'Legal entity' is not found"),
        ],
        ids=lambda value: str(value),
    )
    def test_a_field_that_cannot_be_is_refused(self, wire, change, words):
        word, text = send(wire, LINE | change)
        assert (word, words in text) == ("Failed", True), text

    def test_switched_off_a_stopped_model_is_taken(self, wire):
        wire.control.put("faults", {"switched_off": ["row-rules"]})
        assert send(wire, LINE | {"BUDGETMODELID": "FY21-OLD", "DATE": "1999-01-01"})[0] == "Succeeded"

    def test_a_closed_period_takes_no_row(self, wire):
        put(
            wire,
            "LedgerFiscalPeriods",
            LedgerName="USMF",
            Calendar="Fiscal-Jul",
            YearName="FY2022",
            PeriodName="Jul 2021",
            PeriodStatus="OnHold",
        )
        assert "The period for 2021-07-01 is not open" in send(wire, LINE)[1]

    def test_a_line_may_have_a_quantity_and_no_amount(self, wire):
        assert send(wire, LINE | {"TRANSACTIONCURRENCYAMOUNT": "", "QUANTITY": "2.5"})[0] == "Succeeded"
        [line] = wire.lines()
        assert (line["Quantity"], line["TransactionCurrencyAmount"]) == ("2.5", "0")

    def test_the_amount_type_follows_the_main_account(self, wire):
        put(wire, "MainAccounts", **ACCOUNT, MainAccountType="Revenue")
        send(wire, *rows_of({"AMOUNTTYPE": ""}, {"AMOUNTTYPE": "Expense"}))
        assert [line["AmountType"] for line in wire.lines()] == ["Revenue", "Expense"]

    def test_codes_can_have_a_greatest_length(self, wire):
        wire.control.put("faults", {"code_length": 8})
        word, text = send(wire, *rows_of({"ENTRYNUMBER": "T-1234567"}, {}))
        assert (word, "DMF2018" in text, "longer than 8 characters" in text) == ("Failed", True, True)

    def test_a_reason_must_be_known_when_it_is_given(self, wire):
        put(wire, "LedgerFinancialReasons", dataAreaId="usmf", ReasonCode="WHY")
        assert send(wire, LINE | {"REASONCODE": "WHY"})[0] == "Succeeded"
        assert entry(wire)["ReasonCode"] == "WHY"
        assert "'WHAT' in field 'Reason code'" in send(wire, LINE | {"REASONCODE": "WHAT"})[1]


class TestCurrency:
    def rate(self, wire, **changes):
        row = {
            "RateTypeName": "Budget",
            "FromCurrency": "EUR",
            "ToCurrency": "USD",
            "StartDate": "2021-01-01T12:00:00Z",
            "Rate": "108.335",
            "ConversionFactor": "Hundred",
        }
        put(wire, "Ledgers", LegalEntityId="USMF", BudgetExchangeRateType="Budget")
        put(wire, "ExchangeRates", **row | changes)

    @pytest.mark.parametrize(
        ("changes", "accounting"),
        [
            ({}, "13.54"),  # 12.50 × 1.08335 = 13.541875
            ({"Rate": "1.0020", "ConversionFactor": "One"}, "12.53"),  # 12.525 exactly: half up
            ({"FromCurrency": "USD", "ToCurrency": "EUR", "Rate": "0.8", "ConversionFactor": "One"}, "15.63"),
        ],
    )
    def test_the_accounting_amount_is_exact_and_rounded_once(self, wire, changes, accounting):
        self.rate(wire, **changes)
        assert send(wire, LINE | {"CURRENCYCODE": "EUR", "TRANSACTIONCURRENCYAMOUNT": "12.50"})[0] == "Succeeded"
        [line] = wire.lines()
        assert (line["TransactionCurrencyAmount"], line["AccountingCurrencyAmount"]) == ("12.50", accounting)
        assert entry(wire)["ExpenseBudgetTotal"] == accounting

    def test_the_newest_rate_of_the_day_counts(self, wire):
        self.rate(wire)
        self.rate(wire, StartDate="2021-07-01T12:00:00Z", Rate="200")
        self.rate(wire, StartDate="2021-07-02T12:00:00Z", Rate="900")
        send(wire, LINE | {"CURRENCYCODE": "EUR", "TRANSACTIONCURRENCYAMOUNT": "1"})
        assert wire.lines()[0]["AccountingCurrencyAmount"] == "2.00"

    def test_without_a_rate_the_row_is_refused(self, wire):
        put(wire, "Ledgers", LegalEntityId="USMF", BudgetExchangeRateType="None")
        word, text = send(wire, LINE | {"CURRENCYCODE": "EUR"})
        assert (word, "no budget exchange rate between EUR and USD on 2021-07-01" in text) == ("Failed", True)


class TestTransfers:
    def test_equal_and_opposite_lines_are_a_transfer(self, wire):
        rows = [TRANSFER, TRANSFER | {"LINENUMBER": "2", "TRANSACTIONCURRENCYAMOUNT": "-12.34"}]
        assert send(wire, *rows)[0] == "Succeeded"
        assert entry(wire)["BudgetType"] == "Transfer"

    def test_an_unbalanced_transfer_is_refused_as_a_whole_and_others_stay(self, wire):
        other = LINE | {"ENTRYNUMBER": "T-2"}
        rows = [TRANSFER, TRANSFER | {"LINENUMBER": "2", "TRANSACTIONCURRENCYAMOUNT": "-12.33"}, other]
        word, text = send(wire, *rows)
        assert (word, text.count("T-1 does not balance: USD 0.01")) == ("PartiallySucceeded", 2)
        assert wire.lines() == []
        assert len(wire.lines("T-2")) == 1

    def test_a_bad_line_takes_its_transfer_with_it(self, wire):
        bad = {"LINENUMBER": "2", "TRANSACTIONCURRENCYAMOUNT": "-12.34", "DIMENSIONDISPLAYVALUE": "Nobody"}
        word, text = send(wire, TRANSFER, TRANSFER | bad)
        assert (word, "'Nobody'" in text, wire.lines()) == ("Failed", True, [])


class TestEntries:
    def test_the_same_key_updates_and_never_adds(self, wire):
        send(wire, LINE)
        send(wire, LINE | {"TRANSACTIONCURRENCYAMOUNT": "99"})
        assert [line["TransactionCurrencyAmount"] for line in wire.lines()] == ["99"]
        assert entry(wire)["ExpenseBudgetTotal"] == "99"

    def test_an_update_is_counted_as_one(self, wire):
        send(wire, LINE)
        wire.start(flat(LINE), "again")
        wire.ended("again")
        query = {"$filter": "JobId eq 'again'"}
        [found] = wire.finance("DataManagementExecutionJobDetails", **query).json()["value"]
        assert (found["TargetRecordsCreatedCount"], found["TargetRecordsUpdatedCount"]) == (0, 1)

    def test_switched_off_the_same_key_adds_a_line(self, wire):
        wire.control.put("faults", {"switched_off": ["upsert-by-key"]})
        send(wire, LINE)
        send(wire, LINE)
        assert [line["LineNumber"] for line in wire.lines()] == ["1", "2"]

    def test_a_row_cannot_move_its_entry_to_another_model(self, wire):
        word, text = send(wire, *rows_of({}, {"BUDGETMODELID": "FY22-CIP"}))
        assert (word, "update not allowed for field 'Budget model'" in text) == ("PartiallySucceeded", True)

    def test_a_completed_entry_takes_no_change(self, wire):
        send(wire, LINE)
        keys = {"dataAreaId": "usmf", "LegalEntityId": "USMF", "EntryNumber": "T-1"}
        put(wire, "BudgetRegisterEntryHeaders", **keys, Status="Completed")
        assert "T-1 is completed" in send(wire, LINE)[1]
        wire.control.put("faults", {"switched_off": ["completed-is-closed"]})
        assert send(wire, LINE)[0] == "Succeeded"

    def test_an_import_leaves_a_draft_whose_workflow_waits(self, wire):
        put(wire, "BudgetCodes", dataAreaId="usmf", BudgetCode="AMEND", WorkflowId="WF-1")
        amended = {"BUDGETCODE": "AMEND", "ENTRYNUMBER": "T-2", "ONETIMEREVISION": "yes", "STATUS": "Completed"}
        assert send(wire, LINE | amended, LINE | {"ONETIMEREVISION": "", "STATUS": ""})[0] == "Succeeded"
        found = entry(wire, "T-2")
        assert (found["Status"], found["WorkflowStatus"], found["OneTimeRevision"]) == ("Draft", "NotSubmitted", "Yes")
        assert found["lines"][0]["WorkflowStatus"] == "NotSubmitted"
        assert (entry(wire)["WorkflowStatus"], entry(wire)["OneTimeRevision"]) == ("None", "No")


class TestNumbers:
    def numbers(self, wire):
        return sorted(one["EntryNumber"] for one in wire.control.get("register-entries", legalEntity="USMF")["entries"])

    def test_rows_that_name_the_same_entry_share_a_drawn_number(self, wire):
        wire.control.put("faults", {"entry_numbers": "automatic", "number_format": "BPP-####"})
        send(wire, *rows_of({"ENTRYNUMBER": "a"}, {"ENTRYNUMBER": "a"}, {"ENTRYNUMBER": "b"}))
        assert self.numbers(wire) == ["BPP-0001", "BPP-0002"]
        assert len(wire.lines("BPP-0001")) == 2

    def test_each_row_can_get_its_own(self, wire):
        wire.control.put("faults", {"entry_numbers": "automatic", "automatic_grouping": "row"})
        send(wire, *rows_of({}, {}, {}))
        assert self.numbers(wire) == ["BRE000001", "BRE000002", "BRE000003"]

    def test_a_generated_number_in_the_mapping_is_drawn_in_manual_mode_too(self, wire):
        rows = [{name: value for name, value in row.items() if name != "ENTRYNUMBER"} for row in rows_of({}, {})]
        entity = Entity(FLAT, rows, maps=["ENTRYNUMBER", *rows[0]], generated=("ENTRYNUMBER",))
        wire.start(Package([entity]).zipped())
        assert wire.ended() == "Succeeded", wire.errors()
        assert self.numbers(wire) == ["BRE000001"]

    @pytest.mark.parametrize(("continuous", "second"), [(False, "BRE000002"), (True, "BRE000001")])
    def test_a_continuous_sequence_has_no_gap(self, wire, continuous, second):
        wire.control.put("faults", {"entry_numbers": "automatic", "number_continuous": continuous})
        assert send(wire, LINE | {"BUDGETCODE": "NOPE"})[0] == "Failed"
        send(wire, LINE)
        assert self.numbers(wire) == [second]

    def test_a_number_that_is_taken_is_passed_over(self, wire):
        send(wire, LINE | {"ENTRYNUMBER": "BRE000001"})
        wire.control.put("faults", {"entry_numbers": "automatic"})
        send(wire, LINE)
        assert self.numbers(wire) == ["BRE000001", "BRE000002"]

    def test_a_senders_number_can_be_held_against_the_form(self, wire):
        wire.control.put("faults", {"number_format": "T-##", "number_form": "check"})
        word, text = send(wire, *rows_of({"ENTRYNUMBER": "T-07"}, {"ENTRYNUMBER": "T-7"}))
        assert (word, "Number T-7 does not match the format T-##" in text) == ("PartiallySucceeded", True)
        assert self.numbers(wire) == ["T-07"]

    def test_a_sequence_comes_to_its_end(self, wire):
        wire.control.put("faults", {"entry_numbers": "automatic", "number_format": "B#", "automatic_grouping": "row"})
        word, text = send(wire, *rows_of(*({} for _ in range(11))))
        assert (word, text.count("Number sequence B# has been exceeded")) == ("PartiallySucceeded", 2)
