"""The data package API: project, upload, start, status, counts, errors, read-back."""

import json
import zipfile
from decimal import Decimal

import pytest

from connections import blob, data_management, finance_users, queries
from connections.errors import (
    AddressExpired,
    Busy,
    FinanceNotConfigured,
    InDoubt,
    NoPermission,
    NotFinance,
    Rejected,
    Unavailable,
    Unreachable,
)
from connections.finance import FinanceClient
from connections.rules.execution import ExecutionStatus
from connections.rules.flows import EXPORT_FLOW
from connections.rules.wire import by_key, enum_literal
from tests.connections.scripted import answer

pytestmark = pytest.mark.django_db
PROJECT = "BPP-BRE-Import"
NAMESPACE = "http://schemas.microsoft.com/dynamics/2015/01/DataManagement"
COLUMNS = [
    "ENTRYNUMBER",
    "LINENUMBER",
    "LEGALENTITYID",
    "BUDGETMODELID",
    "BUDGETCODE",
    "DATE",
    "DIMENSIONDISPLAYVALUE",
    "AMOUNTTYPE",
    "CURRENCYCODE",
    "TRANSACTIONCURRENCYAMOUNT",
    "COMMENT",
]


def package(path, rows, entry="BPP-1"):
    """A package with one line for each (display value, amount)."""
    lines = [",".join(COLUMNS)]
    for number, (display, amount) in enumerate(rows, start=1):
        lines.append(f'{entry},{number},USSI,CODES-OPS,ORIG,2021-07-01,"{display}",Expense,USD,{amount},Run 1')
    fields = "".join(
        f"<EntityMap><ArrayIndex>0</ArrayIndex><EntityField>{c}</EntityField><XMLField>{c}</XMLField></EntityMap>"
        for c in COLUMNS
    )
    manifest = (
        f'<DataManagementPackageManifest xmlns="{NAMESPACE}"><DefinitionGroupName>{PROJECT}</DefinitionGroupName>'
        "<PackageEntityList><DataManagementPackageEntityData>"
        f"<EntityMapList>{fields}</EntityMapList><EntityName>Budget account entries</EntityName>"
        "<InputFilePath>Budget account entries.csv</InputFilePath><SourceFormat>CSV</SourceFormat>"
        "</DataManagementPackageEntityData></PackageEntityList></DataManagementPackageManifest>"
    )
    header = (
        f'<DataManagementPackageHeader xmlns="{NAMESPACE}"><Description>x</Description><PackageType>DefinitionGroup'
        "</PackageType><PackageVersion>2</PackageVersion></DataManagementPackageHeader>"
    )
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("Manifest.xml", manifest)
        file.writestr("PackageHeader.xml", header)
        file.writestr("Budget account entries.csv", "\r\n".join(lines) + "\r\n")
    return path


@pytest.fixture
def client(environment):
    client = queries.finance_client(environment=environment, flow_name=EXPORT_FLOW)
    client.ensure_project(PROJECT)
    return client


def start(client, path, execution="run-1"):
    url = client.write_url(path.name)
    assert blob.upload(url, path)
    return client.start_import(package_url=url, project=PROJECT, execution_id=execution, legal_entity="USSI")


def finished(client, execution):
    for _ in range(200):
        status = client.execution_status(execution)
        if status.is_final:
            return status
    raise AssertionError(status)


def test_an_import_arrives_and_can_be_read_back(client, tmp_path, sandbox):
    path = package(tmp_path / "p.zip", [("0800| lead|two  blanks", "12.30"), ("NA|1E5|🧾 emoji", "-0.05")])
    assert start(client, path) == "run-1"
    assert finished(client, "run-1") is ExecutionStatus.SUCCEEDED
    counts = client.execution_counts("run-1", PROJECT)
    assert (counts.to_process, counts.created, counts.updated) == (2, 2, 0)
    assert client.execution_errors("run-1") == ()
    header = client.entry_header(legal_entity="USSI", entry_number="BPP-1")
    assert (header.budget_model, header.budget_code, header.status) == ("CODES-OPS", "ORIG", "Draft")
    assert header.expense_total == Decimal("12.25")
    [lines] = client.entry_lines(legal_entity="USSI", entry_number="BPP-1")
    assert [(line.line_number, line.display_value, line.amount, line.currency) for line in lines] == [
        (1, "0800| lead|two  blanks", Decimal("12.30"), "USD"),
        (2, "NA|1E5|🧾 emoji", Decimal("-0.05"), "USD"),
    ]
    assert {str(line.date) for line in lines} == {"2021-07-01"}
    assert {line.amount_type for line in lines} == {"Expense"}
    [entry] = sandbox.get("register-entries", legalEntity="USSI")["entries"]
    assert entry["CreatedBy"] == "owner"


def test_lines_come_page_by_page_in_order(client, tmp_path, sandbox):
    path = package(tmp_path / "p.zip", [("0800|NA|NA", str(n)) for n in range(1, 24)])
    start(client, path)
    finished(client, "run-1")
    sandbox.faults(page_size=10)
    pages = list(client.entry_lines(legal_entity="USSI", entry_number="BPP-1"))
    assert [len(page) for page in pages] == [10, 10, 3]
    assert [line.line_number for page in pages for line in page] == list(range(1, 24))


def test_an_entry_that_is_not_there_is_none(client):
    assert client.entry_header(legal_entity="USSI", entry_number="O'NONE") is None
    assert [line for page in client.entry_lines(legal_entity="USSI", entry_number="O'NONE") for line in page] == []


@pytest.mark.parametrize("malformed", [False, True])
def test_refused_lines_are_told_one_by_one(client, tmp_path, sandbox, malformed):
    sandbox.faults(malformed_errors=malformed)
    path = package(tmp_path / "p.zip", [("0800|NA|NA", "1"), ("nobody|NA|NA", "2")])
    start(client, path)
    assert finished(client, "run-1") is ExecutionStatus.PARTIALLY_SUCCEEDED
    errors = client.execution_errors("run-1")
    assert len(errors) >= 1
    assert any("nobody" in error.message for error in errors)
    assert all(error.record_id and error.message for error in errors)


def test_a_large_package_is_uploaded_in_blocks(client, tmp_path, sandbox):
    path = tmp_path / "large.bin"
    content = bytes(range(256)) * 40_000  # 10 MB
    path.write_bytes(content)
    assert blob.upload(client.write_url("large.zip"), path)
    assert len(sandbox.requests("PutBlock")) == 3
    assert len(sandbox.requests("PutBlockList")) == 1
    assert blob.upload(client.write_url("small.zip"), package(tmp_path / "p.zip", []))
    assert len(sandbox.requests("PutBlob")) == 1


def test_no_bearer_goes_to_the_storage_and_no_signature_into_the_journal(client, tmp_path, sandbox):
    url = client.write_url("p.zip")
    blob.upload(url, package(tmp_path / "p.zip", []))
    [asked] = sandbox.requests("PutBlob")
    assert not asked.get("user")


def test_an_upload_to_another_host_is_refused(tmp_path):
    with pytest.raises(FinanceNotConfigured):
        blob.upload("https://other.blob.core.windows.net/dmf/a?sig=x", package(tmp_path / "p.zip", []))


def test_an_expired_upload_address_asks_for_a_new_one(client, tmp_path):
    url = client.write_url("p.zip")
    with pytest.raises(AddressExpired) as refused:
        blob.upload(url.replace("sig=", "sig=x"), package(tmp_path / "p.zip", []))
    assert "sig=" not in str(refused.value) + refused.value.hint


def test_an_upload_may_be_repeated(client, tmp_path, sandbox):
    url, path = client.write_url("p.zip"), package(tmp_path / "p.zip", [])
    sandbox.faults({"call": "PutBlob", "kind": "lost_answer"})
    with pytest.raises(Unavailable):
        blob.upload(url, path)
    assert blob.upload(url, path)


def test_a_project_is_made_once(client, sandbox):
    client.ensure_project(PROJECT)
    posts = [r for r in sandbox.requests("DataManagementDefinitionGroups") if r["method"] == "POST"]
    assert len(posts) <= 1


def test_an_unknown_execution_is_not_found(client):
    assert client.execution_status("never-started") is ExecutionStatus.NOT_FOUND
    assert client.execution_counts("never-started", PROJECT) is None


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "lost_answer"},
        {"kind": "reset"},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 503, "retry_after": "7"},
        {"kind": "body", "body": "<html>maintenance</html>"},
    ],
    ids=["lost answer", "reset", "500", "503", "a web page"],
)
def test_a_start_without_an_answer_is_in_doubt(client, tmp_path, sandbox, fault):
    path = package(tmp_path / "p.zip", [("0800|NA|NA", "1")])
    sandbox.faults({"call": "ImportFromPackage", **fault})
    with pytest.raises(InDoubt):
        start(client, path)
    assert len(sandbox.requests("ImportFromPackage")) == 1


def test_a_busy_finance_has_not_started_anything(client, tmp_path, sandbox):
    sandbox.faults({"call": "ImportFromPackage", "kind": "status", "status": 429, "retry_after": "9"})
    with pytest.raises(Busy) as busy:
        start(client, package(tmp_path / "p.zip", [("0800|NA|NA", "1")]))
    assert busy.value.retry_after == 9
    assert client.execution_status("run-1") is ExecutionStatus.NOT_FOUND


def test_a_start_answered_401_was_not_accepted_and_is_repeated_with_a_new_token(client, tmp_path, sandbox):
    sandbox.faults({"call": "ImportFromPackage", "kind": "status", "status": 401})
    assert start(client, package(tmp_path / "p.zip", [("0800|NA|NA", "1")])) == "run-1"
    assert [r["status"] for r in sandbox.requests("ImportFromPackage")] == [401, 200]


def test_a_finance_that_is_down_was_asked_for_nothing(client, settings):
    settings.ALLOWED_REMOTE_HOSTS = ["localhost:1"]
    client.service.root = "https://localhost:1/data"
    with pytest.raises(Unreachable):
        client.start_import(package_url="x", project=PROJECT, execution_id="e", legal_entity="USSI")


def test_missing_finance_user_roles_stop_the_start(client, tmp_path, sandbox):
    url = client.write_url("p.zip")
    sandbox.put("users/owner", {"roles": []})
    with pytest.raises(NoPermission) as denied:
        client.start_import(package_url=url, project=PROJECT, execution_id="e", legal_entity="USSI")
    assert denied.value.headline == "No permission to execute Finance operation"
    assert denied.value.cause == "Unable to access virtual entities or integration group"


class TestDataManagement:
    def test_a_project_is_made_with_its_entity(self, client, sandbox):
        rows = sandbox.get("rows/DataManagementDefinitionGroupDetails")["rows"]
        assert [row["EntityName"] for row in rows if row["DefinitionGroupId"] == PROJECT] == ["Budget account entries"]
        [project] = [r for r in sandbox.get("rows/DataManagementDefinitionGroups")["rows"] if r["Name"] == PROJECT]
        assert (project["OperationType"], project["ProjectCategory"]) == ("Import", "Integration")

    def test_an_entity_that_finance_does_not_take_does_not_stop_the_export(self, client, sandbox):
        call = "DataManagementDefinitionGroupDetails"
        sandbox.faults({"call": call, "kind": "status", "status": 400})
        client.ensure_project("ANOTHER")
        assert client.named("DataManagementDefinitionGroups", {"Name": "ANOTHER"})

    def test_summary_page_and_records_by_entity(self, client, tmp_path, sandbox):
        path = package(tmp_path / "p.zip", [("0800|NA|NA", "1"), ("nobody|NA|NA", "2")])
        start(client, path)
        finished(client, "run-1")
        assert data_management.summary_page_url(client, "run-1").startswith(client.root)
        [summary] = data_management.entity_summaries(client, "run-1")
        assert (summary.total, summary.succeeded, summary.failed) == (2, 1, 1)
        sandbox.faults(
            {"call": "GetExecutionSummaryPageUrl", "kind": "body", "body": '{"value": "https://evil.example"}'}
        )
        assert data_management.summary_page_url(client, "run-1") == ""

    def test_files_of_refusals_are_asked_for_by_entity(self, wire):
        client = FinanceClient(root=wire.url, who="owner@contoso.example", bearer=lambda refresh: "t")
        wire.answer = answer(b'{"value": true}')
        assert data_management.make_error_keys(client, "e")
        wire.answer = answer(b'{"value": ""}')
        assert data_management.error_keys_url(client, "e") == ""
        url = f"{wire.url}/dmf/errors.csv?sig=x"
        wire.answer = lambda connection, request: answer(
            b"KEY;1" if request.startswith(b"GET") else b'{"value": "%s"}' % url.encode()
        )
        assert blob.download(data_management.staging_errors_url(client, "e")) == b"KEY;1"
        assert b'"entityName":"Budget account entries"' in wire.requests[0]
        assert b"authorization" not in wire.requests[-1].lower()

    def test_every_one_of_3506_refused_lines_is_read(self, wire):
        client = FinanceClient(root=wire.url, who="owner@contoso.example", bearer=lambda refresh: "t")
        text = 'The value "{}|B" in field "Dimension" is not found.\r\nSee {{log}} of "Fund", then "}}'
        rows = ",".join(f'{{"RecordId":"{n}","Field":"DIM","ErrorMessage":"{text.format(n)}"}}' for n in range(1, 3507))
        wire.answer = answer(json.dumps({"value": f"[{rows}]"}).encode())
        errors = client.execution_errors("e")
        assert [error.record_id for error in errors] == [str(n) for n in range(1, 3507)]
        assert errors[-1].message == text.format(3506)


class TestReading:
    def test_a_count_reads_past_the_byte_order_mark(self, client):
        rows = client.rows("BudgetModels", ("BudgetModel",), where="dataAreaId eq 'usmf'")
        assert client.count("BudgetModels", where="dataAreaId eq 'usmf'") == len(rows) > 0

    def test_one_row_is_found_by_its_key_with_an_enum_in_it(self, client):
        kind = enum_literal("DimensionHierarchyType", "DataEntityBudgetDimensionFormat")
        where = f"{by_key(DimensionFormatName='BudgetRegister')} and DimensionFormatType eq {kind}"
        [row] = client.rows("DimensionIntegrationFormats", ("FinancialDimensionFormat", "IsActive"), where=where)
        assert row["IsActive"] == "Yes"

    def test_users_roles_and_duties(self, client):
        [user] = finance_users.users(client, "owner@contoso.example")
        assert user.enabled
        roles = finance_users.roles(client, user.user_id)
        assert "Data management operations user" in [role.name for role in roles if role.enabled]
        duties = frozenset().union(*(finance_users.duties(client, role.identifier) for role in roles))
        assert "Inquire into dimension parameters master" in duties
        assert finance_users.users(client, "o'nobody@contoso.example") == []

    @pytest.mark.parametrize(
        "row",
        [
            {"LineNumber": 1, "EntryDate": "soon", "TransactionCurrencyAmount": 1},
            {"LineNumber": 1.5, "EntryDate": None, "TransactionCurrencyAmount": 1},
            {"LineNumber": 1, "EntryDate": None, "TransactionCurrencyAmount": "1"},
            {"LineNumber": 1, "EntryDate": None},
            "no row",
        ],
    )
    def test_a_line_that_can_not_be_read_is_no_answer(self, wire, row):
        client = FinanceClient(root=wire.url, who="owner@contoso.example", bearer=lambda refresh: "t")
        wire.answer = answer(json.dumps({"value": [row]}).encode())
        with pytest.raises(Unavailable):
            list(client.entry_lines(legal_entity="USSI", entry_number="1"))

    def test_a_second_page_elsewhere_or_again_is_not_asked_for(self, wire):
        client = FinanceClient(root=wire.url, who="owner@contoso.example", bearer=lambda refresh: "t")
        for following in ("https://evil.example/data/X", "http://127.0.0.1/data/X", "javascript:1"):
            wire.answer = answer(json.dumps({"value": [], "@odata.nextLink": following}).encode())
            with pytest.raises(FinanceNotConfigured):
                client.rows("X", ("A",))
        again = f"{wire.url}/data/X?again"
        wire.answer = answer(json.dumps({"value": [], "@odata.nextLink": again}).encode())
        with pytest.raises(Unavailable, match="same page"):
            client.rows("X", ("A",))


@pytest.mark.parametrize("value", [b'{"value": null}', b'{"value": {"a": 1}}', b"{}", b"[]", b'"x"'])
def test_a_start_that_names_no_execution_is_in_doubt(wire, value):
    client = FinanceClient(root=wire.url, who="owner@contoso.example", bearer=lambda refresh: "t")
    wire.answer = answer(value)
    with pytest.raises(InDoubt):
        client.start_import(package_url="x", project=PROJECT, execution_id="e", legal_entity="USSI")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "truncate", "after_bytes": 10}, InDoubt),
        ({"kind": "charset"}, InDoubt),
        ({"kind": "redirect"}, InDoubt),
        ({"kind": "large", "megabytes": 10}, InDoubt),
    ],
    ids=lambda value: value.get("kind") if isinstance(value, dict) else None,
)
def test_a_spoiled_answer_to_the_start_is_never_a_success(client, tmp_path, sandbox, fault, error):
    path = package(tmp_path / "p.zip", [("0800|NA|NA", "1")])
    sandbox.faults({"call": "ImportFromPackage", **fault})
    with pytest.raises(error):
        start(client, path)


def test_a_trickle_from_finance_ends_at_the_deadline(client, sandbox):
    sandbox.faults({"call": "BudgetModels", "kind": "trickle"})
    with pytest.raises(Unavailable, match="Timeout"):
        client.service.call(
            "GET", client.service.address("BudgetModels"), refuse=client._refuse_read, total_seconds=1.5
        )


def test_a_token_that_ran_out_is_renewed_once(client, sandbox):
    sandbox.faults({"call": "GetExecutionSummaryStatus", "kind": "unauthorized"})
    assert client.execution_status("never-started") is ExecutionStatus.NOT_FOUND
    assert [asked["status"] for asked in sandbox.requests("GetExecutionSummaryStatus")] == [401, 400]


@pytest.mark.parametrize(
    ("service", "expected"), [(b"200 OK", Rejected), (b"404 Not Found", NotFinance), (b"403 Forbidden", Rejected)]
)
def test_what_is_not_found_is_missing_in_finance_or_at_another_host(wire, service, expected):
    """The service document, which every Finance has, decides."""
    wire.answer = lambda connection, request: answer(
        b'{"value": []}', service if b"GET /data HTTP" in request else b"404 Not Found"
    )
    client = FinanceClient(root=wire.url, who="owner@contoso.com", bearer=lambda fresh: "token")
    with pytest.raises(expected):
        client.rows("FiscalPeriods", ("FiscalYear",))
