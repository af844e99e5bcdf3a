"""Dataverse's own tables: who we are, variable, catalog, flows, any table by pages, many rows in one call, batches."""

import json
import uuid
from decimal import Decimal

import pytest

from connections import batch, dataverse_bulk, dataverse_setup, queries
from connections.batch import Operation
from connections.dataverse import FINANCE_URI, DataverseClient
from connections.errors import Busy, FinanceNotConfigured, InDoubt, NoPermission, Rejected, Unavailable
from connections.rules.dataverse import CatalogEntity, CloudFlow, Table
from tests.connections.scripted import RESET, answer

pytestmark = pytest.mark.django_db
ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
TABLE = Table("msdyn_xpnacube_opexplan", "msdyn_xpnacube_opexplans", "msdyn_xpnacube_opexplanid", "msdyn_name")


@pytest.fixture
def client(environment):
    return queries.dataverse_client(environment=environment)


@pytest.fixture
def scripted(wire):
    """The same client before a server that says what it is told."""
    return DataverseClient.of(root=wire.url, who="owner@contoso.example", bearer=lambda refresh: "token")


def body_of(request):
    return json.loads(request.partition(b"\r\n\r\n")[2])


def said(content, status=b"200 OK"):
    return answer(json.dumps(content).encode(), status)


class TestAgainstTheSandbox:
    def test_who_we_are(self, client):
        assert uuid.UUID(client.who_am_i().user_id)

    def test_the_variable_is_read_changed_and_made(self, client, sandbox):
        before = client.variable(FINANCE_URI)
        assert before.value == f"https://localhost:{sandbox.tls_port}"
        client.set_variable(before, "https://other.operations.dynamics.com")
        assert client.variable(FINANCE_URI).value == "https://other.operations.dynamics.com"
        sandbox.put(f"environment-variables/{FINANCE_URI}", {"value": None})
        missing = client.variable(FINANCE_URI)
        assert (missing.value_id, missing.current) == ("", "")
        client.set_variable(missing, before.value)
        assert client.variable(FINANCE_URI).value == before.value
        assert client.variable("no_such_variable") is None

    def test_an_entity_is_made_visible(self, client, sandbox):
        sandbox.put("virtual-entities/BudgetModelEntity", {"visible": False})
        hidden = dataverse_setup.catalog_entity(client, "BudgetModelEntity")
        assert not hidden.visible
        dataverse_setup.make_visible(client, hidden)
        assert dataverse_setup.catalog_entity(client, "BudgetModelEntity").visible
        assert client.virtual_rows("BudgetModelEntity", ("BudgetModel",))
        assert dataverse_setup.catalog_entity(client, "NoSuchEntity") is None

    def test_cloud_flows_are_read(self, client):
        for flow in dataverse_setup.cloud_flows(client):
            assert flow.state in (0, 1, 2)
        assert dataverse_setup.cloud_flows(client, name="O'Nobody") == []

    def test_reading_goes_on_where_it_stopped(self, client, sandbox):
        fields = ("mserp_physicalname",)
        names = [r["mserp_physicalname"] for page in _catalog(client, 5000) for r in page.rows]
        first = next(client.pages("mserp_financeandoperationsentities", fields, page_size=3))
        rest = client.pages("mserp_financeandoperationsentities", fields, page_size=3, start=first.next_url)
        pages = [first, *rest]
        assert [r["mserp_physicalname"] for page in pages for r in page.rows] == names
        assert max(len(page.rows) for page in pages) == 3
        assert pages[-1].next_url == ""


def _catalog(client, size):
    return client.pages("mserp_financeandoperationsentities", ("mserp_physicalname",), page_size=size)


class TestOnTheWire:
    def test_the_address_of_the_next_page_is_used_byte_for_byte(self, wire, scripted):
        cookie = (
            "$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22%253ccookie%20page%253d%25221%2522%22%20/%3E"
        )
        target = f"/api/data/v9.2/accounts?$select=name&$filter=name%20eq%20'O''B'&{cookie}"
        wire.answer = lambda connection, request: said(
            {"value": [{"name": "b"}]}
            if b"skiptoken" in request
            else {"value": [{"name": "a"}], "@odata.nextLink": wire.url + target}
        )
        pages = list(scripted.pages("accounts", ("name",), where="name eq 'O''B'", page_size=1))
        assert [row["name"] for page in pages for row in page.rows] == ["a", "b"]
        assert wire.requests[1].split(b" ")[1].decode() == target
        assert b'Prefer: odata.maxpagesize=1,odata.include-annotations="' in wire.requests[1]

    def test_a_next_page_elsewhere_gets_no_token(self, wire, scripted):
        wire.answer = said({"value": [], "@odata.nextLink": "https://evil.example/api"})
        pages = scripted.pages("accounts", ("name",))
        next(pages)
        with pytest.raises(FinanceNotConfigured, match="outside itself"):
            next(pages)
        assert len(wire.requests) == 1

    def test_a_table_is_described(self, wire, scripted):
        row = {
            "LogicalName": TABLE.logical_name,
            "EntitySetName": TABLE.set_name,
            "PrimaryIdAttribute": TABLE.id_column,
            "PrimaryNameAttribute": TABLE.name_column,
        }
        wire.answer = said({"value": [row]})
        assert scripted.table(TABLE.logical_name) == TABLE
        wire.answer = said({"value": []})
        assert scripted.table("nothing") is None

    def test_roles_and_connection_references_are_read(self, wire, scripted):
        wire.answer = said({"value": [{"name": "System Administrator"}, {"name": "Basic User"}]})
        assert dataverse_setup.roles_of(scripted, ID) == ["Basic User", "System Administrator"]
        assert wire.requests[0].split(b" ")[1] == (
            f"/api/data/v9.2/systemusers({ID})/systemuserroles_association?$select=name".encode()
        )
        slot = {"connectionreferenceid": ID, "connectionreferencelogicalname": "new_slot", "connectionid": None}
        wire.answer = said({"value": [slot]})
        [found] = dataverse_setup.connection_slots(scripted)
        assert (found.logical_name, found.connection_id) == ("new_slot", "")

    def test_a_flow_gets_owner_state_and_definition(self, wire, scripted):
        wire.answer = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"
        flow = CloudFlow(ID, "BREExportFnOStatusUpdate", 0, "", "")
        dataverse_setup.change_flow(scripted, flow, owner_id=ID, is_on=True)
        dataverse_setup.change_flow(scripted, flow, client_data='{"schemaVersion":"1.0.0.0"}')
        dataverse_setup.change_flow(scripted, flow)
        first, second = wire.requests
        assert first.startswith(f"PATCH /api/data/v9.2/workflows({ID}) ".encode())
        assert b"\r\nIf-Match: *\r\n" in first
        assert body_of(first) == {"ownerid@odata.bind": f"systemusers({ID})", "statecode": 1}
        assert body_of(second) == {"clientdata": '{"schemaVersion":"1.0.0.0"}'}

    def test_one_generation_at_a_time(self, wire, scripted):
        text = "PluginSqlLockManager failed to acquire lock"
        wire.answer = said({"error": {"code": "0x80040265", "message": text}}, b"400 Bad Request")
        with pytest.raises(Busy):
            dataverse_setup.make_visible(scripted, CatalogEntity(ID, "X", "X", False))

    def test_many_rows_go_in_one_call_with_exact_numbers(self, wire, scripted):
        wire.answer = said({"Ids": [ID, ID]})
        rows = [
            {"msdyn_amount": Decimal("12345678901234567.10")},
            {"msdyn_amount": Decimal("-0.05"), "msdyn_name": "ü"},
        ]
        assert dataverse_bulk.create(scripted, TABLE, rows) == [ID, ID]
        [request] = wire.requests
        assert b"/msdyn_xpnacube_opexplans/Microsoft.Dynamics.CRM.CreateMultiple " in request
        assert b'"msdyn_amount":12345678901234567.10' in request
        assert body_of(request)["Targets"][1]["@odata.type"] == "Microsoft.Dynamics.CRM.msdyn_xpnacube_opexplan"
        wire.answer = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n"
        dataverse_bulk.update(scripted, TABLE, [{TABLE.id_column: ID, "msdyn_amount": Decimal(1)}])
        dataverse_bulk.upsert(scripted, TABLE, [{"@odata.id": "x(msdyn_key='1')"}])
        assert b"UpdateMultiple" in wire.requests[1]
        assert b"UpsertMultiple" in wire.requests[2]

    def test_a_lost_answer_to_a_creation_is_doubt_and_to_a_change_is_not(self, wire, scripted):
        wire.answer = RESET
        with pytest.raises(InDoubt):
            dataverse_bulk.create(scripted, TABLE, [{}])
        with pytest.raises(Unavailable):
            dataverse_bulk.update(scripted, TABLE, [{}])
        wire.answer = said({"Ids": []})
        with pytest.raises(InDoubt):
            dataverse_bulk.create(scripted, TABLE, [{}])

    def test_dataverse_that_refuses_a_person_says_so(self, wire, scripted):
        wire.answer = said({"error": {"code": "0x80040220", "message": "prvReadX is missing"}}, b"403 Forbidden")
        with pytest.raises(NoPermission, match=r"Dataverse refused owner@contoso\.example: prvReadX"):
            scripted.variable(FINANCE_URI)


BATCH = b"--batchresponse_1\r\n%s--batchresponse_1--\r\n"
PART = (
    b"Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    b"HTTP/1.1 %s\r\nContent-Type: application/json\r\n\r\n%s\r\n"
)
KIND = b"multipart/mixed; boundary=batchresponse_1"


def parts(*answers, boundary=b"batchresponse_1"):
    return b"".join(b"--" + boundary + b"\r\n" + PART % one for one in answers)


class TestBatch:
    def test_reads_stand_by_themselves(self, wire, scripted):
        body = parts((b"200 OK", b'{"value":[]}'), (b"404 Not Found", '{"error":{"message":"ü"}}'.encode()))
        wire.answer = answer(body + b"--batchresponse_1--\r\n", kind=KIND)
        first, second = batch.read(scripted.service, ["WhoAmI", "nothing"], refuse=scripted.refuse)
        assert first.json() == {"value": []}
        assert (second.status, second.reason) == (404, "ü")
        [request] = wire.requests
        assert b"Prefer: odata.continue-on-error" in request
        asked = request.partition(b"\r\n\r\n")[2]
        assert asked.count(b"GET ") == 2
        assert asked.count(b"\n") == asked.count(b"\r\n")

    def test_changes_are_whole(self, wire, scripted):
        inner = parts((b"204 No Content", b""), (b"204 No Content", b""), boundary=b"changesetresponse_2")
        head = b"Content-Type: multipart/mixed; boundary=changesetresponse_2\r\n\r\n"
        body = b"--batchresponse_1\r\n" + head + inner + b"--changesetresponse_2--\r\n--batchresponse_1--\r\n"
        wire.answer = answer(body, kind=KIND)
        changes = [Operation("PATCH", f"workflows({ID})", {"statecode": 1}, {"If-Match": "*"})] * 2
        assert [one.status for one in batch.change(scripted.service, changes, refuse=scripted.refuse)] == [204, 204]
        [request] = wire.requests
        assert b"Content-ID: 1\r\n" in request
        assert b"Content-ID: 2\r\n" in request

    def test_one_refused_change_refuses_all(self, wire, scripted):
        body = parts((b"400 Bad Request", b'{"error":{"code":"0x1","message":"no"}}'))
        wire.answer = answer(body + b"--batchresponse_1--\r\n", kind=KIND)
        with pytest.raises(Rejected, match="no"):
            batch.change(scripted.service, [Operation("DELETE", "x"), Operation("DELETE", "y")], refuse=scripted.refuse)

    def test_an_answer_that_can_not_be_read_is_no_answer(self, wire, scripted):
        wire.answer = answer(b"--x", kind=b"text/html")
        with pytest.raises(Unavailable):
            batch.read(scripted.service, ["WhoAmI"], refuse=scripted.refuse)
        with pytest.raises(InDoubt):
            batch.change(scripted.service, [Operation("DELETE", "x")], refuse=scripted.refuse)
        wire.answer = answer(parts((b"200 OK", b"{}")) + b"--batchresponse_1--\r\n", kind=KIND)
        with pytest.raises(Unavailable, match="1 of 2"):
            batch.read(scripted.service, ["a", "b"], refuse=scripted.refuse)
