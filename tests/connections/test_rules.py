"""Facts of the wire as pure functions: addresses, dates, enums, waiting, error lists."""

from datetime import UTC, date, datetime

import pytest

from connections.dataverse import set_name
from connections.rules.addresses import is_allowed, is_allowed_storage, root_of
from connections.rules.execution import ExecutionError, ExecutionStatus
from connections.rules.execution_errors import parse_execution_errors
from connections.rules.secrets import readable
from connections.rules.wire import day_of, literal, reason_in, seconds_to_wait, virtual_value

ALLOWED = ["fin.operations.dynamics.com", "127.0.0.1:8101"]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "url",
    [
        "https://fin.operations.dynamics.com",
        "https://fin.operations.dynamics.com:443/data?x=1",
        "https://FIN.operations.dynamics.com/",
        "https://127.0.0.1:8101/data",
    ],
)
def test_an_allowed_host_is_called(url):
    assert is_allowed(url, ALLOWED, loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://fin.operations.dynamics.com",
        "https://fin.operations.dynamics.com@evil.example",
        "https://user:word@fin.operations.dynamics.com",
        "https://fin.operations.dynamics.com.evil.example",
        "https://evil-fin.operations.dynamics.com",
        "https://fin.operations.dynamics.com.",
        "https://fin.operations.dynamics.com:22",
        "https://fin.operations.dynamics.com:0",
        "https://fin.operations.dynamics.com:99999",
        "https://fin.operations.dynamіcs.com",
        "https://fin.operations.dynamics.com\\@evil.example",
        "https://fin.operations.dynamics.com\n.evil.example",
        "https://169.254.169.254/latest",
        "https://2130706433:8101",
        "https://[::1]:8101",
        "https://[fe80::1%25eth0]/",
        "https://127.0.0.1:8100",
        "file:///etc/passwd",
        "gopher://127.0.0.1:8101",
        "//127.0.0.1:8101",
        "",
    ],
)
def test_any_other_address_is_not(url):
    assert not is_allowed(url, ALLOWED, loopback=True)


BLOB_HOSTS = [".blob.core.windows.net", "127.0.0.1:8101"]


@pytest.mark.parametrize(
    "url",
    [
        "https://acct0123.blob.core.windows.net/dmf/p.zip?sig=x",
        "https://ACCT.blob.core.windows.net:443/dmf",
        "https://acct-secondary.blob.core.windows.net/dmf",
        "https://127.0.0.1:8101/dmf/p.zip",
    ],
)
def test_a_storage_account_below_a_named_suffix_is_allowed(url):
    assert is_allowed_storage(url, BLOB_HOSTS, loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://blob.core.windows.net/dmf",
        "https://.blob.core.windows.net/dmf",
        "https://a.b.blob.core.windows.net/dmf",
        "https://acct.blob.core.windows.net:8443/dmf",
        "https://acct.blob.core.windows.net.evil.example/dmf",
        "https://evil.example/.blob.core.windows.net",
        "https://evil.example?.blob.core.windows.net",
        "https://acctblob.core.windows.net/dmf",
        "http://acct.blob.core.windows.net/dmf",
        "https://user@acct.blob.core.windows.net/dmf",
        "https://127.0.0.1:8100/dmf/p.zip",
        "",
    ],
)
def test_no_other_storage_is(url):
    assert not is_allowed_storage(url, BLOB_HOSTS, loopback=True)
    assert not is_allowed_storage(url, [], loopback=True)
    assert not is_allowed_storage(url, [".", ""], loopback=True)


def test_a_storage_suffix_is_no_permission_for_anything_else():
    assert not is_allowed("https://acct.blob.core.windows.net", BLOB_HOSTS, loopback=True)


def test_production_never_calls_the_loopback():
    assert not is_allowed_storage("https://127.0.0.1:8101/dmf", BLOB_HOSTS, loopback=False)
    assert not is_allowed("https://127.0.0.1:8101", ALLOWED, loopback=False)


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("https://contoso.operations.dynamics.com", "https://contoso.operations.dynamics.com"),
        (" https://Contoso.operations.dynamics.com/ ", "https://contoso.operations.dynamics.com"),
        ("https://contoso.operations.dynamics.com/data", ""),
        ("http://contoso.operations.dynamics.com", ""),
        ("contoso.operations.dynamics.com", ""),
        ("https://contoso.operations.dynamics.com/?x", ""),
    ],
)
def test_the_address_of_finance_is_a_root_without_a_slash(text, root):
    assert root_of(text) == root


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-01-31T12:00:00Z", date(2026, 1, 31)),
        ("2026-01-31T00:00:00+14:00", date(2026, 1, 31)),
        ("2026-01-31", date(2026, 1, 31)),
        ("1900-01-01T00:00:00Z", None),
        ("1900-01-01T12:00:00Z", None),
        (None, None),
        ("", None),
    ],
)
def test_dates_are_dates_and_1900_is_no_bound(value, day):
    assert day_of(value) == day


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("999999", 3600.0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Tue, 01 Mar 2126 12:00:00 GMT", 3600.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("inf", None),
        ("nan", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_an_hour_at_most(header, seconds):
    assert seconds_to_wait(header, NOW) == seconds


@pytest.mark.parametrize(
    ("field", "value", "label", "member"),
    [
        ("BudgetType", 740_000_007, "Original budget", "OriginalBudget"),
        ("BudgetType", 740_000_007, "Revision", "Amendment"),
        ("BudgetType", 200_000_001, "Budget initial", "OriginalBudget"),
        ("BudgetType", "Transfer", "", "Transfer"),
        ("DimensionFormatType", 200_000_019, "", "DataEntityBudgetDimensionFormat"),
        ("DimensionFormatType", 200_000_002, "", "DataEntityBudgetDimensionFormat"),
        ("DimensionSegmentDelimiter", 200_000_003, "", "Bar"),
        ("Stopped", True, "", "Yes"),
        ("Stopped", 200_000_000, "Nein", "No"),
        ("Name", "0800", "", "0800"),
        ("Name", None, "", ""),
    ],
)
def test_a_virtual_entity_shows_enums_by_name_by_label_or_by_number(field, value, label, member):
    name = f"mserp_{field.lower()}"
    row = {name: value, f"{name}@OData.Community.Display.V1.FormattedValue": label}
    assert virtual_value(row, field) == member


def test_a_quote_in_a_value_is_doubled_in_a_filter():
    assert literal("O'Brien") == "'O''Brien'"


@pytest.mark.parametrize(
    ("entity", "table"),
    [
        ("BudgetModelEntity", "mserp_budgetmodelentities"),
        ("DimensionParametersEntity", "mserp_dimensionparametersentities"),
    ],
)
def test_a_virtual_entity_is_named_after_its_physical_name(entity, table):
    assert set_name(entity) == table


def test_the_reason_is_the_last_error_of_the_inner_text():
    inner = "Write failed for table row of type 'X'. Infolog: Warning: a; Error: b is wrong."
    assert (
        reason_in({"error": {"message": "An error has occurred.", "innererror": {"message": inner}}}) == "b is wrong."
    )
    assert reason_in({"error": {"code": "0x1", "message": "m"}}) == "m"
    assert reason_in({"Message": "routed"}) == "routed"
    assert reason_in({"error": "invalid_grant", "error_description": "d"}) == "invalid_grant: d"
    assert reason_in([]) == reason_in({"error": None}) == ""


def test_no_signature_and_no_token_reaches_a_page():
    text = readable("GET https://x/dmf/a?sv=1&sig=abc%3D failed with Authorization: Bearer eyJ0.abc-_.x==")
    assert "abc" not in text
    assert "eyJ0" not in text


def test_the_error_list_is_read_although_it_is_not_json():
    text = (
        '[{"RecordId":"1","Field":"Dim","ErrorMessage":"The value "A|B" in field "Dim" is not found.\r\nSee {log}."},'
        '{"RecordId":"2","Field":"","ErrorMessage":"Second"}]'
    )
    assert parse_execution_errors(text) == (
        ExecutionError("1", "Dim", 'The value "A|B" in field "Dim" is not found.\r\nSee {log}.'),
        ExecutionError("2", "", "Second"),
    )
    assert parse_execution_errors("") == parse_execution_errors("[]") == ()


def test_only_four_states_are_final():
    assert [status.value for status in ExecutionStatus if status.is_final] == [
        "Succeeded",
        "PartiallySucceeded",
        "Failed",
        "Canceled",
    ]
