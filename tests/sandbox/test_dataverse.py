"""Dataverse's Web API over HTTP: reading, writing, batches, definitions, flows, virtual entities, limits."""

import json
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from sandbox.dataverse.protection import Limits, too_long, too_many, too_wide
from tests.stack import until

ACCOUNTS, CUBES = "msdyn_xpnadim_accounts", "msdyn_xpnacube_opexplans"
CUBE, ACCOUNT = "msdyn_xpnacube_opexplan", "msdyn_xpnadim_account"
VARIABLE = "msdyn_xpna_BPPAppFinOpsURI"
VALUES = "environmentvariabledefinition_environmentvariablevalue"
CATALOG = "mserp_financeandoperationsentities"
FORMATTED = "@OData.Community.Display.V1.FormattedValue"
ALL = {"Prefer": 'odata.include-annotations="*"'}
NOBODY = "00000000-0000-0000-0000-000000000001"


class Dataverse:
    """Calls of one user, who signed in once."""

    def __init__(self, wire, user="owner"):
        self.wire, self.root = wire, f"{wire.facts['dataverse_url']}/api/data/v9.2"
        self.headers = wire.bearer(wire.facts["dataverse_url"], user)

    def ask(self, method, path, body=None, headers=None, **query):
        url = path if path.startswith("http") else f"{self.root}/{path}"
        content = None if body is None else json.dumps(body)
        sent = {"Content-Type": "application/json", **self.headers, **(headers or {})}
        return self.wire.http.request(method, url, content=content, headers=sent, params=query or None)

    def get(self, path, headers=None, **query):
        return self.ask("GET", path, headers=headers, **{f"${name}": value for name, value in query.items()})

    def rows(self, path, headers=None, **query):
        answer = self.get(path, headers, **query)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_float=Decimal)["value"]

    def make(self, path, **body):
        answer = self.ask("POST", path, body)
        assert answer.status_code == 204, answer.text
        return re.search(r"\(([0-9a-f-]{36})\)$", answer.headers["odata-entityid"])[1]

    def batch(self, text, headers=None):
        sent = {**self.headers, "Content-Type": 'multipart/mixed; boundary="b"', **(headers or {})}
        body = text if isinstance(text, bytes) else text.replace("\n", "\r\n").encode()
        return self.wire.http.post(f"{self.root}/$batch", content=body, headers=sent)


@pytest.fixture
def dataverse(wire):
    return Dataverse(wire)


def error(answer):
    return answer.status_code, answer.json()["error"]["code"]


class TestEnvelope:
    def test_who_am_i_is_a_row_of_the_users(self, dataverse):
        me = dataverse.get("WhoAmI").json()["UserId"]
        assert dataverse.get("WhoAmI()").json()["UserId"] == me
        assert dataverse.get(f"systemusers({me})").json()["internalemailaddress"] == "owner@contoso.example"

    def test_every_answer_has_its_id_version_and_remaining_limits(self, dataverse):
        for path in ("WhoAmI", "nothings"):
            answer = dataverse.get(path)
            assert uuid.UUID(answer.headers["req_id"])
            assert answer.headers["odata-version"] == "4.0"
        first, second = (dataverse.get("WhoAmI").headers for _ in range(2))
        name = "x-ms-ratelimit-burst-remaining-xrm-requests"
        assert int(first[name]) == int(second[name]) + 1
        assert first["x-ms-ratelimit-time-remaining-xrm-requests"].startswith("1,")

    def test_errors_have_annotations_when_they_are_asked_for(self, dataverse):
        plain = dataverse.get("nothings").json()["error"]
        assert plain == {"code": "0x80060888", "message": "Resource not found for the segment 'nothings'."}
        full = dataverse.get("nothings", ALL).json()["error"]
        assert full["@Microsoft.PowerApps.CDS.InnerError.Message"] == plain["message"]
        assert {"@Microsoft.PowerApps.CDS.HelpLink", "@Microsoft.PowerApps.CDS.TraceText"} < set(full)

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "nothings", 404),
            ("GET", f"{ACCOUNTS}({NOBODY})", 404),
            ("GET", f"{ACCOUNTS}(msdyn_name='nobody')", 404),
            ("GET", f"{ACCOUNTS}(nothing='x')", 400),
            ("GET", f"{ACCOUNTS}?$filter=nothing eq 1", 400),
            ("GET", f"{ACCOUNTS}?$filter=msdyn_name eq", 400),
            ("GET", f"{ACCOUNTS}?$select=nothing", 400),
            ("GET", f"{ACCOUNTS}?$orderby=msdyn_name upwards", 400),
            ("GET", f"{ACCOUNTS}?$expand=nothing", 400),
            ("GET", f"{ACCOUNTS}?$top=-1", 400),
            ("GET", f"{ACCOUNTS}?$skip=1", 400),
            ("GET", f"{ACCOUNTS}?$nothing=1", 400),
            ("GET", f"{ACCOUNTS}?$apply=groupby((msdyn_name))", 501),
            ("PUT", ACCOUNTS, 405),
            ("DELETE", ACCOUNTS, 405),
            ("GET", f"{ACCOUNTS}/Microsoft.Dynamics.CRM.CreateMultiple", 405),
            ("POST", "WhoAmI", 405),
            ("GET", "RelationshipDefinitions", 501),
        ],
    )
    def test_what_is_wrong_is_refused_in_the_envelope(self, dataverse, method, path, status):
        answer = dataverse.ask(method, path)
        assert answer.status_code == status
        assert re.fullmatch("0x[0-9a-f]{8}", answer.json()["error"]["code"])

    def test_a_user_of_no_use_is_refused(self, wire, dataverse):
        me = dataverse.get("WhoAmI").json()["UserId"]
        assert dataverse.ask("PATCH", f"systemusers({me})", {"isdisabled": True}).status_code == 204
        assert error(dataverse.get("WhoAmI")) == (403, "0x80040225")
        assert Dataverse(wire, "planner").get("WhoAmI").status_code == 200
        dataverse.headers = {}
        assert dataverse.get("WhoAmI").status_code == 401


class TestReading:
    def test_one_row_by_id_and_by_alternate_key(self, dataverse):
        [first] = dataverse.rows(ACCOUNTS, filter="msdyn_name eq 'Civilian Salaries'")
        by_id = dataverse.get(f"{ACCOUNTS}({first[ACCOUNT + 'id']})", select="msdyn_accounttype").json()
        by_key = dataverse.get(f"{ACCOUNTS}(msdyn_name='Civilian Salaries')").json()
        assert by_id["msdyn_accounttype"] == by_key["msdyn_accounttype"] == "Expense"
        assert by_id["@odata.context"].endswith(f"#{ACCOUNTS}(msdyn_accounttype)/$entity")
        assert by_key["@odata.etag"].startswith('W/"')

    def test_an_unchanged_row_need_not_be_sent_again(self, dataverse):
        path = f"{ACCOUNTS}(msdyn_name='Civilian Salaries')"
        tag = dataverse.get(path).json()["@odata.etag"]
        assert dataverse.get(path, {"If-None-Match": tag}).status_code == 304
        assert dataverse.get(path, {"If-None-Match": "null"}).status_code == 200

    def test_names_of_links_options_and_numbers_are_annotated_on_request(self, dataverse):
        [row] = dataverse.rows(CUBES, ALL, filter="msdyn_amount eq 7919.01")
        link = "_msdyn_xpnadim_account_value"
        assert row[link + FORMATTED] == row["msdyn_xpnadim_accountname"]
        assert row[link + "@Microsoft.Dynamics.CRM.lookuplogicalname"] == ACCOUNT
        assert row["statecode" + FORMATTED] == "Active"
        assert row["msdyn_amount" + FORMATTED] == "7,919.01"
        only = {"Prefer": f'odata.include-annotations="{FORMATTED[1:]}"'}
        [row] = dataverse.rows(CUBES, only, filter="msdyn_amount eq 7919.01")
        assert not [name for name in row if "lookuplogicalname" in name]
        [row] = dataverse.rows(CUBES, filter="msdyn_amount eq 7919.01")
        assert not [name for name in row if FORMATTED in name]

    def test_amounts_keep_every_digit(self, dataverse):
        row_id = dataverse.ask("POST", CUBES, None, {"x": "y"})
        text = '{"msdyn_amount": 99999999999.99}'
        sent = {**dataverse.headers, "Content-Type": "application/json", "Prefer": "return=representation"}
        made = dataverse.wire.http.post(f"{dataverse.root}/{CUBES}", content=text, headers=sent)
        assert row_id.status_code == 204
        assert '"msdyn_amount":99999999999.99' in made.text

    def test_rows_are_expanded_along_links_and_collections(self, dataverse):
        [row] = dataverse.rows(
            CUBES,
            filter="msdyn_amount eq 7919.01",
            select="msdyn_amount",
            expand=f"{ACCOUNT}($select=msdyn_name),msdyn_xpnadim_fund",
        )
        assert set(row[ACCOUNT]) == {"@odata.etag", "msdyn_name", f"{ACCOUNT}id"}
        assert row["msdyn_xpnadim_fund"]["msdyn_name"]
        [user] = dataverse.rows(
            "systemusers",
            filter="internalemailaddress eq 'owner@contoso.example'",
            expand="systemuserroles_association($select=name;$orderby=name;$filter=name ne 'x')",
        )
        assert [role["name"] for role in user["systemuserroles_association"]] == ["Basic User", "BPP Power User"]

    def test_a_filter_may_look_at_the_linked_row(self, dataverse):
        condition = f"{ACCOUNT}/msdyn_accounttype eq 'Revenue' and msdyn_xpnadim_fund/msdyn_name eq '1010'"
        found = dataverse.rows(CUBES, filter=condition, expand=ACCOUNT, top="3")
        assert [row[ACCOUNT]["msdyn_accounttype"] for row in found] == ["Revenue"] * 3

    def test_a_property_a_link_and_a_collection_have_addresses(self, dataverse):
        [row] = dataverse.rows(CUBES, filter="msdyn_amount eq 7919.01")
        address = f"{CUBES}({row[CUBE + 'id']})"
        assert dataverse.get(f"{address}/msdyn_date").json()["value"] == "2021-08-01"
        assert dataverse.get(f"{address}/{ACCOUNT}", select="msdyn_name").json()["msdyn_name"]
        me = dataverse.get("WhoAmI").json()["UserId"]
        path = f"systemusers({me})/systemuserroles_association"
        assert {role["name"] for role in dataverse.rows(path, select="name")} == {"Basic User", "BPP Power User"}
        assert dataverse.get(f"{path}/$count").text == "2"

    def test_the_tables_are_described(self, dataverse):
        [table] = dataverse.rows(
            "EntityDefinitions",
            filter=f"LogicalName eq '{CUBE}'",
            select="LogicalName,EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute",
        )
        assert (table["EntitySetName"], table["PrimaryIdAttribute"]) == (CUBES, f"{CUBE}id")
        assert table["PrimaryNameAttribute"] == f"{CUBE}_name"
        columns = {c["LogicalName"]: c for c in dataverse.rows(f"EntityDefinitions(LogicalName='{CUBE}')/Attributes")}
        assert columns["msdyn_amount"]["AttributeType"] == "Decimal"
        assert columns["msdyn_amount"]["@odata.type"] == "#Microsoft.Dynamics.CRM.DecimalAttributeMetadata"
        assert columns[ACCOUNT]["Targets"] == [ACCOUNT]
        path = "EntityDefinitions(LogicalName='workflow')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
        found = dataverse.rows(path, select="LogicalName", expand="OptionSet($select=Options)")
        options = {c["LogicalName"]: [o["Value"] for o in c["OptionSet"]["Options"]] for c in found}
        assert options["type"] == [1, 2, 3]
        keys = dataverse.rows(f"EntityDefinitions(LogicalName='{CUBE}')/Keys")
        assert keys[0]["SchemaName"] == "DimensionSetAltKey"
        assert len(keys[0]["KeyAttributes"]) == 3

    def test_functions_over_definitions_are_not_offered(self, dataverse):
        assert dataverse.get("EntityDefinitions", filter="startswith(LogicalName,'msdyn')").status_code == 501
        assert dataverse.get("EntityDefinitions(LogicalName='nothing')").status_code == 404

    def test_sql_sums_lose_no_digit(self, dataverse):
        for amount in ("0.1", "0.2", "99999999999.99"):
            text = f'{{"msdyn_amount": {amount}, "{CUBE}_name": "mine"}}'
            sent = {**dataverse.headers, "Content-Type": "application/json"}
            dataverse.wire.http.post(f"{dataverse.root}/{CUBES}", content=text, headers=sent)
        sql = f"SELECT SUM(msdyn_amount) AS total, COUNT(*) AS n FROM {CUBE} WHERE {CUBE}_name = 'mine'"
        answer = dataverse.ask("GET", CUBES, sql=sql)
        assert json.loads(answer.text, parse_float=str)["value"] == [{"total": "100000000000.29", "n": 3}]

    @pytest.mark.parametrize(
        "sql",
        [
            f"SELECT * FROM {CUBE}",
            "SELECT name FROM sqlite_master",
            f"SELECT nothing FROM {CUBE}",
            f"DELETE FROM {CUBE}",
            f"SELECT msdyn_date FROM {CUBE}; SELECT msdyn_date FROM {CUBE}",
            f"SELECT msdyn_date FROM {CUBE} UNION SELECT msdyn_date FROM {CUBE}",
            "nonsense",
        ],
    )
    def test_other_sql_is_refused(self, dataverse, sql):
        assert dataverse.ask("GET", CUBES, sql=sql).status_code == 400

    def test_the_sets_are_listed(self, dataverse):
        assert {CUBES, "workflows", "mserp_ledgerentities"} <= {item["name"] for item in dataverse.rows("")}


class TestPages:
    def test_a_cookie_leads_from_page_to_page(self, dataverse):
        seen, sizes, url, query = [], [], CUBES, {"select": "msdyn_amount"}
        while url and len(sizes) < 10:
            page = dataverse.get(url, **query).json()
            sizes.append(len(page["value"]))
            seen += [row[f"{CUBE}id"] for row in page["value"]]
            url, query = page.get("@odata.nextLink"), {}
        assert sizes == [5000, 5000, 2636]
        assert len(set(seen)) == 12636

    def test_the_cookie_is_good_only_unchanged(self, dataverse):
        link = dataverse.get(CUBES, {"Prefer": "odata.maxpagesize=10"}).json()["@odata.nextLink"]
        assert "pagenumber" in link
        assert "pagingcookie" in link
        assert len(dataverse.get(link, {"Prefer": "odata.maxpagesize=10"}).json()["value"]) == 10
        for changed in (
            link.replace("pagenumber%3D%222", "pagenumber%3D%223"),
            link.replace("offset", "0ffset"),
            re.sub(r"skiptoken=.*", "skiptoken=10", link),
            link.replace(CUBES, ACCOUNTS),
            link + "&$filter=msdyn_amount%20gt%201",
        ):
            assert changed != link
            assert dataverse.get(changed).status_code == 400

    def test_rows_that_come_meanwhile_do_not_shift_the_pages(self, dataverse):
        small = {"Prefer": "odata.maxpagesize=20"}
        page = dataverse.get(ACCOUNTS, small).json()
        first = page["value"][0][f"{ACCOUNT}id"]
        dataverse.ask("PATCH", f"{ACCOUNTS}(00000000-0000-0000-0000-000000000000)", {"msdyn_name": "first of all"})
        rest = dataverse.get(page["@odata.nextLink"], small).json()["value"]
        assert first not in {row[f"{ACCOUNT}id"] for row in rest}
        assert len(rest) == 19

    def test_a_preferred_size_is_applied_up_to_the_limit(self, dataverse):
        answer = dataverse.get(CUBES, {"Prefer": "odata.maxpagesize=7"})
        assert len(answer.json()["value"]) == 7
        assert answer.headers["preference-applied"] == "odata.maxpagesize=7"
        answer = dataverse.get(CUBES, {"Prefer": "odata.maxpagesize=9000"}, select="msdyn_amount")
        assert len(answer.json()["value"]) == 5000

    def test_top_ends_without_a_next_page(self, dataverse):
        page = dataverse.get(CUBES, {"Prefer": "odata.maxpagesize=2"}, top="3").json()
        assert len(page["value"]) == 3
        assert "@odata.nextLink" not in page

    def test_counting_stops_at_5000(self, dataverse):
        page = dataverse.get(CUBES, ALL, count="true", top="1").json()
        assert page["@odata.count"] == 5000
        assert page["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] is True
        assert dataverse.get(f"{CUBES}/$count").text == "5000"
        assert dataverse.get(ACCOUNTS, count="true").json()["@odata.count"] == 39

    def test_switched_off_everything_comes_in_one_page(self, wire, dataverse):
        wire.control.put("faults", {"switched_off": ["dataverse-paging"], "service_protection": {"requests": 1}})
        page = dataverse.get(CUBES, select="msdyn_amount", count="true").json()
        assert (len(page["value"]), page["@odata.count"]) == (12636, 12636)
        assert dataverse.get("WhoAmI").status_code == 200


class TestWriting:
    def test_a_new_row_has_an_address_or_comes_back(self, dataverse):
        answer = dataverse.ask("POST", ACCOUNTS, {"msdyn_name": "n1"})
        assert (answer.status_code, answer.text) == (204, "")
        assert answer.headers["odata-entityid"].startswith(f"{dataverse.root}/{ACCOUNTS}(")
        answer = dataverse.ask("POST", ACCOUNTS, {"msdyn_name": "n2"}, {"Prefer": "return=representation"})
        assert (answer.status_code, answer.json()["msdyn_name"]) == (201, "n2")
        assert answer.headers["preference-applied"] == "return=representation"

    def test_a_patch_creates_or_updates_as_its_headers_allow(self, dataverse):
        path, row_id = f"{ACCOUNTS}(msdyn_name='n')", str(uuid.uuid4())
        assert error(dataverse.ask("PATCH", path, {}, {"If-Match": "*"})) == (404, "0x80060891")
        assert dataverse.ask("PATCH", path, {"msdyn_description": "1"}).status_code == 204
        assert dataverse.get(path).json()["msdyn_description"] == "1"
        assert error(dataverse.ask("PATCH", path, {}, {"If-None-Match": "*"})) == (412, "0x80040237")
        tag = dataverse.get(path).json()["@odata.etag"]
        assert dataverse.ask("PATCH", path, {"msdyn_description": "2"}, {"If-Match": tag}).status_code == 204
        assert error(dataverse.ask("PATCH", path, {"msdyn_description": "3"}, {"If-Match": tag})) == (412, "0x80060882")
        assert error(dataverse.ask("DELETE", path, None, {"If-Match": tag})) == (412, "0x80060882")
        assert dataverse.get(path).json()["msdyn_description"] == "2"
        preferred = {"Prefer": "return=representation"}
        assert dataverse.ask("PATCH", f"{ACCOUNTS}({row_id})", {"msdyn_name": "m"}, preferred).status_code == 201
        assert dataverse.ask("PATCH", f"{ACCOUNTS}({row_id})", {"msdyn_name": "o"}, preferred).status_code == 200
        assert dataverse.get(f"{ACCOUNTS}({row_id})").json()["msdyn_name"] == "o"

    def test_a_row_is_deleted_once(self, dataverse):
        row_id = dataverse.make(ACCOUNTS, msdyn_name="n")
        assert dataverse.ask("DELETE", f"{ACCOUNTS}({row_id})").status_code == 204
        assert error(dataverse.ask("DELETE", f"{ACCOUNTS}({row_id})")) == (404, "0x80040217")

    def test_a_key_is_taken_once(self, dataverse):
        dataverse.make(ACCOUNTS, msdyn_name="n")
        assert error(dataverse.ask("POST", ACCOUNTS, {"msdyn_name": "N"})) == (412, "0x80040237")

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"nothing": 1}, "The property 'nothing' does not exist on type"),
            ({"msdyn_amount": "1"}, "Cannot convert the literal '1' to the expected type 'Edm.Decimal'"),
            ({"msdyn_amount": 100000000001}, "outside the valid range"),
            ({"msdyn_date": "01.07.2021"}, "Edm.Date"),
            ({"msdyn_date": "2021-07-01x"}, "Edm.Date"),
            ({"statecode": 7}, "Accepted Values: 0,1"),
            ({f"{CUBE}_name": "x" * 201}, "maximum allowed length of '200'"),
            ({f"_{ACCOUNT}_value": NOBODY}, "Use Navigation properties instead"),
            ({f"{ACCOUNT}@odata.bind": f"/{ACCOUNTS}({NOBODY})"}, "Does Not Exist"),
            ({f"{ACCOUNT}@odata.bind": f"/{CUBES}({NOBODY})"}, "Invalid entity reference"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, dataverse, body, words):
        answer = dataverse.ask("POST", CUBES, body)
        assert answer.status_code in (400, 404)
        assert words in answer.json()["error"]["message"]

    def test_links_are_bound_by_any_form_of_address(self, dataverse):
        account = dataverse.rows(ACCOUNTS, top="1")[0]
        key = account[f"{ACCOUNT}id"]
        for address in (
            f"/{ACCOUNTS}({key})",
            f"{ACCOUNTS}({key})",
            f"{dataverse.root}/{ACCOUNTS}({key})",
            f"/{ACCOUNTS}(msdyn_name='{account['msdyn_name']}')",
        ):
            row = dataverse.make(CUBES, **{f"{ACCOUNT}@odata.bind": address})
            assert dataverse.get(f"{CUBES}({row})").json()[f"_{ACCOUNT}_value"] == key
            assert dataverse.ask("PATCH", f"{CUBES}({row})", {ACCOUNT: None}).status_code == 204
            assert dataverse.get(f"{CUBES}({row})").json()[f"_{ACCOUNT}_value"] is None

    def test_a_value_that_a_cube_uses_stays(self, dataverse):
        answer = dataverse.ask("DELETE", f"{ACCOUNTS}(msdyn_name='Civilian Salaries')")
        assert answer.status_code == 400
        assert "used by" in answer.json()["error"]["message"]

    def test_roles_say_who_may_change_a_cube(self, wire, dataverse):
        viewer = Dataverse(wire, "reviewer")
        me = viewer.get("WhoAmI").json()["UserId"]
        answer = viewer.ask("POST", CUBES, {"msdyn_amount": 1})
        assert error(answer) == (403, "0x80040220")
        assert f"User with id {me} doesn't have CreateAccess right(s) for record with id" in answer.text
        assert viewer.rows(CUBES, top="1")
        [role] = dataverse.rows("roles", filter="name eq 'BPP Limited Contributor'")
        link = f"systemusers({me})/systemuserroles_association"
        body = {"@odata.id": f"{dataverse.root}/roles({role['roleid']})"}
        assert dataverse.ask("POST", f"{link}/$ref", body).status_code == 204
        assert viewer.ask("POST", CUBES, {"msdyn_amount": 1}).status_code == 204
        assert viewer.ask("POST", ACCOUNTS, {"msdyn_name": "n"}).status_code == 403
        assert dataverse.ask("DELETE", f"{link}({role['roleid']})/$ref").status_code == 204
        assert viewer.ask("POST", CUBES, {"msdyn_amount": 1}).status_code == 403


class TestMultiple:
    TYPE = {"@odata.type": f"Microsoft.Dynamics.CRM.{ACCOUNT}"}

    def act(self, dataverse, message, *rows):
        path = f"{ACCOUNTS}/Microsoft.Dynamics.CRM.{message}"
        return dataverse.ask("POST", path, {"Targets": [{**self.TYPE, **row} for row in rows]})

    def test_create_multiple_answers_with_the_ids_in_order(self, dataverse):
        answer = self.act(dataverse, "CreateMultiple", *({"msdyn_name": f"n{n}"} for n in range(3)))
        assert answer.status_code == 200
        assert answer.json()["@odata.context"].endswith("#Microsoft.Dynamics.CRM.CreateMultipleResponse")
        names = [dataverse.get(f"{ACCOUNTS}({row_id})").json()["msdyn_name"] for row_id in answer.json()["Ids"]]
        assert names == ["n0", "n1", "n2"]

    @pytest.mark.parametrize("message", ["CreateMultiple", "UpdateMultiple", "UpsertMultiple"])
    def test_one_bad_row_leaves_nothing_changed(self, dataverse, message):
        row_id = dataverse.make(ACCOUNTS, msdyn_name="n")
        good = {"msdyn_name": "changed"} | ({} if message == "CreateMultiple" else {f"{ACCOUNT}id": row_id})
        before = dataverse.get(f"{ACCOUNTS}/$count").text
        assert self.act(dataverse, message, good, {"nothing": 1}).status_code in (400, 404)
        assert dataverse.get(f"{ACCOUNTS}({row_id})").json()["msdyn_name"] == "n"
        assert dataverse.get(f"{ACCOUNTS}/$count").text == before

    def test_update_multiple_finds_rows_by_their_id(self, dataverse):
        ids = self.act(dataverse, "CreateMultiple", {"msdyn_name": "a"}, {"msdyn_name": "b"}).json()["Ids"]
        answer = self.act(dataverse, "UpdateMultiple", *({f"{ACCOUNT}id": i, "msdyn_description": "d"} for i in ids))
        assert (answer.status_code, answer.text) == (204, "")
        assert len(dataverse.rows(ACCOUNTS, filter="msdyn_description eq 'd'")) == 2
        assert self.act(dataverse, "UpdateMultiple", {f"{ACCOUNT}id": NOBODY}).status_code == 404

    def test_upsert_multiple_finds_rows_by_key_and_answers_nothing(self, dataverse):
        row_id = dataverse.make(ACCOUNTS, msdyn_name="a")
        answer = self.act(
            dataverse,
            "UpsertMultiple",
            {f"{ACCOUNT}id": row_id, "msdyn_description": "by id"},
            {"@odata.id": f"{ACCOUNTS}(msdyn_name='b')", "msdyn_description": "new"},
            {"@odata.id": f"{ACCOUNTS}(msdyn_name='Civilian Salaries')", "msdyn_description": "by key"},
        )
        assert (answer.status_code, answer.text) == (204, "")
        found = {row["msdyn_name"]: row["msdyn_description"] for row in dataverse.rows(ACCOUNTS)}
        assert (found["a"], found["b"], found["Civilian Salaries"]) == ("by id", "new", "by key")

    def test_facts_are_upserted_by_their_dimensions(self, dataverse):
        [fact] = dataverse.rows(CUBES, filter="msdyn_amount eq 7919.01")
        key = ",".join(f"{name}={fact[name]}" for name in sorted(fact) if name.startswith("_msdyn_xpnadim"))
        target = {
            "@odata.type": f"Microsoft.Dynamics.CRM.{CUBE}",
            "@odata.id": f"{CUBES}({key})",
            "msdyn_amount": 0.5,
        }
        for _ in range(2):
            path = f"{CUBES}/Microsoft.Dynamics.CRM.UpsertMultiple"
            assert dataverse.ask("POST", path, {"Targets": [target]}).status_code == 204
        assert [row[f"{CUBE}id"] for row in dataverse.rows(CUBES, filter="msdyn_amount eq 0.5")] == [fact[f"{CUBE}id"]]

    @pytest.mark.parametrize(
        "body",
        [{}, {"Targets": []}, {"Targets": [{"msdyn_name": "x"}]}, {"Targets": [{"@odata.type": "x"}]}],
        ids=["nothing", "empty", "untyped", "of another type"],
    )
    def test_targets_say_what_they_are(self, dataverse, body):
        assert dataverse.ask("POST", f"{ACCOUNTS}/Microsoft.Dynamics.CRM.CreateMultiple", body).status_code == 400


POST = """--{boundary}
Content-Type: application/http
Content-Transfer-Encoding: binary
{head}
POST /api/data/v9.2/{path} HTTP/1.1
Content-Type: application/json; type=entry

{body}
"""
GET = """--b
Content-Type: application/http
Content-Transfer-Encoding: binary

GET {path} HTTP/1.1

"""


def post(body, *, path=ACCOUNTS, content_id=None, boundary="b"):
    head = f"Content-ID: {content_id}\n" if content_id else ""
    return POST.format(boundary=boundary, head=head, path=path, body=json.dumps(body))


def change_set(*parts):
    return 'Content-Type: multipart/mixed; boundary="c"'.join(["--b\n", f"\n\n{''.join(parts)}--c--\n"])


class TestBatch:
    def test_parts_are_answered_in_order(self, dataverse):
        path = f"{dataverse.root}/{ACCOUNTS}?$filter=msdyn_name eq 'n'"
        answer = dataverse.batch(post({"msdyn_name": "n"}) + GET.format(path=path) + "--b--\n")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("multipart/mixed; boundary=batchresponse_")
        assert re.findall(r"HTTP/1.1 (\d+)", answer.text) == ["204", "200"]
        assert '"msdyn_name":"n"' in answer.text
        assert "\n" not in answer.text.replace("\r\n", "")

    def test_the_first_error_ends_a_batch_unless_it_shall_go_on(self, dataverse):
        text = post({"nothing": 1}) + post({"msdyn_name": "n"}) + "--b--\n"
        answer = dataverse.batch(text)
        assert answer.status_code == 400
        assert re.findall(r"HTTP/1.1 (\d+)", answer.text) == ["400"]
        assert dataverse.get(f"{ACCOUNTS}(msdyn_name='n')").status_code == 404
        answer = dataverse.batch(text, {"Prefer": "odata.continue-on-error"})
        assert answer.status_code == 200
        assert re.findall(r"HTTP/1.1 (\d+)", answer.text) == ["400", "204"]

    def test_a_change_set_refers_to_what_it_made(self, dataverse):
        fact = {"msdyn_amount": 0.5, f"{ACCOUNT}@odata.bind": "$1"}
        answer = dataverse.batch(
            change_set(
                post({"msdyn_name": "n"}, content_id=1, boundary="c"),
                post(fact, path=CUBES, content_id=2, boundary="c"),
            )
            + "--b--\n"
        )
        assert answer.status_code == 200
        assert "boundary=changesetresponse_" in answer.text
        assert re.findall(r"Content-ID: (\d)", answer.text) == ["1", "2"]
        [row] = dataverse.rows(CUBES, filter=f"{ACCOUNT}/msdyn_name eq 'n'")
        assert row["msdyn_amount"] == Decimal("0.5")

    def test_a_change_set_is_carried_out_whole_or_not_at_all(self, dataverse):
        parts = (
            post({"msdyn_name": "n"}, content_id=1, boundary="c"),
            post({"nothing": 1}, content_id=2, boundary="c"),
        )
        answer = dataverse.batch(change_set(*parts) + "--b--\n")
        assert answer.status_code == 400
        assert re.findall(r"HTTP/1.1 (\d+)", answer.text) == ["400"]
        assert dataverse.get(f"{ACCOUNTS}(msdyn_name='n')").status_code == 404

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            (change_set(GET.format(path=ACCOUNTS).replace("--b", "--c")) + "--b--\n", "GET requests are not allowed"),
            (change_set(post({}, boundary="c")) + "--b--\n", "Content-ID header not present"),
            (
                change_set(post({f"{ACCOUNT}@odata.bind": "$9"}, path=CUBES, content_id=1, boundary="c")) + "--b--\n",
                "Content-ID Reference: '$9' does not exist in the batch context.",
            ),
            (GET.format(path="WhoAmI") * 1001 + "--b--\n", "1000"),
            (GET.format(path="WhoAmI"), "boundary"),
            ("nothing", "boundary"),
            ((GET.format(path="WhoAmI") + "--b--\n").encode(), "CRLF"),
        ],
        ids=["get", "no id", "unknown id", "too many", "no end", "no batch", "line feeds only"],
    )
    def test_a_broken_batch_is_refused(self, dataverse, text, words):
        answer = dataverse.batch(text)
        assert answer.status_code == 400
        assert words in answer.text

    def test_a_thousand_requests_are_not_too_many(self, dataverse):
        answer = dataverse.batch(GET.format(path="WhoAmI") * 1000 + "--b--\n")
        assert answer.status_code == 200
        assert answer.text.count("HTTP/1.1 200 OK") == 1000


class TestVariables:
    def definition(self, dataverse):
        [found] = dataverse.rows(
            "environmentvariabledefinitions",
            select="environmentvariabledefinitionid,schemaname,displayname,defaultvalue,type",
            filter=f"schemaname eq '{VARIABLE}'",
            expand=f"{VALUES}($select=environmentvariablevalueid,value,schemaname)",
        )
        return found

    def test_a_value_is_changed_removed_and_bound_anew(self, wire, dataverse):
        found = self.definition(dataverse)
        [value] = found[VALUES]
        assert (found["type"], value["value"]) == (100000000, wire.facts["finance_url"])
        address = f"environmentvariablevalues({value['environmentvariablevalueid']})"
        assert dataverse.ask("PATCH", address, {"value": "https://other.example"}).status_code == 204
        assert self.definition(dataverse)[VALUES][0]["value"] == "https://other.example"
        assert dataverse.ask("DELETE", address).status_code == 204
        assert self.definition(dataverse)[VALUES] == []
        bind = f"/environmentvariabledefinitions({found['environmentvariabledefinitionid']})"
        for name in ("EnvironmentVariableDefinitionId", "environmentvariabledefinitionid"):
            made = dataverse.make("environmentvariablevalues", value="x", **{f"{name}@odata.bind": bind})
            assert self.definition(dataverse)[VALUES][0]["schemaname"] == VARIABLE
            body = {"value": "y", f"{name}@odata.bind": bind}
            assert dataverse.ask("POST", "environmentvariablevalues", body).status_code == 412
            dataverse.ask("DELETE", f"environmentvariablevalues({made})")

    def test_a_value_needs_its_definition(self, dataverse):
        assert dataverse.ask("POST", "environmentvariablevalues", {"value": "x"}).status_code == 400

    def test_switched_off_a_removed_value_still_answers(self, wire, dataverse):
        wire.control.put(f"environment-variables/{VARIABLE}", {"value": None})
        assert self.definition(dataverse)[VALUES] == []
        wire.control.put("faults", {"switched_off": ["missing-variable"]})
        assert self.definition(dataverse)[VALUES][0]["value"] == wire.facts["finance_url"]


class TestFlows:
    def flow(self, dataverse, name="BREExportFnOStatusUpdate"):
        [found] = dataverse.rows("workflows", ALL, filter=f"name eq '{name}' and category eq 5")
        return found

    def connect(self, dataverse):
        path = "connectionreferences(connectionreferencelogicalname='msdyn_xpna_shareddynamicsax')"
        assert dataverse.ask("PATCH", path, {"connectionid": "0f"}, {"If-Match": "*"}).status_code == 204

    def turn(self, dataverse, state, **body):
        path = f"workflows({self.flow(dataverse)['workflowid']})"
        return dataverse.ask("PATCH", path, {"statecode": state, **body}, {"If-Match": "*"})

    def test_flows_come_owned_by_the_installer(self, dataverse):
        flow = self.flow(dataverse)
        assert flow["_ownerid_value" + FORMATTED] == "Alex Installer (User A)"
        assert (flow["statecode"], flow["statecode" + FORMATTED]) == (0, "Draft")
        references = json.loads(flow["clientdata"])["properties"]["connectionReferences"]
        assert set(references) == {"shared_commondataserviceforapps", "shared_dynamicsax"}
        assert self.flow(dataverse, "CountTotalCubeRows")["statecode"] == 1

    def test_a_flow_without_its_connection_stays_off(self, dataverse):
        refused = self.turn(dataverse, 1)
        assert refused.status_code == 400
        assert "ConnectionAuthorizationFailed" in refused.json()["error"]["message"]
        assert "shared_dynamicsax" in refused.json()["error"]["message"]
        assert self.flow(dataverse)["statecode"] == 0
        self.connect(dataverse)
        assert self.turn(dataverse, 1).status_code == 204
        assert (self.flow(dataverse)["statecode"], self.flow(dataverse)["statuscode"]) == (1, 2)
        assert self.turn(dataverse, 0).status_code == 204
        assert self.flow(dataverse)["statuscode"] == 1

    def test_the_owner_changes_together_with_the_state(self, dataverse):
        self.connect(dataverse)
        me = dataverse.get("WhoAmI").json()["UserId"]
        assert self.turn(dataverse, 1, **{"ownerid@odata.bind": f"systemusers({me})"}).status_code == 204
        assert self.flow(dataverse)["_ownerid_value"] == me
        assert self.turn(dataverse, 0, **{"ownerid@odata.bind": f"systemusers({NOBODY})"}).status_code == 404
        assert self.flow(dataverse)["statecode"] == 1

    def test_in_one_mode_a_flow_is_saved_before_it_goes_on(self, wire, dataverse):
        wire.control.put("faults", {"flow_save_first": True})
        self.connect(dataverse)
        clientdata = self.flow(dataverse)["clientdata"]
        assert self.turn(dataverse, 1).status_code == 400
        assert self.turn(dataverse, 1, clientdata=clientdata).status_code == 400
        assert self.turn(dataverse, 0, clientdata=clientdata).status_code == 204
        assert self.turn(dataverse, 1).status_code == 204


class TestVirtualEntities:
    def entry(self, dataverse, entity="BudgetModelEntity"):
        [found] = dataverse.rows(CATALOG, filter=f"mserp_physicalname eq '{entity}'")
        return f"{CATALOG}({found['mserp_financeandoperationsentityid']})"

    def test_rows_are_shown_as_virtual_tables_show_them(self, dataverse):
        found = dataverse.rows("mserp_budgetmodelentities", ALL, filter="mserp_dataareaid eq 'usmf'")
        row = next(item for item in found if item["mserp_budgetmodel"] == "FY21-OLD")
        assert row["mserp_primaryfield"] == "usmf|FY21-OLD"
        assert (row["mserp_stopped"] % 1000, row["mserp_stopped" + FORMATTED]) == (1, "Yes")
        assert row["_mserp_dataareaid_id_value" + FORMATTED] == "usmf"
        address = f"mserp_budgetmodelentities({row['mserp_budgetmodelentityid']})"
        assert dataverse.get(address).json()["mserp_budgetmodel"] == "FY21-OLD"
        stopped = dataverse.rows("mserp_budgetmodelentities", filter=f"mserp_stopped eq {row['mserp_stopped']}")
        assert {item["mserp_primaryfield"] for item in stopped} == {"usmf|FY21-OLD", "demf|DE-OLD"}

    def test_options_are_described_with_finances_own_names(self, dataverse):
        path = "EntityDefinitions(LogicalName='mserp_budgetcodeentity')/Attributes/"
        found = dataverse.rows(f"{path}Microsoft.Dynamics.CRM.PicklistAttributeMetadata", expand="OptionSet")
        [column] = [item for item in found if item["LogicalName"] == "mserp_budgettype"]
        labels = {o["ExternalValue"]: o["Label"]["UserLocalizedLabel"]["Label"] for o in column["OptionSet"]["Options"]}
        assert labels["Amendment"] == "Revision"

    def test_the_catalog_hides_and_shows_a_table(self, dataverse):
        entry = self.entry(dataverse)
        assert dataverse.ask("PATCH", entry, {"mserp_hasbeengenerated": False}).status_code == 204
        assert error(dataverse.get("mserp_budgetmodelentities")) == (404, "0x80060888")
        names = [item["LogicalName"] for item in dataverse.rows("EntityDefinitions", select="LogicalName")]
        assert "mserp_budgetmodelentity" not in names
        assert "mserp_budgetcodeentity" in names
        assert dataverse.ask("PATCH", entry, {"mserp_hasbeengenerated": True}).status_code == 204
        assert dataverse.get("mserp_budgetmodelentities").status_code == 200

    def test_generating_takes_a_while_and_one_at_a_time(self, wire, dataverse):
        models, codes = self.entry(dataverse), self.entry(dataverse, "BudgetCodeEntity")
        for entry in (models, codes):
            dataverse.ask("PATCH", entry, {"mserp_hasbeengenerated": False})
        wire.control.put("faults", {"generation_seconds": 3600})
        assert dataverse.ask("PATCH", models, {"mserp_hasbeengenerated": True}).status_code == 204
        assert dataverse.get("mserp_budgetmodelentities").status_code == 404
        for body in ({"mserp_hasbeengenerated": True}, {"mserp_refresh": True}):
            answer = dataverse.ask("PATCH", codes, body)
            assert answer.status_code == 400
            assert "PluginSqlLockManager failed to acquire lock" in answer.json()["error"]["message"]

    @pytest.mark.parametrize("early", [False, True])
    def test_the_flag_waits_for_the_table_unless_it_is_early(self, wire, dataverse, early):
        def flag():
            return dataverse.get(entry).json()["mserp_hasbeengenerated"]

        entry = self.entry(dataverse)
        dataverse.ask("PATCH", entry, {"mserp_hasbeengenerated": False})
        wire.control.put("faults", {"generation_seconds": 3600, "flag_early": early})
        dataverse.ask("PATCH", entry, {"mserp_hasbeengenerated": True})
        assert flag() is early
        assert dataverse.get("mserp_budgetmodelentities").status_code == 404

    def test_the_flag_comes_with_the_table(self, wire, dataverse):
        entry = self.entry(dataverse)
        dataverse.ask("PATCH", entry, {"mserp_hasbeengenerated": False})
        wire.control.put("faults", {"generation_seconds": 0.2})
        dataverse.ask("PATCH", entry, {"mserp_hasbeengenerated": True})
        until(lambda: dataverse.get(entry).json()["mserp_hasbeengenerated"], 20, "the flag is up")
        assert dataverse.get("mserp_budgetmodelentities").status_code == 200

    def test_after_a_while_the_table_is_there(self, wire, dataverse):
        entry = self.entry(dataverse)
        dataverse.ask("PATCH", entry, {"mserp_hasbeengenerated": False})
        wire.control.put("faults", {"generation_seconds": 0.2})
        dataverse.ask("PATCH", entry, {"mserp_hasbeengenerated": True})
        until(lambda: dataverse.get("mserp_budgetmodelentities").status_code == 200, 20, "the table is generated")
        until(lambda: dataverse.ask("PATCH", entry, {"mserp_refresh": True}).status_code == 204, 20, "the lock is free")
        assert dataverse.get("mserp_budgetmodelentities").status_code == 200

    def test_switched_off_every_table_is_there(self, wire, dataverse):
        entry = self.entry(dataverse)
        dataverse.ask("PATCH", entry, {"mserp_hasbeengenerated": False})
        wire.control.put("faults", {"switched_off": ["virtual-entities"], "generation_seconds": 3600})
        assert dataverse.get("mserp_budgetmodelentities").status_code == 200
        for body in ({"mserp_hasbeengenerated": True}, {"mserp_refresh": True}):
            assert dataverse.ask("PATCH", entry, body).status_code == 204

    def test_projects_are_written_through_to_finance(self, wire, dataverse):
        sets = ("mserp_datamanagementdefinitiongroupentities", "mserp_datamanagementdefinitiongroupdetailentities")
        assert dataverse.ask("POST", sets[0], {"mserp_name": "P1", "mserp_description": "d"}).status_code == 204
        body = {"mserp_definitiongroupid": "P1", "mserp_entityname": "Budget account entries"}
        detail = dataverse.make(sets[1], **body)
        found = wire.finance("DataManagementDefinitionGroups", **{"$filter": "Name eq 'P1'"}).json()["value"]
        assert [row["Description"] for row in found] == ["d"]
        row = dataverse.rows(sets[0], filter="mserp_name eq 'P1'")[0]
        address = f"{sets[0]}({row['mserp_datamanagementdefinitiongroupentityid']})"
        assert dataverse.ask("PATCH", address, {"mserp_description": "e"}).status_code == 204
        assert dataverse.get(address).json()["mserp_description"] == "e"
        assert dataverse.ask("DELETE", f"{sets[1]}({detail})").status_code == 204
        assert dataverse.ask("DELETE", address).status_code == 204
        assert dataverse.get(address).status_code == 404

    def test_finance_has_the_last_word(self, wire, dataverse):
        name = "mserp_datamanagementdefinitiongroupentities"
        answer = dataverse.ask("POST", name, {"mserp_description": "no name"}, ALL)
        assert error(answer) == (400, "0x80040265")
        message = answer.json()["error"]["@Microsoft.PowerApps.CDS.InnerError.Message"]
        assert message == "Field 'Name' must be filled in."
        dataverse.make(name, mserp_name="P1")
        assert "already exists" in dataverse.ask("POST", name, {"mserp_name": "P1"}).json()["error"]["message"]
        for user, words in (("installer", "integration group"), ("reviewer", "Unable to determine the user in CDS")):
            answer = Dataverse(wire, user).get(name)
            assert answer.status_code == 403
            assert words in answer.json()["error"]["message"]


class TestServiceProtection:
    def limit(self, wire, **limits):
        wire.control.put("faults", {"service_protection": limits})

    def test_the_texts_are_the_documented_ones(self):
        found = [make.content["error"] for make in (too_many(Limits(), 9), too_long(Limits(), 9), too_wide(Limits()))]
        assert found == [
            {
                "code": "0x80072322",
                "message": "Number of requests exceeded the limit of 6000 over time window of 300 seconds.",
            },
            {
                "code": "0x80072321",
                "message": "Combined execution time of incoming requests exceeded limit of 1,200,000 milliseconds over "
                "time window of 300 seconds. Decrease number of concurrent requests or reduce the duration of requests "
                "and try again later.",
            },
            {"code": "0x80072326", "message": "Number of concurrent requests exceeded the limit of 52."},
        ]

    def test_requests_are_counted_for_each_user(self, wire, dataverse):
        self.limit(wire, requests=3)
        answers = [dataverse.get("WhoAmI") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert error(answers[3]) == (429, "0x80072322")
        assert 290 < int(answers[3].headers["retry-after"]) <= 300
        assert Dataverse(wire, "planner").get("WhoAmI").status_code == 200

    def test_the_window_slides(self, wire, dataverse):
        self.limit(wire, requests=1, window_seconds=2)
        refused = until(lambda: (answer := dataverse.get("WhoAmI")).status_code == 429 and answer, 20, "two in 2 s")
        assert refused.headers["retry-after"] in ("1", "2")
        time.sleep(int(refused.headers["retry-after"]))
        assert dataverse.get("WhoAmI").status_code == 200

    def test_who_goes_on_asking_waits_longer(self, wire, dataverse):
        self.limit(wire, requests=1, window_seconds=100)
        dataverse.get("WhoAmI")
        time.sleep(1.1)
        waits = [int(dataverse.get("WhoAmI").headers["retry-after"]) for _ in range(2)]
        assert waits == [100, 100]  # not 99: the refused call counts, too

    def test_execution_time_is_summed_up(self, wire, dataverse):
        self.limit(wire, execution_seconds=0.2, call_seconds=0.3)
        assert dataverse.get("WhoAmI").status_code == 200
        assert error(dataverse.get("WhoAmI")) == (429, "0x80072321")

    def test_calls_at_the_same_time_are_counted(self, wire, dataverse):
        self.limit(wire, concurrent=2, call_seconds=1)

        def refused_of_two():
            with ThreadPoolExecutor(2) as pool:
                answers = list(pool.map(lambda _: dataverse.get("WhoAmI"), range(2)))
            return next((answer for answer in answers if answer.status_code == 429), None)

        refused = until(refused_of_two, 30, "two calls at once")
        assert error(refused) == (429, "0x80072326")
        assert int(refused.headers["retry-after"]) >= 1

    def test_without_limits_nothing_is_refused(self, wire, dataverse):
        self.limit(wire, requests=1)
        dataverse.get("WhoAmI")
        assert dataverse.get("WhoAmI").status_code == 429
        wire.control.put("faults", {"service_protection": None})
        assert dataverse.get("WhoAmI").status_code == 200


class TestKeysOfNewTables:
    def test_a_key_is_of_use_when_its_index_is_built(self, wire, dataverse):
        attribute = "Microsoft.Dynamics.CRM.ComplexStringAttributeMetadata"
        entity = {
            "SchemaName": "new_Thing",
            "Attributes": [{"@odata.type": attribute, "SchemaName": "new_Name", "IsPrimaryName": True}],
        }
        assert dataverse.ask("POST", "CreateEntities", {"Entities": [entity]}).status_code == 200
        dataverse.make("new_things", new_name="a")
        wire.control.put("faults", {"key_index_seconds": 3600})
        path = "EntityDefinitions(LogicalName='new_thing')/Keys"
        key = {"SchemaName": "new_NameKey", "KeyAttributes": ["new_name"]}
        assert dataverse.ask("POST", path, key).status_code == 204
        assert dataverse.rows(path)[0]["EntityKeyIndexStatus"] == "Pending"
        assert dataverse.get("new_things(new_name='a')").status_code == 400
        wire.control.call("POST", "reset")
        assert dataverse.get("new_things").status_code == 404


class TestLiteralsOfAFilter:
    """A literal has the type of the property beside it, or the filter is refused in Dataverse's envelope."""

    @pytest.mark.parametrize(
        ("path", "condition"),
        [
            ("systemusers", "fullname eq 5"),
            ("systemusers", "fullname eq true"),
            ("systemusers", "fullname"),
            ("systemusers", "isdisabled eq 'no'"),
            ("systemusers", "isdisabled eq 0"),
            ("systemusers", "contains(isdisabled,'x')"),
            ("systemusers", "contains(fullname,5)"),
            ("systemusers", "systemuserid eq 'nobody'"),
            ("systemusers", "systemuserid eq 5"),
            ("workflows", "statecode eq 'Activated'"),
            ("workflows", "statecode eq '1'"),
            ("workflows", "createdon gt 'yesterday'"),
            ("workflows", "createdon gt 5"),
            ("workflows", "statecode eq 1 and name"),
            ("workflows", "ownerid/fullname eq 5"),
            ("mserp_budgetmodelentities", "mserp_stopped eq 'Yes'"),
            ("workflows", "Microsoft.Dynamics.CRM.In(PropertyName='statecode',PropertyValues=[\"on\"])"),
        ],
    )
    def test_of_another_type_is_refused(self, dataverse, path, condition):
        answer = dataverse.get(path, filter=condition)
        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["code"].startswith("0x") and answer.json()["error"]["message"]

    @pytest.mark.parametrize(
        ("path", "condition"),
        [
            ("systemusers", "isdisabled eq false and fullname ne null"),
            ("systemusers", "systemuserid ne 11111111-1111-1111-1111-111111111111"),
            ("systemusers", "systemuserid ne '11111111-1111-1111-1111-111111111111'"),
            ("workflows", "createdon gt 2000-01-01 and createdon lt 2100-01-01T00:00:00Z"),
            ("workflows", 'Microsoft.Dynamics.CRM.In(PropertyName=\'statecode\',PropertyValues=["0","1"])'),
            ("workflows", "contains(name,'Export') and (statecode eq 0 or statecode eq 1)"),
            ("workflows", "ownerid/fullname ne 'nobody'"),
        ],
    )
    def test_of_the_same_type_is_answered(self, dataverse, path, condition):
        assert dataverse.get(path, filter=condition).json()["value"]

    def test_a_null_character_is_no_enumeration(self, wire, dataverse):
        hidden = "'\x00NoYes:Yes'"
        answer = dataverse.get("systemusers", filter=f"fullname eq {hidden}")
        assert answer.status_code == 400
        assert wire.finance("BudgetModels", **{"$filter": f"Stopped eq {hidden}"}).status_code == 400
