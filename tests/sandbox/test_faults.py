"""Every kind of fault does on the wire what its name says, to the calls it is aimed at."""

import time
import urllib.error

import httpx
import pytest

from connections import http
from connections.errors import CertificateRefused, Unreachable
from tests.remote import _free_port
from tests.sandbox.conftest import LINE
from tests.sandbox.test_survival import start

MODELS = "BudgetModels"


def test_a_status_is_answered_with_what_it_names(wire):
    wire.control.faults({"call": MODELS, "kind": "status", "status": 429, "retry_after": "7"})
    answer = wire.finance(MODELS)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert "high resource utilization" in answer.json()["error"]["message"]


def test_a_body_is_answered_whatever_was_asked(wire):
    wire.control.faults({"call": MODELS, "kind": "body", "body": "<html>maintenance</html>"})
    answer = wire.finance(MODELS)
    assert (answer.status_code, answer.text) == (200, "<html>maintenance</html>")
    assert answer.headers["content-type"].startswith("text/html")


def test_a_delay_makes_the_answer_late(wire):
    wire.control.faults({"call": MODELS, "kind": "delay", "seconds": 0.7})
    headers = wire.bearer(wire.facts["finance_url"])
    started = time.monotonic()
    assert wire.http.get(f"{wire.facts['finance_url']}/data/{MODELS}", headers=headers).status_code == 200
    assert time.monotonic() - started >= 0.7


@pytest.mark.parametrize("kind", ["refuse", "reset"])
def test_a_cut_connection_did_nothing(wire, kind):
    content = wire.package(LINE)
    wire.control.faults({"call": "ImportFromPackage", "kind": kind})
    with pytest.raises(httpx.TransportError):
        wire.start(content)
    assert wire.act("GetExecutionSummaryStatus", executionId="e-1").status_code == 400


@pytest.mark.parametrize("fault", [{"kind": "lost_answer"}, {"kind": "reset", "act": True}])
def test_a_lost_answer_did_everything(wire, fault):
    content = wire.package(LINE)
    wire.control.faults({"call": "ImportFromPackage", **fault})
    with pytest.raises(httpx.TransportError):
        wire.start(content)
    assert wire.ended() == "Succeeded"


def test_an_import_fault_spoils_the_import_and_not_the_call(wire):
    wire.control.faults({"call": "*", "kind": "import", "effect": "fail"})
    assert wire.start(wire.package(LINE)).status_code == 200
    assert wire.ended() == "Failed"


def test_a_trickle_comes_byte_by_byte(wire):
    url, headers = wire.facts["finance_url"], wire.bearer(wire.facts["finance_url"])
    whole = len(wire.http.get(f"{url}/data/{MODELS}", headers=headers).content)
    wire.control.faults({"call": MODELS, "kind": "trickle", "bytes_per_second": whole // 2 + 1})
    started = time.monotonic()
    with wire.http.stream("GET", f"{url}/data/{MODELS}", headers=headers) as answer:
        sizes = [len(part) for part in answer.iter_raw()]
    assert sizes == [whole // 2 + 1, whole - whole // 2 - 1]
    assert time.monotonic() - started >= 1


def test_a_truncated_answer_ends_before_its_length(wire):
    wire.control.faults({"call": MODELS, "kind": "truncate", "after_bytes": 20})
    url, headers = wire.facts["finance_url"], wire.bearer(wire.facts["finance_url"])
    got = b""
    with (
        pytest.raises(httpx.RemoteProtocolError),
        wire.http.stream("GET", f"{url}/data/{MODELS}", headers=headers) as answer,
    ):
        for part in answer.iter_raw():
            got += part
    assert len(got) == 20
    assert int(answer.headers["content-length"]) > 20


def test_a_truncated_start_was_carried_out(wire):
    content = wire.package(LINE)
    wire.control.faults({"call": "ImportFromPackage", "kind": "truncate"})
    with pytest.raises(httpx.RemoteProtocolError):
        wire.start(content)
    assert wire.ended() == "Succeeded"


def test_a_redirect_leads_elsewhere(wire):
    wire.control.faults({"call": MODELS, "kind": "redirect", "location": "https://elsewhere.example/sign-in"})
    answer = wire.finance(MODELS)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://elsewhere.example/sign-in")
    wire.control.faults({"call": MODELS, "kind": "redirect", "status": 307})
    assert wire.finance(MODELS).status_code == 307


def test_unauthorized_is_the_challenge_of_an_expired_token_once(wire):
    wire.control.faults({"call": MODELS, "kind": "unauthorized"})
    first, second = wire.finance(MODELS), wire.finance(MODELS)
    assert (first.status_code, second.status_code) == (401, 200)
    assert 'error="invalid_token"' in first.headers["www-authenticate"]


def test_another_character_set_is_said_or_hidden(wire):
    wire.control.faults({"call": MODELS, "kind": "charset"})
    answer = wire.finance(MODELS)
    assert answer.headers["content-type"] == "application/json; charset=utf-16"
    assert answer.content.decode("utf-16").startswith('{"@odata.context"')
    hidden = {"charset": "cp500", "content_type": "application/json; charset=utf-8"}
    wire.control.faults({"call": MODELS, "kind": "charset", **hidden})
    answer = wire.finance(MODELS)
    assert answer.headers["content-type"].endswith("utf-8")
    assert answer.content.decode("cp500").startswith('{"@odata.context"')


def test_a_large_answer_is_valid_and_as_large_as_said(wire):
    wire.control.faults({"call": MODELS, "kind": "large", "megabytes": 3})
    answer = wire.finance(MODELS)
    assert 3 * 2**20 <= len(answer.content) < 3 * 2**20 + 1000
    assert set(answer.json()["value"][0]) == {"Filler"}


def test_a_fault_for_one_user_does_not_meet_another(wire):
    wire.control.faults({"call": MODELS, "kind": "status", "status": 500, "user": "planner", "times": None})
    assert wire.finance(MODELS, user="owner").status_code == 200
    assert wire.finance(MODELS, user="planner").status_code == 500


def test_a_fault_for_one_text_meets_address_and_body_only_where_it_stands(wire):
    fault = {"kind": "status", "status": 500, "times": None}
    wire.control.faults(
        {"call": "GetExecutionSummaryStatus", "contains": "run-7", **fault},
        {"call": MODELS, "contains": "Stopped", **fault},
    )
    assert wire.act("GetExecutionSummaryStatus", executionId="run-8").status_code == 400
    assert wire.act("GetExecutionSummaryStatus", executionId="run-7").status_code == 500
    assert wire.finance(MODELS, **{"$select": "Name"}).status_code == 200
    assert wire.finance(MODELS, **{"$select": "Stopped"}).status_code == 500


def test_calls_that_are_not_meant_are_not_counted(wire):
    wire.control.faults({"call": MODELS, "kind": "status", "status": 500, "user": "planner", "after": 1})
    answers = [wire.finance(MODELS, user=user).status_code for user in ("owner", "owner", "planner", "planner")]
    assert answers == [200, 200, 200, 500]


def test_a_body_that_was_looked_into_still_arrives(wire):
    wire.control.faults({"call": "*", "kind": "status", "contains": "stands nowhere", "times": None})
    assert wire.start(wire.package(LINE)).status_code == 200
    assert wire.ended() == "Succeeded"


def test_a_character_set_that_does_not_exist_is_refused(wire):
    with pytest.raises(urllib.error.HTTPError) as refused:
        wire.control.faults({"call": MODELS, "kind": "charset", "charset": "klingon"})
    assert refused.value.code == 400
    refused.value.close()


def asked(sandbox):
    """The portal's own border asks the https side; an answer, of whatever status, is one."""
    return http.request("GET", f"https://localhost:{sandbox.tls_port}/data/{MODELS}", repeatable=True).status


@pytest.mark.parametrize(("mode", "error"), [("closed", Unreachable), ("other certificate", CertificateRefused)])
def test_the_https_side_is_closed_or_of_a_strange_authority_until_it_is_opened_again(sandbox, mode, error):
    assert asked(sandbox) == 401
    sandbox.put("faults", {"listener": mode})
    for _ in range(2):
        with pytest.raises(error):
            asked(sandbox)
    assert sandbox.get("faults")["listener"] == mode
    sandbox.put("faults", {"listener": "open"})
    assert asked(sandbox) == 401
    sandbox.put("faults", {"listener": mode})
    sandbox.call("POST", "reset")
    assert asked(sandbox) == 401


def test_a_listener_that_nobody_knows_is_refused(sandbox):
    with pytest.raises(urllib.error.HTTPError):
        sandbox.put("faults", {"listener": "ajar"})
    assert asked(sandbox) == 401


def test_a_sandbox_that_starts_anew_is_open(tmp_path, settings):
    ports = _free_port(), _free_port()
    settings.ALLOWED_REMOTE_HOSTS = [f"localhost:{ports[1]}"]
    settings.REMOTE_CA_FILE = str(tmp_path / "tls" / "ca.pem")
    process, control = start(tmp_path, *ports)
    try:
        control.put("faults", {"listener": "closed"})
        with pytest.raises(Unreachable):
            asked(control)
        process.terminate()
        process.wait(20)
        process, control = start(tmp_path, *ports)
        assert control.get("faults")["listener"] == "open"
        assert asked(control) == 401
    finally:
        process.kill()
        process.wait(10)
