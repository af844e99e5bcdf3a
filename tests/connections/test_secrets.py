"""Canaries: a signature, a token and a secret that reach a log, an error, a repr or a stored run are found."""

import json
import logging

import pytest

from connections import blob, entra, http, queries
from connections.errors import RemoteError
from connections.models import Connection
from connections.rules.flows import EXPORT_FLOW
from connections.rules.secrets import readable, storable, without_secrets
from exports.models import Run
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
]


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


def test_no_repr_shows_what_an_answer_or_a_sign_in_holds():
    shown = repr(http.Answer(200, {"set-cookie": CANARY}, CANARY.encode()))
    shown += repr(entra.SignedIn("owner@contoso.example", "home", CANARY))
    assert "CANARY" not in shown


@pytest.mark.parametrize("status", [b"400 Bad Request", b"403 Forbidden", b"500 Error", b"429 Busy", b"302 Found"])
def test_no_error_repeats_a_secret_of_the_other_side(wire, tmp_path, status, caplog):
    caplog.set_level(logging.DEBUG)
    inner = f"Error: {TEXTS[0]} {TEXTS[2]}"
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
def test_messages_of_refused_lines_are_stored_without_secrets(environment, sandbox):
    client = queries.finance_client(environment=environment, flow_name=EXPORT_FLOW)
    value = json.dumps([{"RecordId": "1", "Field": "F", "ErrorMessage": f"{TEXTS[0]}\x00"}])
    sandbox.faults({"call": "GetExecutionErrors", "kind": "body", "body": json.dumps({"value": value})})
    [error] = client.execution_errors("e-1")
    assert error.message.startswith("PUT https://acct.blob.core.windows.net/dmf/p.zip?(hidden) failed")
    assert "\x00" not in error.message
