"""Dataverse, Finance and the sign-in are services of their own, each under its own host name."""

import pytest

DATAVERSE, FINANCE = "/api/data/v9.2/WhoAmI", "/data/BudgetModels"
BATCH = (
    "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nGET {address} HTTP/1.1\r\n\r\n"
    "\r\n--b--\r\n"
)


def services(wire):
    """Path → the address of its service and the headers of its caller."""
    named = ((DATAVERSE, wire.facts["dataverse_url"]), (FINANCE, wire.facts["finance_url"]))
    return {path: (url, wire.bearer(url)) for path, url in named}


@pytest.mark.parametrize(("path", "other"), [(DATAVERSE, FINANCE), (FINANCE, DATAVERSE)])
def test_a_service_answers_under_its_own_host_only(wire, path, other):
    found = services(wire)
    (own, headers), (wrong, _) = found[path], found[other]
    plain = f"http://127.0.0.1:{wire.control.port}"
    assert wire.http.get(f"{own}{path}", headers=headers).status_code == 200
    assert wire.http.get(f"{wrong}{path}", headers=headers).status_code == 404
    assert wire.http.get(f"{plain}{path}", headers=headers).status_code == 404
    wire.control.put("faults", {"host_check": False})
    assert wire.http.get(f"{wrong}{path}", headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/Metadata/DataEntities", "/api/connector/jobstatus/x", "/data/$metadata"])
def test_everything_of_finance_is_under_its_host(wire, path):
    url = wire.facts["dataverse_url"]
    assert wire.http.get(f"{url}{path}", headers=wire.bearer(wire.facts["finance_url"])).status_code == 404


def test_the_sign_in_and_the_control_side_answer_everywhere(wire):
    tenant = wire.facts["tenant_id"]
    hosts = (wire.facts["dataverse_url"], wire.facts["finance_url"], f"http://127.0.0.1:{wire.control.port}")
    for host in hosts:
        for path in (f"/{tenant}/v2.0/.well-known/openid-configuration", "/_sandbox/facts"):
            assert wire.http.get(f"{host}{path}").status_code == 200


@pytest.mark.parametrize("path", [DATAVERSE, FINANCE])
def test_a_part_of_a_batch_stays_with_its_service(wire, path):
    url, headers = services(wire)[path]
    base = path.rpartition("/")[0]
    headers["Content-Type"] = "multipart/mixed; boundary=b"
    for host in (url, "https://elsewhere.example"):
        answer = wire.http.post(f"{url}{base}/$batch", content=BATCH.format(address=host + path), headers=headers)
        assert ("HTTP/1.1 200" in answer.text) == (host == url), answer.text
        assert ("not for this environment" in answer.text) == (host != url)


def test_json_that_cannot_be_read_has_a_code_in_dataverse(wire):
    url = wire.facts["dataverse_url"]
    headers = wire.bearer(url) | {"Content-Type": "application/json"}
    answer = wire.http.post(f"{url}/api/data/v9.2/roles", content=b"{", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"].startswith("0x") and "JSON" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "statement", ["SELECT nothing FROM systemuser", "SELECT 'x", "SELECT no(fullname) FROM systemuser"]
)
def test_a_statement_that_fails_does_not_name_the_store(wire, statement):
    answer = wire.dataverse("systemusers", sql=statement)
    assert answer.status_code == 400
    assert not any(word in answer.text.lower() for word in ("no such", "sqlite", "token", "near"))
