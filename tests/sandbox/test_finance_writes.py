"""Writes over Finance's OData service: projects, and budget register entries by the rules that an import obeys."""

from decimal import Decimal

import pytest

from tests.sandbox.test_finance import BUSY, Service, refusal

HEADERS, LINES, FLAT = "BudgetRegisterEntryHeaders", "BudgetRegisterEntryLines", "BudgetRegisterEntries"
HEADER = {
    "EntryNumber": "O-1",
    "BudgetModelId": "FY22-OPS",
    "BudgetCode": "ORIG",
    "DefaultDate": "2021-07-01T12:00:00Z",
}
LINE = {
    "EntryNumber": "O-1",
    "LineNumber": 1,
    "EntryDate": "2021-08-01T12:00:00Z",
    "DimensionDisplayValue": "Civilian Salaries|Fire|1010",
    "CurrencyCode": "USD",
    "TransactionCurrencyAmount": "12.34",
    "AmountType": "Expense",
}
ENTRY = {name: value for name, value in LINE.items() if name != "EntryDate"} | {
    "BudgetModelId": "FY22-OPS",
    "BudgetCode": "ORIG",
    "Date": "2021-08-01T12:00:00Z",
}
KEY = "dataAreaId='usmf',LegalEntityId='USMF',EntryNumber='O-1'"
HEADER_AT, LINE_AT, ENTRY_AT = f"{HEADERS}({KEY})", f"{LINES}({KEY},LineNumber=1)", f"{FLAT}({KEY},LineNumber=1)"


@pytest.fixture
def finance(wire):
    return Service(wire)


def exact(row):
    """The body with its amount as a JSON number: what `default=str` would write as text."""
    return row | {"TransactionCurrencyAmount": 12.34} if "TransactionCurrencyAmount" in row else row


def made(finance, path, row):
    answer = finance.call("POST", path, exact(row))
    assert answer.status_code == 201, answer.text
    return answer


@pytest.fixture
def entry(finance):
    """An entry with one line."""
    made(finance, HEADERS, HEADER)
    made(finance, LINES, LINE)
    return finance


class TestProjects:
    PROJECT = {"Name": "P-1", "Description": "Budget", "OperationType": "Import", "ProjectCategory": "Integration"}
    AT = "DataManagementDefinitionGroups('P-1')"

    def test_a_project_is_made_changed_and_deleted(self, finance):
        answer = made(finance, "DataManagementDefinitionGroups", self.PROJECT)
        assert finance.wire.http.get(answer.headers["location"], headers=finance.headers).json()["Name"] == "P-1"
        assert finance.call("PATCH", self.AT, {"Description": "Changed"}).status_code == 204
        row = finance.get(self.AT).json()
        assert (row["Description"], row["OperationType"]) == ("Changed", "Import")
        assert finance.call("DELETE", self.AT).status_code == 204
        assert finance.get(self.AT).status_code == 404

    def test_its_entities_hang_on_it(self, finance):
        detail = {"DefinitionGroupId": "P-1", "EntityName": "Budget account entries"}
        assert "Definition group" in refusal(finance.call("POST", "DataManagementDefinitionGroupDetails", detail))
        made(finance, "DataManagementDefinitionGroups", self.PROJECT)
        made(finance, "DataManagementDefinitionGroupDetails", detail)
        [project] = finance.rows("DataManagementDefinitionGroups", _filter="Name eq 'P-1'", _expand="Details")
        assert [one["EntityName"] for one in project["Details"]] == ["Budget account entries"]
        finance.call("DELETE", self.AT)
        assert finance.rows("DataManagementDefinitionGroupDetails", _filter="DefinitionGroupId eq 'P-1'") == []

    def test_a_project_is_made_once(self, finance):
        made(finance, "DataManagementDefinitionGroups", self.PROJECT)
        text = refusal(finance.call("POST", "DataManagementDefinitionGroups", self.PROJECT))
        assert text.startswith("Write failed for table row of type 'DataManagementDefinitionGroupEntity'. Infolog: ")
        assert text.endswith("Error: The record already exists.")

    def test_a_project_needs_a_name_and_the_role(self, finance, wire):
        assert "must be filled in" in refusal(finance.call("POST", "DataManagementDefinitionGroups", {}))
        stranger = Service(wire, "installer")
        assert stranger.call("POST", "DataManagementDefinitionGroups", self.PROJECT).status_code == 403

    @pytest.mark.parametrize(
        "change",
        [
            {"Nope": 1},
            {"Description": 5},
            {"OperationType": "Sideways"},
            {"OperationType": 0},
            {"Name": None},
            {"Name": "\ud800"},
        ],
        ids=str,
    )
    def test_a_body_that_does_not_fit_the_type_is_refused(self, finance, change):
        assert refusal(finance.call("POST", "DataManagementDefinitionGroups", self.PROJECT | change))

    def test_other_sets_are_not_written(self, finance):
        answer = finance.call("POST", "BudgetModels", {"dataAreaId": "usmf", "BudgetModel": "NEW"})
        assert answer.status_code == 405
        assert "does not support http method 'POST'" in answer.json()["Message"]
        assert finance.call("DELETE", "Ledgers('USMF')").status_code == 405
        assert finance.call("DELETE", "DataManagementDefinitionGroups").status_code == 405


class TestEntries:
    def test_a_header_becomes_a_draft_of_its_sender(self, finance):
        row = made(finance, HEADERS, HEADER | {"Status": "Draft", "BudgetType": "Transfer"}).json()
        assert (row["Status"], row["WorkflowStatus"], row["BudgetType"]) == ("Draft", "None", "OriginalBudget")
        assert (row["dataAreaId"], row["LegalEntityId"], row["ExpenseBudgetTotal"]) == ("usmf", "USMF", 0)
        [entry] = finance.wire.control.get("register-entries", legalEntity="USMF")["entries"]
        assert entry["CreatedBy"] == "owner"

    def test_a_header_without_a_number_draws_one(self, finance):
        unnumbered = {name: value for name, value in HEADER.items() if name != "EntryNumber"}
        numbers = [made(finance, HEADERS, unnumbered).json()["EntryNumber"] for _ in range(2)]
        assert len(set(numbers)) == 2
        finance.wire.control.put("faults", {"entry_numbers": "automatic"})
        assert made(finance, HEADERS, HEADER).json()["EntryNumber"] not in ("O-1", *numbers)

    def test_lines_add_up_in_the_header(self, entry):
        made(entry, LINES, LINE | {"LineNumber": 2, "AmountType": "Revenue"})
        row = entry.get(HEADER_AT).json()
        assert (Decimal(str(row["ExpenseBudgetTotal"])), Decimal(str(row["RevenueBudgetTotal"]))) == (
            Decimal("12.34"),
            Decimal("12.34"),
        )
        assert entry.call("PATCH", LINE_AT, {"TransactionCurrencyAmount": 0.1}).status_code == 204
        assert '"ExpenseBudgetTotal":0.1,' in entry.get(HEADER_AT).text
        assert entry.call("DELETE", LINE_AT).status_code == 204
        assert '"ExpenseBudgetTotal":0,' in entry.get(HEADER_AT).text
        assert [line["LineNumber"] for line in entry.rows(LINES)] == [2]

    def test_a_line_without_a_number_is_the_last_one(self, entry):
        unnumbered = {name: value for name, value in LINE.items() if name != "LineNumber"}
        assert made(entry, LINES, unnumbered).json()["LineNumber"] == 2

    def test_the_flat_row_makes_header_and_line(self, finance):
        row = made(finance, FLAT, ENTRY).json()
        assert (row["Date"], row["BudgetType"], row["Status"]) == ("2021-08-01T12:00:00Z", "OriginalBudget", "Draft")
        made(finance, FLAT, ENTRY | {"LineNumber": 2})
        assert len(finance.rows(HEADERS)) == 1
        assert finance.call("PATCH", ENTRY_AT, {"Comment": "c", "ReasonComment": "r"}).status_code == 204
        row = finance.get(ENTRY_AT).json()
        assert (row["Comment"], row["ReasonComment"], row["TransactionCurrencyAmount"]) == ("c", "r", 12.34)
        assert finance.call("DELETE", ENTRY_AT).status_code == 204
        assert len(finance.rows(FLAT)) == 1

    def test_a_refused_flat_row_leaves_no_header(self, finance):
        refusal(finance.call("POST", FLAT, exact(ENTRY) | {"DimensionDisplayValue": "Civilian Salaries|Fire|0000"}))
        assert finance.rows(HEADERS) == []

    @pytest.mark.parametrize(
        ("path", "change", "words"),
        [
            (HEADERS, {"BudgetModelId": "FY21-OLD"}, "Budget model FY21-OLD is stopped"),
            (HEADERS, {"BudgetCode": "NOPE"}, "'NOPE' in field 'Budget code' is not found"),
            (HEADERS, {"LegalEntityId": "NOPE"}, "'NOPE' in field 'Legal entity' is not found"),
            (HEADERS, {"LegalEntityId": "DEMF", "dataAreaId": "usmf"}, "does not belong to company"),
            (LINES, {"EntryNumber": "O-2"}, "'O-2' in field 'Entry number' is not found"),
            (LINES, {"LineNumber": 1}, "The record already exists"),
            (LINES, {"LineNumber": 2, "EntryDate": "1999-01-01T12:00:00Z"}, "not within a period"),
            (LINES, {"LineNumber": 2, "DimensionDisplayValue": "Nobody|Fire|1010"}, "'Nobody' in field"),
            (LINES, {"LineNumber": 2, "CurrencyCode": "EURO"}, "'EURO' in field 'Currency'"),
            (FLAT, {"LineNumber": 2, "BudgetModelId": "FY21-OLD", "EntryNumber": "O-3"}, "is stopped"),
        ],
        ids=lambda value: str(value) if isinstance(value, dict) else None,
    )
    def test_a_row_that_breaks_a_rule_fails_with_the_infolog(self, entry, path, change, words):
        row = {HEADERS: HEADER | {"EntryNumber": "O-9"}, LINES: LINE, FLAT: ENTRY}[path]
        text = refusal(entry.call("POST", path, exact(row) | change))
        assert text.startswith("Write failed for table row of type 'BudgetRegisterEntry")
        assert words in text.rpartition("Error: ")[2]

    @pytest.mark.parametrize(
        ("path", "change"),
        [
            (HEADER_AT, {"ExpenseBudgetTotal": 5}),
            (HEADER_AT, {"Status": "Completed"}),
            (HEADER_AT, {"EntryNumber": "O-2"}),
            (LINE_AT, {"BudgetCheckResult": "Passed"}),
        ],
    )
    def test_what_only_finance_sets_is_not_changed(self, entry, path, change):
        assert "update not allowed for field" in refusal(entry.call("PATCH", path, change))

    def test_a_completed_entry_takes_no_change(self, entry):
        key = {"dataAreaId": "usmf", "LegalEntityId": "USMF", "EntryNumber": "O-1"}
        entry.wire.control.put(f"rows/{HEADERS}", key | {"Status": "Completed"})
        attempts = [
            ("PATCH", HEADER_AT, {"ReasonComment": "x"}),
            ("DELETE", HEADER_AT, None),
            ("POST", LINES, exact(LINE) | {"LineNumber": 2}),
            ("PATCH", LINE_AT, {"Comment": "x"}),
            ("DELETE", LINE_AT, None),
            ("PATCH", ENTRY_AT, {"Comment": "x"}),
            ("DELETE", ENTRY_AT, None),
        ]
        for attempt in attempts:
            assert "is completed and cannot be changed" in refusal(entry.call(*attempt)), attempt
        entry.wire.control.put("faults", {"switched_off": ["completed-is-closed"]})
        assert entry.call("PATCH", HEADER_AT, {"ReasonComment": "x"}).status_code == 204

    def test_a_header_goes_with_its_lines(self, entry):
        assert entry.call("DELETE", HEADER_AT).status_code == 204
        assert (entry.rows(HEADERS), entry.rows(LINES)) == ([], [])

    def test_writing_needs_role_and_duty(self, wire):
        assert "duty" in refusal(Service(wire, "planner").call("POST", HEADERS, HEADER), 403)
        assert "role" in refusal(Service(wire, "installer").call("POST", HEADERS, HEADER), 403)

    def test_a_change_can_be_bound_to_what_was_read(self, entry):
        tag = entry.get(HEADER_AT).json()["@odata.etag"]
        bound = {"If-Match": tag}
        assert entry.call("PATCH", HEADER_AT, {"ReasonComment": "first"}, bound).status_code == 204
        assert "update conflict" in refusal(entry.call("PATCH", HEADER_AT, {"ReasonComment": "second"}, bound), 412)
        assert entry.call("PATCH", HEADER_AT, {"ReasonComment": "third"}, {"If-Match": "*"}).status_code == 204

    def test_another_companys_entry_needs_all_companies(self, entry):
        row = HEADER | {"EntryNumber": "D-1", "LegalEntityId": "DEMF", "BudgetModelId": "DE-OPS"}
        made(entry, HEADERS, row)
        path = f"{HEADERS}(dataAreaId='demf',LegalEntityId='DEMF',EntryNumber='D-1')"
        assert entry.call("DELETE", path).status_code == 404
        assert entry.call("DELETE", path, **{"cross-company": "true"}).status_code == 204

    def test_nothing_is_written_when_the_answer_is_busy(self, finance):
        finance.wire.control.put("faults", {"finance_busy": 1})
        assert refusal(finance.call("POST", HEADERS, HEADER), 429) == BUSY
        finance.wire.control.put("faults", {"finance_busy": 0})
        assert finance.rows(HEADERS) == []


class TestExpand:
    def test_header_line_and_flat_row_lead_to_each_other(self, entry):
        expand = "BudgetRegisterEntryLineEntryHeader,BudgetModels,PrimaryLedger($select=AccountingCurrency)"
        [header] = entry.rows(HEADERS, _expand=expand)
        assert header["BudgetRegisterEntryLineEntryHeader"]["LineNumber"] == 1
        assert header["BudgetModels"]["Name"] == "Operating budget"
        assert header["PrimaryLedger"]["AccountingCurrency"] == "USD"
        assert "FiscalCalendar" not in header["PrimaryLedger"]
        [line] = entry.rows(LINES, _expand="BudgetRegisterEntryHeader,CurrencyCodes,DimensionCombination")
        assert line["BudgetRegisterEntryHeader"]["BudgetCode"] == "ORIG"
        assert line["CurrencyCodes"]["Symbol"] == "$"
        assert line["DimensionCombination"] is None
        assert entry.get(ENTRY_AT, **{"$expand": "Ledger"}).json()["Ledger"]["FiscalCalendar"] == "Fiscal-Jul"
        assert entry.get(f"{LINE_AT}/BudgetRegisterEntryHeader").json()["EntryNumber"] == "O-1"

    @pytest.mark.parametrize(
        "text",
        [
            "BudgetRegisterEntryHeader($expand=BudgetModels)",
            "BudgetRegisterEntryHeader/BudgetModels",
            "Nope",
            "BudgetRegisterEntryHeader($select=Nope)",
        ],
    )
    def test_only_the_first_level_is_expanded(self, entry, text):
        assert refusal(entry.get(LINES, **{"$expand": text}))


class TestWhatAnEntryKeeps:
    """A line cannot move its entry to another model or code, nor say that a new one is completed."""

    OTHERS = ({"BudgetModelId": "FY22-CIP"}, {"BudgetCode": "AMEND"}, {"BudgetCode": "TRANS"})

    @pytest.mark.parametrize("change", OTHERS)
    def test_a_line_for_an_entry_names_its_model_and_code(self, entry, change):
        answer = entry.call("POST", FLAT, exact(ENTRY | {"LineNumber": 2} | change))
        assert answer.status_code == 400 and "update not allowed for field 'Budget" in refusal(answer)
        assert len(entry.get(LINES).json()["value"]) == 1
        made(entry, FLAT, ENTRY | {"LineNumber": 2})

    @pytest.mark.parametrize("change", OTHERS)
    def test_a_change_of_a_line_leaves_model_and_code_alone(self, entry, change):
        answer = entry.call("PATCH", ENTRY_AT, change)
        assert answer.status_code == 400 and "update not allowed for field 'Budget" in refusal(answer)
        row = entry.get(HEADER_AT).json()
        assert (row["BudgetModelId"], row["BudgetCode"]) == ("FY22-OPS", "ORIG")

    @pytest.mark.parametrize(("path", "row"), [(HEADERS, HEADER), (FLAT, ENTRY)])
    def test_a_new_entry_cannot_be_completed(self, finance, path, row):
        answer = finance.call("POST", path, exact(row | {"Status": "Completed"}))
        assert answer.status_code == 400 and "'Status'" in refusal(answer)
        assert finance.get(HEADERS).json()["value"] == []
