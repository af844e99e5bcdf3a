"""Canaries: a signature, a token and a secret that reach a log, an error, a repr or a stored run are found."""

import json
import logging
import time
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connections import blob, entra, http, queries
from connections.errors import RemoteError
from connections.models import Connection
from connections.rules.flows import EXPORT_FLOW
from connections.rules.secrets import readable, storable, without_secrets
from exports.models import Run
from exports.operations.stepping import step
from exports.rules.states import FLOW_OF
from tests.connections.scripted import answer
from tests.world import export, work

CANARY = "CANARY0123456789"
JWT = f"eyJ{CANARY}.eyJ{CANARY}.{CANARY}"
TEXTS = [
    f"PUT https://acct.blob.core.windows.net/dmf/p.zip?sv=2015&se=9&sig={CANARY}%3D failed",
    f'{{"BlobUrl":"https://acct.blob.core.windows.net/dmf/p?sig={CANARY}"}}',
    f"Authorization: Bearer {JWT}",
    f"authorization: basic {CANARY}==",
    f"the token {JWT} was refused",
    f"access_token={CANARY}&x=1",
    f"grant_type=x&client_secret={CANARY}",
    f"/signed-in/?code={CANARY}&state=1",
    f'{{"access_token": "{CANARY}", "refresh_token":"{CANARY}"}}',
    f"client_assertion={CANARY}",
    f"password={CANARY}",
    f"dmf/p.zip?sv=1&sig={CANARY}",
    f"sig%3D{CANARY}%2Bx",
    f"sig%253D{CANARY}",
    f"https%3A%2F%2Facct.blob.core.windows.net%2Fdmf%2Fp%3Fsv%3D1%26sig%3D{CANARY}",
    f"https%3A%2F%2Facct.blob.core.windows.net%2Fdmf%2Fp%3F{CANARY}",
    rf'{{"BlobUrl":"https:\/\/acct.blob.core.windows.net\/dmf\/p?{CANARY}"}}',
    f"https://user:{CANARY}@host/x",
    f"https%3A%2F%2Fuser%3A{CANARY}%40host%2Fx",
    f"Authorization: SharedKey acct:{CANARY}=",
    f"Authorization:%20Bearer%20{CANARY}",
    f"[(b'Set-Cookie', b'a=b; {CANARY}'), (b'location', b'/x?sig={CANARY}')]",
    f"password=ab'{CANARY}",
    f"ESTSAUTHPERSISTENT={CANARY}",
    f'"id_token": "{CANARY} and no end',
]
SPOKEN = ["access_token", "refresh_token", "id_token", "client_secret", "client_assertion", "password", "AccountKey"]


def as_header(name, value):
    return f"{name}: {quote(value)}"


# How a secret is written: (name, value) -> text. Percent-encoding turns what would end an unquoted value into letters.
SHAPES = {
    "form": lambda name, value: urlencode({"x": "1", name: value, "y": "2"}),
    "form in a form": lambda name, value: urlencode({"x": urlencode({"y": "1", name: value})}),
    "assignment": lambda name, value: f"{name} = {quote(value)}",
    "header": as_header,
    "connection string": lambda name, value: f"AccountName=a;{name}={quote(value)};EndpointSuffix=core.windows.net",
    "json": lambda name, value: json.dumps({"x": 1, name: value}),
    "compact json": lambda name, value: json.dumps({name: value}, separators=(",", ":")),
    "json in json": lambda name, value: json.dumps({"x": json.dumps({name: value})}),
    "json in json in json": lambda name, value: json.dumps([json.dumps([json.dumps({name: value})])]),
    "json in a form": lambda name, value: urlencode({"x": json.dumps({name: value})}, quote_via=quote),
    "python": lambda name, value: repr({name: value}),
    "cookie": lambda name, value: f"Cookie: a=b; c={quote(value)}; d=e",
    "set-cookie": lambda name, value: json.dumps({"Set-Cookie": f"c={value}; path=/"}),
    "person": lambda name, value: f"https://user:{quote(value, safe='')}@host/x",
}
PROSE = st.text(alphabet="abc .,()", max_size=20)


@settings(max_examples=100, deadline=None)
@pytest.mark.parametrize("shape", SHAPES)
@given(
    name=st.sampled_from(SPOKEN),
    parts=st.tuples(*2 * [st.text(alphabet="aZ09+/=._~-:;, &?%'\"\\\n", max_size=8)]),
    around=st.tuples(PROSE, PROSE),
)
def test_a_canary_survives_in_no_shape(shape, name, parts, around):
    text = f"{around[0]} {SHAPES[shape](name, f'{CANARY}'.join(parts))} {around[1]}"
    assert "CANARY" not in without_secrets(text)
    assert "CANARY" not in readable(text)


@pytest.mark.parametrize(
    "part", ["https://", "https%3A%2F%2F", "eyJaaaaa", 'password="', "\\", "cookie: ", "a://", "key"]
)
def test_no_text_makes_the_search_slow(part):
    started = time.process_time()
    without_secrets(part * 20_000)
    assert time.process_time() - started < 6


@pytest.mark.parametrize("text", TEXTS)
def test_a_secret_is_taken_out_of_any_text(text):
    assert "CANARY" not in without_secrets(text)
    assert "CANARY" not in readable(text)


@pytest.mark.parametrize(
    "text",
    [
        "The value 'NOPE' in field 'Budget code' is not found in the related table 'Budget codes'.",
        "Validation of field 'Date' failed. Budget code: ORIG, account 605140--02",
        "Number of requests exceeded the limit of 6000 over time window of 300 seconds.",
        "AADSTS7000215: Invalid client secret provided.",
        "See https://learn.microsoft.com/dynamics365/finance",
    ],
)
def test_other_words_stay_as_they_are(text):
    assert without_secrets(text) == text
    assert readable(text) == text


def test_what_a_terminal_or_a_database_would_stumble_over_is_taken_out():
    assert readable("a\x1b[31m\r\nERROR forged\x00\ud800b") == "a [31m ERROR forged b"
    assert storable("a\x00\ud800\nü") == "a\N{REPLACEMENT CHARACTER}?\nü"


def test_an_address_of_httpx_is_logged_without_its_query(wire, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.DEBUG)
    try:
        http.request("GET", f"{wire.url}/dmf/p.zip?sig={CANARY}", repeatable=True, storage=True)
    finally:
        logging.getLogger("httpx").setLevel(logging.WARNING)
    assert "/dmf/p.zip" in caplog.text
    assert "CANARY" not in caplog.text


def test_headers_that_httpcore_logs_show_no_secret(wire, caplog):
    """At DEBUG it logs each header of an answer, by a logger of its own below `httpcore`."""
    wire.answer = answer(b"", b"302 Found", f"location: /x?sig={CANARY}".encode(), f"set-cookie: a={CANARY}".encode())
    talkers = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in ("httpx", "httpcore")]
    assert {"httpx", "httpcore.http11", "httpcore.connection"} <= set(talkers)
    levels = {name: logging.getLogger(name).level for name in talkers}
    for name in talkers:
        logging.getLogger(name).setLevel(logging.DEBUG)
        assert logging.getLogger(name).filters, name
    try:
        with caplog.at_level(logging.DEBUG), pytest.raises(RemoteError):
            http.request("GET", f"{wire.url}/data", repeatable=True)
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
    assert "receive_response_headers.complete" in caplog.text
    assert "CANARY" not in caplog.text


def test_no_repr_shows_what_an_answer_or_a_sign_in_holds():
    shown = repr(http.Answer(200, {"set-cookie": CANARY}, CANARY.encode()))
    shown += repr(entra.SignedIn("owner@contoso.example", "home", CANARY))
    assert "CANARY" not in shown


@pytest.mark.parametrize("status", [b"400 Bad Request", b"403 Forbidden", b"500 Error", b"429 Busy", b"302 Found"])
def test_no_error_repeats_a_secret_of_the_other_side(wire, tmp_path, status, caplog):
    caplog.set_level(logging.DEBUG)
    inner = f"Error: {TEXTS[0]} {TEXTS[2]} sig%3D{CANARY} AccountKey={CANARY}"
    content = json.dumps({"error": {"message": inner, "innererror": {"message": inner}}}).encode()
    wire.answer = answer(content, status, b"location: https://x.example/?sig=" + CANARY.encode())
    path = tmp_path / "p.zip"
    path.write_bytes(b"PK")
    with pytest.raises(RemoteError) as failed:
        blob.upload(f"{wire.url}/dmf/p.zip?sig={CANARY}", path)
    error = failed.value
    words = [error.cause, error.hint, error.headline, repr(error), str(error), repr(error.problem()), caplog.text]
    assert "CANARY" not in "".join(words)


@pytest.mark.django_db
def test_a_run_that_fails_stores_no_secret(world, environment, oakland, sandbox, caplog):
    """Finance puts the address of the package, signature and all, into what it says of the start."""
    caplog.set_level(logging.DEBUG)
    token = entra.token_for(Connection.objects.get(kind="dataverse"), environment.dataverse_url)
    body = json.dumps({"error": {"message": f"{TEXTS[0]} {token}"}})
    sandbox.faults({"call": "ImportFromPackage", "kind": "status", "status": 400, "body": body})
    run = export(world.planner, "oakland/fire-police-finance.json")
    work(run)
    run = Run.objects.get(pk=run.pk)
    stored = [run.headline, run.cause, run.hint, run.trouble, run.code]
    stored += [event.note for event in run.events.all()]
    stored += [attempt.happened for attempt in run.attempts.all()]
    assert any("https://acct.blob.core.windows.net/dmf/p.zip" in text for text in stored)
    for secret in (CANARY, "sig=", token, sandbox.get("facts")["client_secret"]):
        assert secret not in "".join(stored)
        assert secret not in caplog.text


@pytest.mark.django_db
def test_a_run_that_meets_a_server_error_stores_no_secret(world, environment, oakland, sandbox, caplog):
    caplog.set_level(logging.DEBUG)
    body = json.dumps({"error": {"message": f"It broke: sig%3D{CANARY} AccountKey={CANARY}"}})
    sandbox.faults({"call": "GetAzureWriteUrl", "kind": "status", "status": 500, "body": body})
    run = export(world.planner, "oakland/fire-police-finance.json")
    troubles = []
    while not troubles:
        step(run_id=run.pk, flow=FLOW_OF[run.status])
        run.refresh_from_db()
        assert run.is_active
        troubles += [run.trouble] if run.trouble else []
    stored = [*troubles, *(event.note for event in run.events.all()), *(one.happened for one in run.attempts.all())]
    assert any("It broke" in text for text in stored)
    assert "CANARY" not in "".join(stored) + caplog.text


@pytest.mark.django_db
def test_messages_of_refused_lines_are_stored_without_secrets(environment, sandbox):
    client = queries.finance_client(environment=environment, flow_name=EXPORT_FLOW)
    value = json.dumps([{"RecordId": "1", "Field": "F", "ErrorMessage": f"{TEXTS[0]}\x00"}])
    sandbox.faults({"call": "GetExecutionErrors", "kind": "body", "body": json.dumps({"value": value})})
    [error] = client.execution_errors("e-1")
    assert error.message.startswith("PUT https://acct.blob.core.windows.net/dmf/p.zip?(hidden) failed")
    assert "\x00" not in error.message
