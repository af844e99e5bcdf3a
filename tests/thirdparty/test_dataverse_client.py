"""Microsoft's own Python client against the sandbox's Dataverse: what a stranger's client believes."""

import time
from enum import IntEnum

import pytest
from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError, MetadataError
from PowerPlatform.Dataverse.models.filters import col
from PowerPlatform.Dataverse.models.upsert import UpsertItem

from tests.sandbox.conftest import Wire

CUBE, ACCOUNT = "msdyn_xpnacube_opexplan", "msdyn_xpnadim_account"
TABLE = "new_Measurement"


class Priority(IntEnum):
    Low = 1
    High = 2


class Credential:
    """Fetches a token over HTTP for whatever scope the client asks for."""

    def __init__(self, wire, user):
        self.wire, self.user, self.scopes = wire, user, []

    def get_token(self, *scopes, **_):
        self.scopes += scopes
        [scope] = scopes
        found = self.wire.token(scope.removesuffix("/.default"), self.user).json()
        return AccessToken(found["access_token"], int(time.time()) + int(found["expires_in"]))


@pytest.fixture
def wire(sandbox, tmp_path):
    made = Wire(sandbox, tmp_path)
    yield made
    made.http.close()


@pytest.fixture
def credential(wire):
    return Credential(wire, "owner")


@pytest.fixture
def client(wire, credential, monkeypatch):
    # the client has no setting for a certificate authority; requests obeys this variable before anything else
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(wire.control.ca_file))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with DataverseClient(wire.facts["dataverse_url"], credential) as made:
        yield made


@pytest.fixture
def table(client):
    columns = {
        "new_Amount": "decimal",
        "new_Count": "int",
        "new_Note": "memo",
        "new_Day": "datetime",
        "new_Done": "bool",
        "new_Priority": Priority,
    }
    return client.tables.create(TABLE, columns, primary_column="new_Name")


def rows(number):
    return [{"new_Name": f"row {n:05}", "new_Count": n, "new_Amount": n / 4} for n in range(number)]


class TestTokens:
    def test_the_client_asks_for_the_environment_itself(self, client, credential, wire):
        client.records.list(ACCOUNT, top=1)
        assert set(credential.scopes) == {f"{wire.facts['dataverse_url']}/.default"}

    def test_an_expired_token_is_refused(self, client, wire):
        wire.control.put("faults", {"token_seconds": -10})
        with pytest.raises(HttpError) as refused:
            client.records.list(ACCOUNT)
        assert refused.value.status_code == 401
        assert "expired" in str(refused.value)

    def test_a_stranger_is_refused(self, wire, client, credential):
        credential.user = "reviewer"
        with pytest.raises(HttpError) as refused:
            client.records.create(ACCOUNT, {"msdyn_name": "9999"})
        assert refused.value.status_code == 403
        assert "CreateAccess" in str(refused.value)


class TestRecords:
    def test_one_row_is_created_read_updated_and_deleted(self, client, table):
        row = {
            "new_Name": "first",
            "new_Amount": 12.25,
            "new_Note": "a\r\nb ü",
            "new_Day": "2021-07-01",
            "new_Done": True,
            "new_Priority": "High",
        }
        row_id = client.records.create(TABLE, row)
        found = client.records.retrieve(TABLE, row_id, include_annotations="*")
        assert (found["new_name"], found["new_amount"], found["new_note"]) == ("first", 12.25, "a\r\nb ü")
        assert (found["new_day"], found["new_done"], found["new_priority"]) == ("2021-07-01", True, Priority.High)
        assert found["new_priority@OData.Community.Display.V1.FormattedValue"] == "High"
        assert found.etag.startswith('W/"')
        client.records.update(TABLE, row_id, {"new_Amount": 13})
        assert client.records.retrieve(TABLE, row_id, select=["new_Amount"])["new_amount"] == 13
        client.records.delete(TABLE, row_id)
        assert client.records.retrieve(TABLE, row_id) is None

    def test_a_thousand_rows_are_created_updated_and_deleted_at_once(self, client, table):
        ids = client.records.create(TABLE, rows(1000))
        assert len(set(ids)) == 1000
        assert client.records.retrieve(TABLE, ids[7])["new_count"] == 7
        client.records.update(TABLE, ids, {"new_Note": "same"})
        client.records.update(TABLE, ids[:2], [{"new_Count": 70}, {"new_Count": 71}])
        found = client.records.list(TABLE, filter="new_note eq 'same'", orderby=["new_Name"])
        assert [row["new_count"] for row in found][:3] == [70, 71, 2]
        assert client.records.delete(TABLE, ids)
        assert len(client.records.list(TABLE)) == 0

    def test_one_bad_row_of_many_leaves_none(self, client, table):
        with pytest.raises(HttpError) as refused:
            client.records.create(TABLE, [*rows(3), {"new_Name": "x" * 201}])
        assert refused.value.status_code == 400
        assert "maximum allowed length of '200'" in str(refused.value)
        assert len(client.records.list(TABLE)) == 0

    def test_upserts_find_rows_by_an_alternate_key(self, client):
        key = {"msdyn_name": "O'Neill & Söhne"}
        client.records.upsert(ACCOUNT, [UpsertItem(key, {"msdyn_description": "one"})])
        items = [UpsertItem(key, {"msdyn_description": "two"}), UpsertItem({"msdyn_name": "new"}, {})]
        client.records.upsert(ACCOUNT, items)
        found = client.records.list(ACCOUNT, filter=col("msdyn_name") == "O'Neill & Söhne")
        assert [row["msdyn_description"] for row in found] == ["two"]
        assert len(client.records.list(ACCOUNT, filter=col("msdyn_name") == "new")) == 1

    def test_rows_that_are_not_there_cannot_be_updated(self, client, table):
        with pytest.raises(HttpError) as refused:
            client.records.update(TABLE, "00000000-0000-0000-0000-000000000001", {"new_Count": 1})
        assert (refused.value.status_code, refused.value.details["service_error_code"]) == (404, "0x80040217")


class TestQueries:
    def test_every_fact_of_the_cube_comes_once_over_three_pages(self, client):
        pages = list(client.records.list_pages(CUBE, select=["msdyn_amount"]))
        assert [len(page) for page in pages] == [5000, 5000, 2636]
        assert len({row["msdyn_xpnacube_opexplanid"] for page in pages for row in page}) == 12636

    def test_pages_in_another_order_come_whole_too(self, client):
        pages = list(
            client.records.list_pages(CUBE, select=["msdyn_amount"], orderby=["msdyn_amount desc"], page_size=4000)
        )
        amounts = [row["msdyn_amount"] for page in pages for row in page]
        assert [len(page) for page in pages] == [4000, 4000, 4000, 636]
        assert amounts == sorted(amounts, reverse=True)

    def test_the_builder_filters_orders_and_expands(self, client):
        query = client.query.builder(CUBE).select("msdyn_amount", "msdyn_xpnadim_accountname")
        found = (
            query.where((col("msdyn_amount") > 900000) & (col("msdyn_date") == "2021-07-01"))
            .order_by("msdyn_amount", descending=True)
            .top(5)
            .expand("msdyn_xpnadim_account")
            .execute()
        )
        assert len(found) == 5
        assert all(row["msdyn_amount"] > 900000 for row in found)
        assert all(row["msdyn_xpnadim_account"]["msdyn_name"] == row["msdyn_xpnadim_accountname"] for row in found)

    @pytest.mark.parametrize(
        ("condition", "number"),
        [
            (col("new_count").in_([1, 3]), 2),
            (col("new_count").not_in([1, 3]), 6),
            (col("new_count").between(2, 4), 3),
            (col("new_name").startswith("row"), 8),
            (col("new_name").contains("0003"), 1),
            (col("new_note").is_null(), 8),
            (~(col("new_count") == 1), 7),
            (col("new_amount") == 0.25, 1),
        ],
        ids=str,
    )
    def test_the_filters_of_the_client_are_understood(self, client, table, condition, number):
        client.records.create(TABLE, rows(8))
        assert len(client.records.list(TABLE, filter=condition)) == number

    def test_sql_reads_and_joins(self, client):
        sql = (
            "SELECT TOP 3 c.msdyn_amount, a.msdyn_name FROM msdyn_xpnacube_opexplan c "
            "INNER JOIN msdyn_xpnadim_account a ON c._msdyn_xpnadim_account_value = a.msdyn_xpnadim_accountid "
            "WHERE c.msdyn_amount > 999000 ORDER BY c.msdyn_amount"
        )
        found = client.query.sql(sql)
        assert len(found) == 3
        assert all(row["msdyn_amount"] > 999000 and row["msdyn_name"] for row in found)
        [count] = client.query.sql("SELECT COUNT(*) AS n FROM msdyn_xpnacube_opexplan")
        assert count["n"] == 12636

    def test_fetchxml_pages_with_its_cookie(self, client):
        xml = f"<fetch count='5000'><entity name='{CUBE}'><attribute name='msdyn_amount'/></entity></fetch>"
        assert len(client.query.fetchxml(xml).execute()) == 12636

    def test_columns_are_described(self, client):
        by_name = {item["name"]: item for item in client.query.sql_columns(CUBE)}
        assert by_name["msdyn_amount"]["type"] == "Decimal"
        assert by_name["msdyn_xpnacube_opexplanid"]["is_pk"]
        assert by_name["msdyn_xpnadim_account"]["type"] == "Lookup"
        targets = {item["nav_property"]: item["target_entity_set"] for item in client.query.odata_expands(CUBE)}
        assert targets["msdyn_xpnadim_account"] == "msdyn_xpnadim_accounts"


class TestTables:
    def test_a_table_is_made_found_listed_and_deleted(self, client, table):
        assert (table.logical_name, table.entity_set_name) == ("new_measurement", "new_measurements")
        found = client.tables.get(TABLE)
        assert (found.primary_name_attribute, found.primary_id_attribute) == ("new_name", "new_measurementid")
        assert "new_measurement" in {item["LogicalName"] for item in client.tables.list()}
        with pytest.raises(MetadataError):
            client.tables.create(TABLE, {})
        client.tables.delete(TABLE)
        assert client.tables.get(TABLE) is None

    def test_columns_come_and_go(self, client, table):
        client.tables.add_columns(TABLE, {"new_Extra": {"type": "string", "max_length": 5}})
        column = client.tables.get_column(TABLE, "new_Extra", typed=True)
        assert (column["MaxLength"], column["AttributeType"]) == (5, "String")
        client.tables.update_column(TABLE, "new_Extra", {"max_length": 9})
        assert client.tables.get_column(TABLE, "new_Extra")["MaxLength"] == 9
        client.records.create(TABLE, {"new_Name": "a", "new_Extra": "123456789"})
        client.tables.remove_columns(TABLE, "new_Extra")
        assert client.tables.get_column(TABLE, "new_Extra") is None
        assert len(client.records.list(TABLE)) == 1

    def test_alternate_keys_come_and_go(self, client, table):
        client.tables.create_alternate_key(TABLE, "new_CountKey", ["new_count"])
        [key] = client.tables.get_alternate_keys(TABLE)
        assert (key.schema_name, key.key_attributes, key.status) == ("new_CountKey", ["new_count"], "Active")
        client.records.upsert(TABLE, [{"alternate_key": {"new_Count": 5}, "record": {"new_Name": "five"}}])
        with pytest.raises(HttpError) as refused:
            client.records.create(TABLE, {"new_Count": 5})
        assert refused.value.status_code == 412
        client.tables.delete_alternate_key(TABLE, key.metadata_id)
        assert client.tables.get_alternate_keys(TABLE) == []

    def test_functions_over_definitions_are_not_offered(self, client):
        with pytest.raises(HttpError) as refused:
            client.tables.list(filter="startswith(LogicalName,'msdyn')")
        assert refused.value.status_code == 501


class TestBatch:
    def test_a_batch_carries_out_everything_in_order(self, client, table):
        batch = client.batch.new()
        batch.records.create(TABLE, {"new_Name": "one"})
        batch.records.create(TABLE, rows(3))
        batch.records.list(TABLE, filter="new_name eq 'one'")
        batch.tables.get(TABLE)
        batch.query.sql("SELECT new_name FROM new_measurement")
        done = batch.execute()
        assert [item.status_code for item in done.responses] == [204, 200, 200, 200, 200]
        assert len(done.responses[1].data["Ids"]) == 3
        assert len(done.responses[2].data["value"]) == 1
        assert len(done.responses[4].data["value"]) == 4

    def test_a_change_set_names_what_it_made(self, client):
        batch = client.batch.new()
        with batch.changeset() as change:
            made = change.records.create(ACCOUNT, {"msdyn_name": "new"})
            change.records.create(CUBE, {"msdyn_amount": 1, "msdyn_xpnadim_account@odata.bind": made})
            change.records.update(ACCOUNT, made, {"msdyn_description": "changed"})
        done = batch.execute()
        assert not done.has_errors
        [fact] = client.records.list(CUBE, filter="msdyn_xpnadim_account/msdyn_name eq 'new'")
        assert fact["msdyn_amount"] == 1
        [account] = client.records.list(ACCOUNT, filter="msdyn_name eq 'new'")
        assert account["msdyn_description"] == "changed"

    def test_a_change_set_that_fails_leaves_nothing(self, client, table):
        batch = client.batch.new()
        with batch.changeset() as change:
            change.records.create(TABLE, {"new_Name": "kept?"})
            change.records.update(TABLE, "00000000-0000-0000-0000-000000000001", {"new_Count": 1})
        done = batch.execute(continue_on_error=True)
        assert [(item.status_code, item.error_code) for item in done.failed] == [(404, "0x80040217")]
        assert len(client.records.list(TABLE)) == 0


class TestServiceProtection:
    def test_too_many_requests_are_an_error_of_their_own(self, client, wire):
        client.records.list(ACCOUNT, top=1)
        wire.control.put("faults", {"service_protection": {"requests": 4}})
        with pytest.raises(HttpError) as refused:
            for _ in range(4):
                client.records.list(ACCOUNT, top=1)
        details = refused.value.details
        assert (refused.value.status_code, refused.value.is_transient) == (429, True)
        assert details["service_error_code"] == "0x80072322"
        assert 200 < details["retry_after"] <= 300
        assert "Number of requests exceeded the limit of 4 over time window of 300 seconds." in str(refused.value)
