"""Whatever the other side says, a parser of the border answers, or says no in the way that its callers catch."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connections import entra, entra_application, http
from connections.batch import answers_of
from connections.errors import Rejected, RemoteError
from connections.finance import FinanceClient
from connections.models import Environment
from connections.rules import dataverse
from connections.rules.addresses import host_and_port, is_allowed, is_allowed_storage, root_of
from connections.rules.blocks import block_list, storage_error, uncommitted
from connections.rules.correlation import client_request_id
from connections.rules.execution import counts_of, header_of, line_of
from connections.rules.execution_errors import execution_errors_of, parse_execution_errors
from connections.rules.json_text import json_text
from connections.rules.secrets import readable, storable, without_secrets
from connections.rules.wire import (
    ENUMS,
    LONGEST_WAIT,
    amount_of,
    blob_address,
    day_of,
    json_of,
    literal,
    reason_in,
    seconds_to_wait,
    selected,
    virtual_value,
    whole_of,
)
from tests.connections.scripted import answer

many = settings(max_examples=150, deadline=None)
few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

TEXT = st.text(alphabet=st.characters(), max_size=200)  # lone surrogates and NUL included
NUMBER = st.one_of(st.integers(), st.decimals(allow_nan=False, allow_infinity=False), st.integers(min_value=10**30))
VALUE = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBER, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=8,
)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def rows_of(*names):
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, VALUE))


def answered(what, given):
    """The value, or None when it was refused with a ValueError."""
    try:
        return what(given)
    except ValueError:
        return None


@many
@given(st.binary(max_size=400) | TEXT.map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"1e999999999999999999999")
@example(b"-Infinity")
@example(b"9" * 5000)
@example('{"a":"ü"}'.encode("utf-16"))
def test_a_body_is_json_or_is_refused(body):
    answered(json_of, body)


@many
@given(VALUE)
def test_what_was_written_exactly_is_read_exactly(value):
    assert json_of(json_text(value).encode("utf-8", "replace")) is not NotImplemented
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        assert json_of(json_text(value).encode()) == value


@many
@given(VALUE)
def test_a_reason_is_one_short_line(content):
    for envelope in (content, {"error": content}, {"error": {"innererror": content, "message": content}}):
        reason = reason_in(envelope)
        assert len(reason) <= 500
        assert reason.isprintable()
        reason.encode()


@many
@given(TEXT | st.floats().map(str) | st.datetimes().map(lambda d: d.strftime("%a, %d %b %Y %H:%M:%S GMT")))
@example("Mon, 01 Jan 99999999999 00:00:00 GMT")
@example("Mon, 01 Jan 0001 00:00:00 +9999")
@example("٣")
@example("9" * 400)
def test_a_wait_is_within_an_hour_or_unknown(header):
    wait = seconds_to_wait(header, NOW)
    assert wait is None or 0 <= wait <= LONGEST_WAIT


@many
@given(VALUE)
@example("2026-13-01")
@example("2026-01-31X12")
@example("٢٠٢٦-01-01")
def test_a_date_is_a_date_nothing_or_refused(value):
    found = answered(day_of, value)
    assert found is None or type(found) is date


@many
@given(VALUE | st.decimals())
@example(Decimal("1e999999"))
@example(Decimal("sNaN"))
def test_a_number_is_exact_and_within_bounds_or_refused(value):
    amount = answered(amount_of, value)
    assert amount is None or (amount == value and abs(amount) < 10**20)
    whole = answered(whole_of, value)
    assert whole is None or abs(whole) < 2**63


@many
@given(VALUE, TEXT, st.sampled_from([*ENUMS, "Name"]))
def test_a_virtual_value_is_a_text(value, label, field):
    name = f"mserp_{field.lower()}"
    found = virtual_value({name: value, f"{name}@OData.Community.Display.V1.FormattedValue": label}, field)
    assert isinstance(found, str)


LABELS = ['{"RecordId":"', '","Field":"', '","ErrorMessage":"', '"},{', '"}]', "[", '"', "\\", "\r\n", "{", "}", ","]
BROKEN = st.lists(st.sampled_from(LABELS) | TEXT, max_size=12).map("".join)


@many
@given(BROKEN)
def test_any_error_list_is_read_and_can_be_stored(text):
    for error in (*execution_errors_of(text), *parse_execution_errors(text)):
        for part in (error.record_id, error.field, error.message):
            part.encode()
            assert "\x00" not in part
        assert len(error.record_id) <= 200
        assert len(error.field) <= 200


SAFE = TEXT.filter(lambda text: storable(without_secrets(text)) == text)
HARD = st.lists(st.sampled_from(['"', '"}', '"},{', '"}]', "\r\n", "\\", " ", "no", "Field"]), max_size=8).map("".join)
MESSAGE = (SAFE | HARD).filter(lambda text: "RecordId" not in text and "ErrorMessage" not in text)
ERROR = st.tuples(st.sampled_from(["", "1", "5637-1"]), st.sampled_from(["", "DimensionDisplayValue"]), MESSAGE)


@many
@given(
    st.lists(st.tuples(st.from_regex(r"\A[0-9-]{1,20}\Z"), st.from_regex(r"\A[A-Za-z]{0,20}\Z"), MESSAGE), max_size=5)
)
def test_a_list_that_finance_did_not_escape_loses_no_message(errors):
    joined = ",".join(f'{{"RecordId":"{i}","Field":"{f}","ErrorMessage":"{m}"}}' for i, f, m in errors)
    found = parse_execution_errors(f"[{joined}]")
    assert [(one.record_id, one.field, one.message) for one in found] == errors


@many
@given(st.lists(rows_of("RecordId", "Field", "ErrorMessage") | VALUE, max_size=4))
@example([{}, {"RecordId": {"\ud800": None}}])
def test_a_list_of_errors_that_is_json_is_read_row_by_row(rows):
    found = execution_errors_of(json_text(rows))
    assert len(found) == sum(isinstance(row, dict) for row in rows) or not rows


@many
@given(rows_of("LineNumber", "EntryDate", "TransactionCurrencyAmount", "DimensionDisplayValue", "Comment"))
def test_a_line_of_an_entry_is_read_or_refused(row):
    answered(line_of, row)
    answered(header_of, row | {"ExpenseBudgetTotal": row.get("LineNumber")})
    answered(counts_of, [{"StagingRecordsCreatedCount": row.get("LineNumber")}])


@many
@given(rows_of("ActiveFrom", "ActiveTo", "DimensionValue") | VALUE)
def test_a_selected_row_has_its_fields_and_readable_dates(row):
    found = answered(lambda given: selected(given, ("ActiveFrom", "DimensionValue")), row)
    if found is not None:
        assert set(found) == {"ActiveFrom", "DimensionValue"}
        day_of(found["ActiveFrom"])


ROWS = rows_of(
    *("UserId", "OrganizationId", "BusinessUnitId", "workflowid", "statecode", "name", "LogicalName", "EntitySetName"),
    *("environmentvariabledefinitionid", dataverse.VALUES, "mserp_financeandoperationsentityid", "mserp_physicalname"),
    *("connectionreferenceid", "connectionid", "PrimaryIdAttribute", "PrimaryNameAttribute"),
)


@many
@given(ROWS)
@pytest.mark.parametrize(
    "read",
    [
        dataverse.who_of,
        dataverse.variable_of,
        dataverse.catalog_entity_of,
        dataverse.cloud_flow_of,
        dataverse.connection_slot_of,
        dataverse.table_of,
    ],
)
def test_a_row_of_dataverse_is_read_or_refused(read, row):
    answered(read, row)


PIECES = [
    "https://",
    "http://",
    "fin.example",
    ":443",
    ":0",
    ":8101",
    "@",
    "/",
    "\\",
    "?",
    "#",
    "[",
    "]",
    "%",
    "..",
    "\t",
]
URL = st.lists(st.sampled_from(PIECES) | TEXT, max_size=6).map("".join)
ALLOWED = ["fin.example", "fin.example:8101", ".blob.core.windows.net"]


@many
@given(URL)
@example("https://[::1")
@example("https://fin.example:99999999999999999999")
@example("https://fin.example:0")
@example("https://\u2100.example")
def test_an_address_is_allowed_only_when_it_is_exactly_that(url):
    if is_allowed(url, ALLOWED, loopback=True):
        assert url.lower().startswith("https://fin.example")
        assert host_and_port(url) in ("fin.example:443", "fin.example:8101")
    root = root_of(url)
    assert not root or host_and_port(root)


@many
@given(TEXT)
def test_a_storage_suffix_lets_one_account_pass_and_nothing_else(name):
    url = f"https://{name}.blob.core.windows.net/dmf/p.zip?sig=x"
    if is_allowed_storage(url, ALLOWED, loopback=True):
        assert name.isascii()
        assert set(name.lower()) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


XML = [
    "<UncommittedBlocks>",
    "</UncommittedBlocks>",
    "<Block>",
    "</Block>",
    "<Name>",
    "</Name>",
    "<Size>",
    "</Size>",
    "9",
]


@many
@given(st.lists(st.sampled_from(XML) | TEXT, max_size=15).map("".join))
@example("<!DOCTYPE x [<!ENTITY a 'aaaa'>]><UncommittedBlocks>&a;</UncommittedBlocks>")
def test_a_block_list_is_read_or_is_empty(text):
    assert all(isinstance(size, int) for size in uncommitted(text).values())
    storage_error(text)


def test_a_block_list_that_azure_writes_is_read():
    blocks = "".join(f"<Block><Name>AAA{n}=</Name><Size>{n}</Size></Block>" for n in range(3))
    text = f"\ufeff<BlockList><CommittedBlocks />\n<UncommittedBlocks>{blocks}</UncommittedBlocks></BlockList>"
    assert uncommitted(text) == {"AAA0=": 0, "AAA1=": 1, "AAA2=": 2}
    assert block_list(["a", "b"]).endswith(b"<BlockList><Latest>a</Latest><Latest>b</Latest></BlockList>")


@many
@given(TEXT | VALUE.map(lambda value: json_text({"BlobUrl": value})))
@example("[]")
@example("null")
@example("[" * 50_000)
def test_a_write_address_is_a_text_or_refused(value):
    found = answered(blob_address, value)
    assert found is None or (isinstance(found, str) and found)


@many
@given(TEXT, st.binary(max_size=300))
@example(
    "multipart/mixed; boundary=b", b"--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}\r\n--b--"
)
@example("multipart/mixed", b"--b")
@example("multipart/mixed; boundary=b", b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b")
def test_the_answer_to_a_batch_is_read_or_refused(kind, body):
    for content_type in (kind, f"multipart/mixed; boundary={kind}", "multipart/mixed; boundary=b"):
        answered(lambda given: answers_of(given, body), content_type)


@many
@given(TEXT)
def test_texts_for_people_and_filters_never_fail(text):
    readable(text).encode()
    storable(text).encode()
    assert literal(text).count("'") % 2 == 0


@many
@given(st.dictionaries(st.sampled_from(["run_id", "correlation_id", "x"]), VALUE))
def test_every_call_has_a_guid(context):
    assert len(client_request_id(context)) == 36


# --- through the client, over a real connection -----------------------------------------------------------------------

BODY = st.one_of(
    st.binary(max_size=100),
    VALUE.map(lambda value: json_text(value).encode("utf-8", "replace")),
    VALUE.map(lambda value: json_text({"value": value}).encode("utf-8", "replace")),
    st.lists(rows_of("LineNumber", "EntryDate", "TransactionCurrencyAmount"), max_size=2).map(
        lambda rows: json_text({"value": rows, "@odata.nextLink": "https://evil.example"}).encode("utf-8", "replace")
    ),
    VALUE.map(lambda value: json_text({"value": json_text(value)}).encode("utf-8", "replace")),
)
STATUS = st.sampled_from([b"200 OK", b"204 No Content", b"400 Bad", b"403 Forbidden", b"404 Not Found", b"500 Error"])


@few
@given(body=BODY, status=STATUS)
def test_no_answer_of_finance_leads_out_of_the_error_tree(wire, body, status):
    wire.answer = answer(b"" if status.startswith(b"204") else body, status)
    finance = FinanceClient(root=wire.url, who="owner@contoso.example", bearer=lambda refresh: "t")
    questions = (
        lambda: finance.write_url("p.zip"),
        lambda: finance.ensure_project("P"),
        lambda: finance.start_import(package_url="x", project="P", execution_id="e", legal_entity="USMF"),
        lambda: finance.execution_status("e"),
        lambda: finance.execution_counts("e", "P"),
        lambda: finance.execution_errors("e"),
        lambda: finance.entry_header(legal_entity="USMF", entry_number="1"),
        lambda: list(finance.entry_lines(legal_entity="USMF", entry_number="1")),
        lambda: finance.count("BudgetModels"),
    )
    for ask in questions:
        try:
            ask()
        except RemoteError as error:
            json.dumps(error.problem().message)


TOKENS = rows_of(
    *("access_token", "expires_in", "refresh_in", "ext_expires_in", "token_type", "scope", "refresh_token", "id_token"),
    *("client_info", "foci", "error", "error_description", "suberror", "error_codes"),
)


@few
@given(
    body=(TOKENS | TOKENS.map(lambda row: row | {"access_token": "t"}) | VALUE).map(
        lambda value: json.dumps(value, default=float).encode()
    )
    | st.binary(max_size=50),
    status=st.sampled_from([b"200 OK", b"400 Bad", b"401 Unauthorized", b"500 Error"]),
)
@example(body=b'{"access_token":"a","expires_in":1e999}', status=b"200 OK")
@example(body='{"access_token":"tokén"}'.encode(), status=b"200 OK")
@example(body=b'{"access_token":"a\\ud800","refresh_token":"b\\ud800"}', status=b"200 OK")
@example(body=b'{"access_token":"a","id_token":"a.e30.b","client_info":"e30"}', status=b"200 OK")
def test_no_answer_of_entra_leads_out_of_the_error_tree(wire, body, status):
    base = f"{wire.url}/contoso"
    names = ("issuer", "authorization_endpoint", "token_endpoint")
    found = answer(json.dumps({name: f"{base}/{name}" for name in names}).encode())
    entra_application._tokens.clear()
    wire.answer = lambda connection, request: found if request.startswith(b"GET") else answer(body, status)
    environment = Environment(
        name="Contoso", dataverse_url=wire.url, tenant_id="contoso", authority=wire.url, client_id="app"
    )
    flow = {"state": "s", "redirect_uri": "https://portal.example", "scope": ["s"], "code_verifier": "v"}
    back = {"state": "s", "code": "c"}
    questions = (
        lambda: entra_application.application_token(environment, wire.url),
        lambda: entra.complete_sign_in(environment=environment, flow=flow, answer=back).account.encode(),
    )
    for ask in questions:
        try:
            ask()
        except RemoteError as error:
            error.problem().message.encode()


@few
@given(name=st.sampled_from(["Authorization", "If-Match", "Prefer"]), value=TEXT, repeatable=st.booleans())
@example(name="Authorization", value="Bearer tokén", repeatable=False)
def test_no_header_leads_out_of_the_error_tree(wire, name, value, repeatable):
    wire.answer = answer()
    try:
        http.request("POST", wire.url, headers={name: value}, content=b"{}", repeatable=repeatable)
    except RemoteError as error:
        assert isinstance(error, Rejected)
