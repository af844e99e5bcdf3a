"""The way to Entra ID and back: only the answer to this very sign-in counts, and nothing on the way is trusted."""

import json
import re
import time
from urllib.parse import parse_qsl, urlsplit
from urllib.request import ProxyHandler, build_opener

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from django.urls import reverse

from tests.connections.sign_in import page_answer, text_of
from tests.portal.test_entra import (
    PLANNER,
    come_back,
    leave,
    ready,  # noqa: F401
    refused,
    sign_in,
    trail,
)

pytestmark = pytest.mark.django_db
ELSEWHERE = ["https://elsewhere.example/", "//elsewhere.example/", r"/\elsewhere.example/", "javascript:alert(1)"]
ELSEWHERE += ["http://localhost/", "https://127.0.0.1:1/", "\thttps://elsewhere.example/", "///elsewhere.example"]


@pytest.fixture
def forged(sandbox):
    """The owner's id_token as an attacker would make it, right but for its signature."""
    facts = sandbox.get("facts")
    address = f"http://127.0.0.1:{sandbox.port}/{facts['tenant_id']}/discovery/v2.0/keys"
    with build_opener(ProxyHandler({})).open(address) as answer:
        [published] = json.load(answer)["keys"]
    mine = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    owner = next(user for user in facts["users"] if user["upn"].startswith("owner"))

    def make(way, nonce):
        claims = {"iss": f"{facts['authority']}/v2.0", "aud": facts["client_id"], "tid": facts["tenant_id"]}
        claims |= {"oid": owner["oid"], "roles": ["BPP.Administrator"], "nonce": nonce, "preferred_username": "owner"}
        claims |= {"iat": int(time.time()), "exp": int(time.time()) + 600}
        key, algorithm = {"none": (None, "none"), "HS256": ("h" * 32, "HS256")}.get(way, (mine, "RS256"))
        kid = "another" if way == "unknown key" else published["kid"]
        texts = {"no token": None, "no text": 7}
        return texts[way] if way in texts else jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})

    return make


class TestOnlyThisSignIn:
    """State, PKCE, nonce, tenant, issuer, audience: each is checked, and each alone is enough to refuse."""

    def test_the_browser_is_sent_with_pkce_nonce_and_state(self, window, sandbox):
        asked = dict(parse_qsl(urlsplit(leave(window)).query))
        assert (asked["code_challenge_method"], len(asked["code_challenge"])) == ("S256", 43)
        assert (len(asked["nonce"]), len(asked["state"]) >= 16) == (43, True)
        assert (asked["prompt"], set(asked["scope"].split())) == ("select_account", {"openid", "profile", "email"})
        assert asked["redirect_uri"] == "http://127.0.0.1/accounts/entra/login/callback/"
        assert asked["client_id"] == sandbox.get("facts")["client_id"]

    def test_what_a_link_asks_for_is_not_passed_on(self, window):
        address = reverse("entra_login") + "?scope=Mail.Read&auth_params=prompt%3Dnone&process=connect&next=//x.example"
        answer = window.post(address)
        asked = dict(parse_qsl(urlsplit(answer["Refresh"].partition(";url=")[2]).query))
        assert (asked["prompt"], "Mail.Read" in asked["scope"]) == ("select_account", False)
        assert come_back(window, page_answer(answer["Refresh"].partition(";url=")[2], PLANNER))["Location"] == "/"

    def test_it_needs_the_button_and_the_token_of_the_form(self):
        strict = Client(SERVER_NAME="127.0.0.1", enforce_csrf_checks=True)
        assert strict.post(reverse("entra_login")).status_code == 403
        answer = strict.get(reverse("entra_login"))
        assert (answer.status_code, answer["Location"]) == (302, reverse("account_login"))

    def test_it_is_begun_no_more_often_than_with_a_password(self, window):
        answers = [window.post(reverse("entra_login")) for _ in range(31)]
        assert {answer.status_code for answer in answers[:-1]} == {200}
        assert answers[-1].status_code == 429

    def test_entra_refuses_another_verifier(self, window):
        query = page_answer(leave(window), PLANNER)
        session = window.session
        [state] = session["socialaccount_states"].values()
        state[0]["pkce_code_verifier"] = "x" * 43
        session.save()
        refused(come_back(window, query), window, "DECLINED")

    def test_a_state_is_good_once(self, window, sandbox):
        query = page_answer(leave(window), PLANNER)
        assert come_back(window, query).status_code == 302
        window.post(reverse("account_logout"))
        calls = len(sandbox.requests("token"))
        refused(come_back(window, query), window, "STALE", users=1)
        assert len(sandbox.requests("token")) == calls, "the code is not even shown"

    def test_a_state_of_another_session_or_of_nobody(self, window):
        query = page_answer(leave(window), PLANNER)
        thief = Client(SERVER_NAME="127.0.0.1")
        refused(come_back(thief, query), thief, "STALE")
        for wrong in ({}, {"state": "x"}, {"code": query["code"]}, {**query, "state": query["state"] + "x"}):
            refused(come_back(window, wrong), window, "STALE")

    @pytest.mark.parametrize(
        "claims",
        [
            {"nonce": "another"},
            {"nonce": None},
            {"tid": "11111111-2222-4333-8444-555555555555"},
            {"tid": None},
            {"oid": None},
            {"oid": "not-an-object"},
            {"iss": "https://elsewhere.example/v2.0"},
            {"aud": "another-application"},
            {"exp": 1},
        ],
        ids=str,
    )
    def test_a_token_for_somebody_else_or_somewhere_else(self, window, sandbox, claims):
        sandbox.put("application", {"id_token_claims": claims})
        refused(sign_in(window), window, "NOT_FOR_US")
        [entry] = trail("sign-in refused")
        assert entry[1] == "an unknown name"
        assert entry[4] == "With Entra ID: The answer of Entra ID does not fit this sign-in."

    @pytest.mark.parametrize("way", ["none", "HS256", "RS256", "unknown key", "no token", "no text"])
    def test_a_token_that_entra_did_not_sign(self, window, sandbox, forged, way):
        address = leave(window)
        query = page_answer(address, PLANNER)
        asked = dict(parse_qsl(urlsplit(address).query))
        body = {"access_token": "a", "token_type": "Bearer", "id_token": forged(way, nonce=asked["nonce"])}
        sandbox.faults({"call": "token", "kind": "body", "body": json.dumps(body)})
        refused(come_back(window, query), window, "NOT_FOR_US")

    def test_a_sign_in_that_was_cancelled_or_that_entra_refused(self, window):
        state = dict(parse_qsl(urlsplit(leave(window)).query))["state"]
        refused(come_back(window, {"error": "access_denied", "state": state}), window, "CANCELLED")
        state = dict(parse_qsl(urlsplit(leave(window)).query))["state"]
        text = {"error": "server_error", "error_description": "<script>x</script> call 555", "state": state}
        answer = come_back(window, text)
        refused(answer, window, "DECLINED")
        assert "call 555" not in text_of(answer), "a link must not put words on our page"

    def test_nothing_changed_comes_in(self, window):
        """The control of the refusals above: the same steps with nothing changed come in."""
        assert sign_in(window)["Location"] == "/"

    def test_the_way_back_never_leads_elsewhere(self, window):
        for address in ELSEWHERE:
            assert sign_in(window, next=address)["Location"] == "/", address

    def test_the_way_back_leads_to_the_page_that_was_asked_for(self, window):
        page = window.get("/exports/?tab=drafts", follow=True)
        [target] = set(re.findall(r'name="next" value="([^"]+)"', page.content.decode()))
        assert sign_in(window, next=target)["Location"] == "/exports/?tab=drafts"


class TestTheWayThere:
    def test_a_server_that_does_not_answer(self, window, sandbox):
        sandbox.faults({"call": "*", "kind": "reset", "times": None})
        refused(window.post(reverse("entra_login")), window, "UNREACHABLE")

    @pytest.mark.parametrize(
        "kind", [{"kind": "redirect", "location": "https://elsewhere.example/"}, {"kind": "reset"}]
    )
    def test_a_token_endpoint_that_sends_elsewhere_or_dies(self, window, sandbox, kind):
        query = page_answer(leave(window), PLANNER)
        sandbox.faults({"call": "token", **kind})
        refused(come_back(window, query), window, "UNREACHABLE")

    def test_a_certificate_that_nobody_trusts(self, window, settings):
        settings.REMOTE_CA_FILE = ""
        refused(window.post(reverse("entra_login")), window, "UNREACHABLE")

    def test_the_environment_of_the_process_does_not_choose_the_authority(self, window, monkeypatch, tmp_path):
        (tmp_path / "none.pem").write_text("")
        for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(name, str(tmp_path / "none.pem"))
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        assert sign_in(window)["Location"] == "/"

    def test_a_host_that_is_not_allowed(self, window, settings):
        settings.ALLOWED_REMOTE_HOSTS = ["localhost:1"]
        refused(window.post(reverse("entra_login")), window, "UNREACHABLE")

    def test_another_tenants_document(self, window, settings):
        settings.ENTRA_SIGN_IN_TENANT = "11111111-2222-4333-8444-555555555555"
        refused(window.post(reverse("entra_login")), window, "UNREACHABLE")
