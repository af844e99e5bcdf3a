"""The sandbox over HTTP, as a client meets it: sign-in, Dataverse, Finance, packages, faults."""

import pytest

from tests.sandbox.conftest import LINE

ENTITIES = "mserp_financeandoperationsentities"


class TestSignIn:
    def test_a_token_for_finance_is_not_good_for_dataverse(self, wire):
        finance, dataverse = wire.facts["finance_url"], wire.facts["dataverse_url"]
        headers = wire.bearer(finance)
        assert wire.http.get(f"{finance}/data/LegalEntities", headers=headers).status_code == 200
        assert wire.http.get(f"{dataverse}/api/data/v9.2/WhoAmI", headers=headers).status_code == 401

    def test_a_wrong_secret_is_refused(self, wire):
        answer = wire.token(wire.facts["finance_url"], client_secret="wrong")
        assert answer.status_code in (400, 401)
        assert answer.json()["error"] == "invalid_client"

    def test_a_made_up_code_is_refused(self, wire):
        answer = wire.token(wire.facts["finance_url"], code="made-up")
        assert answer.status_code == 400
        assert answer.json()["error"] == "invalid_grant"

    def test_an_expired_token_is_refused(self, wire):
        wire.control.put("faults", {"token_seconds": -10})
        assert wire.finance("LegalEntities").status_code == 401

    def test_a_user_whom_finance_does_not_know_is_refused(self, wire):
        assert wire.finance("LegalEntities", user="reviewer").status_code == 403


class TestDataverse:
    def test_who_am_i(self, wire):
        assert wire.dataverse("WhoAmI").json()["UserId"]

    def test_the_environment_variable_has_its_value(self, wire):
        query = {
            "$filter": "schemaname eq 'msdyn_xpna_BPPAppFinOpsURI'",
            "$expand": "environmentvariabledefinition_environmentvariablevalue($select=value)",
        }
        [found] = wire.dataverse("environmentvariabledefinitions", **query).json()["value"]
        [value] = found["environmentvariabledefinition_environmentvariablevalue"]
        assert value["value"] == wire.facts["finance_url"]

    def test_a_hidden_virtual_entity_answers_404(self, wire):
        [one] = wire.dataverse(ENTITIES, **{"$filter": "mserp_physicalname eq 'BudgetModelEntity'"}).json()["value"]
        assert one["mserp_hasbeengenerated"] is True
        assert wire.dataverse("mserp_budgetmodelentities").status_code == 200
        wire.control.put("virtual-entities/BudgetModelEntity", {"visible": False})
        assert wire.dataverse("mserp_budgetmodelentities").status_code == 404

    def test_a_virtual_entity_needs_the_role(self, wire):
        assert wire.dataverse("mserp_budgetmodelentities", user="installer").status_code == 403


class TestFinance:
    def test_filter_select_and_top(self, wire):
        query = {"$filter": "dataAreaId eq 'usmf' and Stopped eq Microsoft.Dynamics.DataEntities.NoYes'Yes'"}
        found = wire.finance("BudgetModels", **query, **{"$select": "BudgetModel", "cross-company": "true"})
        assert [row["BudgetModel"] for row in found.json()["value"]] == ["FY21-OLD"]
        assert len(wire.finance("FinancialDimensionValues", **{"$top": "3"}).json()["value"]) == 3

    def test_pages_follow_each_other(self, wire):
        wire.control.put("faults", {"page_size": 50})
        first = wire.finance("FinancialDimensionValues", **{"$filter": "FinancialDimension eq 'Fund'"}).json()
        assert len(first["value"]) == 50
        assert first["@odata.nextLink"].startswith(wire.facts["finance_url"])

    def test_an_unknown_property_is_an_error_with_an_envelope(self, wire):
        answer = wire.finance("BudgetModels", **{"$filter": "Nope eq 1"})
        assert answer.status_code == 400
        assert "Nope" in answer.json()["error"]["innererror"]["message"] + answer.json()["error"]["message"]


class TestImport:
    def test_a_good_package_becomes_an_entry_of_its_sender(self, wire):
        assert wire.start(wire.package(LINE)).status_code == 200
        assert wire.ended() == "Succeeded"
        [line] = wire.lines()
        assert (line["DimensionDisplayValue"], line["TransactionCurrencyAmount"]) == (
            "Civilian Salaries|Fire|1010",
            "12.34",
        )
        [entry] = wire.control.get("register-entries", legalEntity="USMF")["entries"]
        assert entry["CreatedBy"] == "owner"
        assert wire.errors() == []

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"DIMENSIONDISPLAYVALUE": "Civilian Salaries|Fire|0000"}, "'0000' in field 'Fund' is not found"),
            ({"DIMENSIONDISPLAYVALUE": "|Fire|1010"}, "'Main account' must be filled in"),
            ({"BUDGETMODELID": "FY21-OLD"}, "Budget model FY21-OLD is stopped"),
            ({"BUDGETMODELID": "NOPE"}, "'NOPE' in field 'Budget model' is not found"),
            ({"BUDGETCODE": "NOPE"}, "'NOPE' in field 'Budget code' is not found"),
            ({"DATE": "1999-01-01"}, "not within a period of the fiscal calendar"),
            ({"CURRENCYCODE": "EURO"}, "'EURO' in field 'Currency' is not found"),
            ({"TRANSACTIONCURRENCYAMOUNT": "1,5"}, "bad data in column TRANSACTIONCURRENCYAMOUNT"),
            ({"AMOUNTTYPE": "Profit"}, "'Profit' is not a valid enumeration"),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
    )
    def test_a_row_that_breaks_a_rule_is_refused_and_the_others_stay(self, wire, change, words):
        wire.start(wire.package(LINE, LINE | {"LINENUMBER": "2"} | change))
        assert wire.ended() == "PartiallySucceeded"
        assert len(wire.lines()) == 1
        assert words in wire.errors()[0]["ErrorMessage"]

    def test_a_suspended_value_is_refused(self, wire):
        row = {"FinancialDimension": "Fund", "LegalEntityId": "USMF", "DimensionValue": "1010", "IsSuspended": "Yes"}
        wire.control.put("rows/FinancialDimensionValues", row)
        wire.start(wire.package(LINE))
        assert wire.ended() == "Failed"
        assert "suspended or not active" in wire.errors()[0]["ErrorMessage"]

    def test_segments_beyond_the_format_are_dropped(self, wire):
        wire.start(wire.package(LINE | {"DIMENSIONDISPLAYVALUE": "Civilian Salaries|Fire|1010|extra"}))
        assert wire.ended() == "Succeeded"
        assert wire.lines()[0]["DimensionDisplayValue"] == "Civilian Salaries|Fire|1010"

    def test_what_is_no_zip_fails(self, wire):
        wire.start(b"no zip")
        assert wire.ended() == "Failed"
        assert "not a valid zip file" in str(wire.errors())

    def test_a_sender_without_the_role_is_refused(self, wire):
        assert wire.act("GetAzureWriteUrl", user="installer", uniqueFileName="x.zip").status_code == 403

    def test_an_unknown_execution_says_so(self, wire):
        answer = wire.act("GetExecutionSummaryStatus", executionId="never-heard-of")
        assert "NotRun" not in answer.text
        assert "never-heard-of" in answer.text or answer.json().get("value") == "Unknown"


class TestRepeatedExecutionId:
    def repeat(self, wire, mode):
        wire.control.put("faults", {"repeat_execution_id": mode, "entry_numbers": "automatic"})
        wire.start(wire.package(LINE))
        wire.ended()
        answer = wire.start(wire.package(LINE))
        wire.ended()
        entries = wire.control.get("register-entries", legalEntity="USMF")["entries"]
        return answer.status_code, sum(len(entry["lines"]) for entry in entries)

    def test_reject(self, wire):
        assert self.repeat(wire, "reject") == (400, 1)

    def test_same(self, wire):
        assert self.repeat(wire, "same") == (200, 1)

    def test_twice(self, wire):
        assert self.repeat(wire, "twice") == (200, 2)


class TestFaults:
    def test_after_and_times_count_calls(self, wire):
        fault = {"call": "BudgetModels", "kind": "status", "status": 503, "retry_after": "7", "after": 1, "times": 2}
        wire.control.faults(fault)
        answers = [wire.finance("BudgetModels") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 503, 503, 200]
        assert answers[1].headers["retry-after"] == "7"

    def test_a_lost_answer_did_what_was_asked(self, wire):
        import httpx

        wire.control.faults({"call": "ImportFromPackage", "kind": "lost_answer"})
        with pytest.raises(httpx.TransportError):
            wire.start(wire.package(LINE))
        assert wire.ended() == "Succeeded"
        assert len(wire.lines()) == 1

    def test_the_journal_counts_what_was_asked(self, wire):
        for _ in range(3):
            wire.finance("BudgetModels")
        assert wire.control.get("requests", call="BudgetModels")["count"] == 3

    def test_an_unknown_key_changes_nothing(self, wire):
        import urllib.error

        with pytest.raises(urllib.error.HTTPError) as refused:
            wire.control.put("faults", {"no_such_mode": 1})
        assert refused.value.code == 400
        refused.value.close()
