"""Finance's OData service over HTTP: what is there, what a query may ask, keys, paging, company scope, busy answers."""

import json
from decimal import Decimal
from urllib.error import HTTPError
from xml.etree import ElementTree as ET

import pytest

EDM = {"e": "http://docs.oasis-open.org/odata/ns/edm"}
ENUM = "Microsoft.Dynamics.DataEntities."
EVERYWHERE = {"cross-company": "true"}
BUSY = "This request could not be processed at this time due to system experiencing high resource utilization."


class Service:
    """Finance's OData service for one person, with one token."""

    def __init__(self, wire, user="owner"):
        self.wire, self.root = wire, f"{wire.facts['finance_url']}/data"
        self.headers = wire.bearer(wire.facts["finance_url"], user)

    def call(self, method, path, body=None, headers=None, **query):
        content = None if body is None else json.dumps(body, default=str)
        asked = {"Content-Type": "application/json"} | self.headers | (headers or {})
        return self.wire.http.request(
            method, f"{self.root}/{path}", content=content, headers=asked, params=query or None
        )

    def get(self, path, headers=None, **query):
        return self.call("GET", path, headers=headers, **query)

    def rows(self, path, **query):
        answer = self.get(path, **{name.replace("_", "$", 1): value for name, value in query.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]


@pytest.fixture
def finance(wire):
    return Service(wire)


def refusal(answer, status=400):
    """The text for people in Finance's envelope."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    return error.get("innererror", error)["message"]


class TestMetadata:
    @pytest.fixture
    def schema(self, finance):
        answer = finance.get("$metadata")
        assert answer.headers["content-type"].startswith("application/xml")
        [schema] = ET.fromstring(answer.content).iter("{http://docs.oasis-open.org/odata/ns/edm}Schema")
        return schema

    def test_the_namespace_and_the_sets_are_those_of_finance(self, schema):
        assert schema.get("Namespace") == "Microsoft.Dynamics.DataEntities"
        sets = {one.get("Name"): one.get("EntityType") for one in schema.findall("e:EntityContainer/e:EntitySet", EDM)}
        assert sets["BudgetRegisterEntries"] == f"{ENUM}BudgetRegisterEntry"
        assert {"BudgetSubModels", "LedgerFinancialReasons", "DimensionCombinations", "DataManagementEntities"} <= set(
            sets
        )

    def test_keys_types_and_nullability_are_declared(self, schema):
        entry = schema.find("e:EntityType[@Name='BudgetRegisterEntry']", EDM)
        keys = [one.get("Name") for one in entry.findall("e:Key/e:PropertyRef", EDM)]
        assert keys == ["dataAreaId", "EntryNumber", "LegalEntityId", "LineNumber"]
        found = {
            one.get("Name"): (one.get("Type"), one.get("Nullable", "true")) for one in entry.findall("e:Property", EDM)
        }
        assert found["Date"] == ("Edm.DateTimeOffset", "false")
        assert found["TransactionCurrencyAmount"] == ("Edm.Decimal", "false")
        assert found["AmountType"] == (f"{ENUM}BudgetType", "true")
        assert found["BudgetType"] == (f"{ENUM}BudgetTransactionType", "true")

    def test_enumerations_carry_their_integers_and_their_gaps(self, schema):
        def members(name):
            found = schema.findall(f"e:EnumType[@Name='{name}']/e:Member", EDM)
            return {one.get("Name"): int(one.get("Value")) for one in found}

        kinds = members("BudgetTransactionType")
        assert (kinds["Amendment"], kinds["Apportionment"], kinds["FixedAsset_RU"]) == (3, 12, 100)
        assert 11 not in kinds.values()
        assert members("DimensionHierarchyType")["DataEntityBudgetDimensionFormat"] == 19
        assert members("BudgetCheckResult")["NoCheck"] == 1

    def test_actions_are_bound_to_the_collection_of_projects(self, schema):
        action = schema.find("e:Action[@Name='ImportFromPackage']", EDM)
        assert action.get("IsBound") == "true"
        types = {one.get("Name"): one.get("Type") for one in action.findall("e:Parameter", EDM)}
        assert types["bindingParameter"] == f"Collection({ENUM}DataManagementDefinitionGroup)"
        assert types["execute"] == "Edm.Boolean"
        assert len(schema.findall("e:Action", EDM)) == 15

    def test_every_type_and_target_that_is_named_is_there(self, schema):
        declared = {
            f"{ENUM}{one.get('Name')}"
            for kind in ("EntityType", "EnumType", "ComplexType")
            for one in schema.findall(f"e:{kind}", EDM)
        }
        named = {one.get("Type").removeprefix("Collection(").rstrip(")") for one in schema.iter() if one.get("Type")}
        assert {name for name in named if not name.startswith("Edm.")} <= declared

    def test_the_service_document_names_the_sets(self, finance):
        names = [one["name"] for one in finance.rows("")]
        assert "BudgetModels" in names
        assert all(finance.get(name).status_code == 200 for name in names)

    def test_metadata_needs_a_token(self, finance):
        finance.headers = {}
        answer = finance.get("$metadata")
        assert answer.status_code == 401
        assert set(answer.json()) == {"Message"}

    def test_the_catalogues_describe_entities_and_enumerations(self, finance):
        root = finance.root.removesuffix("/data")

        def catalogue(path):
            return finance.wire.http.get(f"{root}/Metadata/{path}", headers=finance.headers).json()

        [entry] = [one for one in catalogue("DataEntities")["value"] if one["Name"] == "BudgetRegisterEntryEntity"]
        assert (entry["PublicCollectionName"], entry["LabelText"]) == (
            "BudgetRegisterEntries",
            "Budget account entries",
        )
        amounts = {one["Name"]: one for one in catalogue("PublicEntities('BudgetRegisterEntryHeader')")["Properties"]}
        assert amounts["ExpenseBudgetTotal"]["AllowEdit"] is False
        members = catalogue("PublicEnumerations('BudgetCheckResult')")["Members"]
        assert {one["Name"]: one["Value"] for one in members}["Failed"] == 4

    def test_the_staging_columns_of_budget_account_entries_are_listed(self, finance):
        rows = finance.rows("DataManagementTargetMapEntities", _filter="Entity eq 'Budget account entries'")
        assert {"ENTRYNUMBER", "DIMENSIONDISPLAYVALUE", "ONETIMEREVISION"} <= {row["StagingField"] for row in rows}
        [entity] = finance.rows("DataManagementEntities", _filter="EntityName eq 'Budget account entries'")
        assert entity["TargetName"] == "BudgetRegisterEntryEntity"


class TestQueries:
    @pytest.mark.parametrize(
        ("text", "models"),
        [
            ("BudgetModel eq 'fy22-ops'", ["FY22-OPS"]),
            ("BudgetModel ne 'FY22-OPS' and BudgetModel gt 'FY22'", ["FY22-CIP", "FY22-FCST"]),
            ("not (BudgetModel eq 'FY22-OPS' or BudgetModel lt 'FY22')", ["FY22-CIP", "FY22-FCST"]),
            ("BudgetModel ge 'FY22-CIP' and BudgetModel le 'FY22-CIP'", ["FY22-CIP"]),
            ("BudgetModel eq '*CIP*'", ["FY22-CIP"]),
            ("BudgetModel eq 'FY21*'", ["FY21-OLD"]),
            (f"Stopped eq {ENUM}NoYes'Yes'", ["FY21-OLD"]),
            (f"Stopped ne {ENUM}NoYes'No'", ["FY21-OLD"]),
            ("Name eq null", []),
        ],
    )
    def test_a_filter_finds_what_it_says(self, finance, text, models):
        assert [row["BudgetModel"] for row in finance.rows("BudgetModels", _filter=text)] == models

    @pytest.mark.parametrize(
        "text",
        [
            "Nope eq 'x'",
            "BudgetModel eq 1",
            "Stopped eq 'Yes'",
            "Stopped eq 1",
            f"Stopped eq {ENUM}NoYes'Perhaps'",
            f"Stopped eq {ENUM}BudgetType'Expense'",
            f"Stopped gt {ENUM}NoYes'No'",
            f"Stopped has {ENUM}NoYes'Yes'",
            "BudgetModel in ('FY22-OPS', 'FY22-CIP')",
            "BudgetModel eq 'FY22-OPS",
            "BudgetModel",
            "BudgetModel eq 'a' and 'b'",
            "",
        ],
    )
    def test_a_filter_that_finance_would_refuse_is_refused(self, finance, text):
        assert refusal(finance.get("BudgetModels", **{"$filter": text}))

    def test_dates_are_compared_as_instants_and_not_with_plain_dates(self, finance):
        noon = "StartDate eq 2021-07-01T12:00:00Z and Calendar eq 'Fiscal-Jul'"
        [period] = finance.rows("FiscalPeriods", _filter=noon)
        assert period["StartDate"] == "2021-07-01T12:00:00Z"
        assert (
            len(
                finance.rows("FiscalPeriods", _filter=noon.replace("12:00:00Z", "14:00:00%2B02:00".replace("%2B", "+")))
            )
            == 1
        )
        assert refusal(finance.get("FiscalPeriods", **{"$filter": "StartDate ge 2021-07-01"}))

    def test_an_empty_date_is_the_first_of_january_1900(self, finance):
        [account] = finance.rows("MainAccounts", _filter="MainAccountId eq '4400'")
        assert account["ActiveFrom"] == "1900-01-01T00:00:00Z"

    def test_a_filter_with_very_many_parts_is_an_error_of_the_client(self, finance):
        text = " or ".join(["Name eq 'x'"] * 1500)
        assert refusal(finance.get("BudgetModels", **{"$filter": text}))

    def test_order_skip_top_and_select(self, finance):
        query = {"$orderby": "BudgetModel desc", "$skip": "1", "$top": "2", "$select": "BudgetModel"}
        rows = finance.get("BudgetModels", **query).json()["value"]
        assert [{k: v for k, v in row.items() if "@" not in k} for row in rows] == [
            {"BudgetModel": "FY22-FCST"},
            {"BudgetModel": "FY22-CIP"},
        ]

    @pytest.mark.parametrize(
        "query",
        [
            {"$select": "Nope"},
            {"$orderby": "Nope"},
            {"$orderby": "Name sideways"},
            {"$top": "-1"},
            {"$skip": "two"},
            {"$count": "perhaps"},
            {"$search": "x"},
            {"$skiptoken": "x"},
            {"$expand": "Nope"},
        ],
        ids=lambda query: "".join(f"{k}={v}" for k, v in query.items()),
    )
    def test_an_option_that_cannot_be_read_is_refused(self, finance, query):
        assert refusal(finance.get("BudgetModels", **query))

    def test_the_count_stands_in_the_page_or_alone_behind_a_byte_order_mark(self, finance):
        page = finance.get("BudgetModels", **{"$count": "true", "$top": "1"}).json()
        assert (page["@odata.count"], len(page["value"])) == (4, 1)
        assert finance.get("BudgetModels/$count").content == b"\xef\xbb\xbf4"
        assert finance.get("BudgetModels/$count", **EVERYWHERE).content == b"\xef\xbb\xbf7"

    def test_a_wildcard_keeps_the_signs_of_a_pattern_plain(self, finance):
        assert finance.rows("BudgetModels", _filter="Name eq '*[a-z]*'") == []

    def test_the_scope_is_the_users_company_unless_all_are_asked_for(self, finance):
        assert {row["dataAreaId"] for row in finance.rows("BudgetModels")} == {"usmf"}
        everywhere = finance.get("BudgetModels", **EVERYWHERE).json()["value"]
        assert {row["dataAreaId"] for row in everywhere} == {"usmf", "demf", "ussi"}

    def test_pages_lead_to_each_other_until_the_last(self, finance):
        finance.wire.control.put("faults", {"page_size": 60})
        query = {"$filter": "FinancialDimension eq 'Fund' and LegalEntityId eq 'USMF'", "$select": "DimensionValue"}
        answer, values = finance.get("FinancialDimensionValues", **query).json(), []
        while True:
            values += [row["DimensionValue"] for row in answer["value"]]
            if "@odata.nextLink" not in answer:
                break
            assert len(answer["value"]) == 60
            answer = finance.wire.http.get(answer["@odata.nextLink"], headers=finance.headers).json()
        assert len(values) == len(set(values)) == 141

    @pytest.mark.parametrize(("accept", "shown"), [("none", []), ("minimal", ["@odata.context", "value"])])
    def test_the_metadata_level_is_the_one_that_was_asked_for(self, finance, accept, shown):
        answer = finance.get("Companies", headers={"Accept": f"application/json;odata.metadata={accept}"})
        assert f"odata.metadata={accept}" in answer.headers["content-type"]
        assert answer.headers["odata-version"] == "4.0"
        assert [name for name in answer.json() if name != "value" or shown] == shown
        assert all(name.startswith("@") is False or shown for row in answer.json()["value"] for name in row)

    def test_the_full_metadata_level_names_type_and_address(self, finance):
        answer = finance.get("Companies", headers={"Accept": "application/json;odata.metadata=full"}, **{"$top": "1"})
        [row] = answer.json()["value"]
        assert row["@odata.type"] == f"#{ENUM}Company"
        assert finance.wire.http.get(row["@odata.id"], headers=finance.headers).json()["DataArea"] == row["DataArea"]

    def test_what_is_not_there_is_answered_by_the_routing_layer(self, finance):
        answer = finance.get("NoSuchThings")
        assert answer.status_code == 404
        assert answer.json()["Message"].startswith("No HTTP resource was found")

    @pytest.mark.parametrize("name", ["Ledgers", "BudgetModels", "BudgetDimensions", "DataManagementDefinitionGroups"])
    def test_the_eight_sets_need_the_role(self, wire, name):
        assert "role" in refusal(Service(wire, "installer").get(name), 403)


class TestKeys:
    def test_the_parts_of_a_key_come_in_any_order(self, finance):
        for key in ("dataAreaId='usmf',BudgetModel='FY22-OPS'", "BudgetModel='FY22-OPS', dataAreaId='usmf'"):
            answer = finance.get(f"BudgetModels({key})")
            assert answer.json()["Name"] == "Operating budget"
            assert answer.json()["@odata.context"].endswith("$metadata#BudgetModels/$entity")

    def test_a_single_key_needs_no_name(self, finance):
        assert finance.get("Ledgers('DEMF')").json()["AccountingCurrency"] == "EUR"
        assert finance.get("DimensionParameters(0)").json()["DimensionSegmentDelimiter"] == "Bar"

    @pytest.mark.parametrize(
        "key",
        [
            "dataAreaId='usmf'",
            "dataAreaId='usmf',dataAreaId='usmf'",
            "dataAreaId='usmf',Name='x'",
            "'usmf'",
            "",
            "dataAreaId=usmf,BudgetModel=1",
        ],
    )
    def test_an_incomplete_or_wrong_key_is_refused(self, finance, key):
        assert finance.get(f"BudgetModels({key})").status_code == 400

    def test_a_row_that_is_not_there_is_404(self, finance):
        assert refusal(finance.get("BudgetModels(dataAreaId='usmf',BudgetModel='NOPE')"), 404)

    def test_another_companys_row_needs_all_companies(self, finance):
        path = "BudgetModels(dataAreaId='demf',BudgetModel='DE-OPS')"
        assert finance.get(path).status_code == 404
        assert finance.get(path, **EVERYWHERE).status_code == 200

    @pytest.mark.parametrize(
        ("value", "written"), [("O'Brien", "O%27%27Brien"), ("a/b", "a%2Fb"), ("x(1)=y, z", "x(1)%3Dy,%20z")]
    )
    def test_signs_of_the_address_can_stand_in_a_key(self, finance, value, written):
        finance.wire.control.put("rows/BudgetModels", {"dataAreaId": "usmf", "BudgetModel": value})
        found = finance.get(f"BudgetModels(dataAreaId='usmf',BudgetModel='{written}')")
        assert found.json()["BudgetModel"] == value

    def test_a_key_with_an_enumeration_is_found_unless_the_mode_says_404(self, finance):
        kind = f"{ENUM}DimensionHierarchyType'DataEntityBudgetDimensionFormat'"
        path = f"DimensionIntegrationFormats(DimensionFormatName='BudgetRegister',DimensionFormatType={kind})"
        assert finance.get(path).json()["IsActive"] == "Yes"
        assert finance.get(path.replace("DimensionHierarchyType'", "NoYes'")).status_code == 400
        finance.wire.control.put("faults", {"enum_key_404": True})
        assert finance.get(path).status_code == 404
        assert len(finance.rows("DimensionIntegrationFormats", _filter="DimensionFormatName eq 'BudgetRegister'")) == 1

    def test_navigation_leads_on_from_a_row(self, finance):
        path = "BudgetSubModels(dataAreaId='usmf',BudgetModel='FY22-OPS',Submodel='FY22-FCST')/BudgetModelSubmodels"
        assert finance.get(path).json()["Name"] == "Forecast"


class TestSwitchedOff:
    def test_without_the_wire_of_finance_a_client_meets_the_naive_thing(self, finance):
        modes = {"switched_off": ["finance-wire"], "page_size": 2, "finance_busy": 1}
        finance.wire.control.put("faults", modes)
        answer = finance.get("BudgetModels", **{"$orderby": "Stopped desc"}).json()
        assert len(answer["value"]) == 7
        assert "@odata.nextLink" not in answer
        assert answer["value"][0]["Stopped"] == 1
        assert finance.get("BudgetModels/$count").content == b"7"


class TestBusy:
    def test_a_share_of_the_calls_is_answered_busy(self, finance):
        finance.wire.control.put("faults", {"finance_busy": 0.5, "finance_busy_seconds": 3})
        answers = [finance.get("Companies") for _ in range(6)]
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 3
        busy = next(answer for answer in answers if answer.status_code == 429)
        assert busy.headers["retry-after"] == "3"
        assert busy.json()["error"]["message"] == BUSY

    def test_actions_are_busy_too_and_dataverse_is_not(self, finance):
        finance.wire.control.put("faults", {"finance_busy": 1})
        assert finance.wire.act("GetAzureWriteUrl", uniqueFileName="x.zip").status_code == 429
        assert finance.wire.dataverse("WhoAmI").status_code == 200

    def test_a_scripted_fault_uses_the_same_words(self, finance):
        fault = {"call": "Companies", "kind": "status", "status": 429, "retry_after": "7"}
        finance.wire.control.faults(fault)
        answer = finance.get("Companies")
        assert (answer.status_code, answer.headers["retry-after"], refusal(answer, 429)) == (429, "7", BUSY)


def test_amounts_keep_every_digit(finance):
    amount = "12345678901234567890.123456"
    row = {"RateTypeName": "Budget", "FromCurrency": "EUR", "ToCurrency": "USD", "StartDate": "2021-01-01T12:00:00Z"}
    finance.wire.control.put("rows/ExchangeRates", row | {"Rate": amount})
    text = finance.get("ExchangeRates", **{"$filter": f"Rate eq {amount}"}).text
    assert f'"Rate":{amount}' in text
    assert json.loads(text, parse_float=Decimal)["value"][0]["Rate"] == Decimal(amount)


def test_a_share_that_is_none_is_refused_by_the_control_side(finance):
    with pytest.raises(HTTPError):
        finance.wire.control.put("faults", {"finance_busy": "often"})


@pytest.mark.parametrize("body", [{"uniqueFileName": 5}, {"uniqueFileName": {}}, {"fileName": "x.zip"}], ids=str)
def test_an_action_takes_its_own_parameters_of_their_types_only(finance, body):
    path = f"DataManagementDefinitionGroups/{ENUM}GetAzureWriteUrl"
    assert "parameter" in refusal(finance.call("POST", path, body))
