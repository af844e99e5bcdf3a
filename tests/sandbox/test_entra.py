"""The played Entra ID as a browser and a library meet it first: discovery, keys, tenants and the sign-in page."""

import re

import jwt
import pytest

from tests.sandbox.entra_client import UNCHECKED, refused

OTHER_TENANT = "11111111-2222-4333-8444-555555555555"


class TestDiscovery:
    @pytest.mark.parametrize("version", ["", "/v2.0"])
    def test_the_document_leads_to_addresses_that_answer(self, entra, version):
        base = f"{entra.dataverse}/{entra.facts['tenant_id']}"
        found = entra.http.get(f"{base}{version}/.well-known/openid-configuration").json()
        assert found["issuer"] == f"{base}{version or '/'}"
        assert found["token_endpoint"] == f"{base}/oauth2{version}/token"
        [key] = entra.http.get(found["jwks_uri"]).json()["keys"]
        assert key["kid"]
        refused(entra.http.post(found["token_endpoint"], data={}), "invalid_request", 900144)

    def test_the_keys_verify_access_and_id_tokens(self, entra):
        tokens = entra.sign_in(nonce="n-1")
        base = f"{entra.dataverse}/{entra.facts['tenant_id']}"
        [key] = entra.http.get(f"{base}/discovery/v2.0/keys").json()["keys"]
        public = jwt.PyJWK(key)
        access = jwt.decode(tokens["access_token"], public, audience=entra.finance, issuer=f"{base}/")
        assert (access["upn"], access["scp"], access["tid"]) == (
            "owner@contoso.example",
            "user_impersonation",
            entra.facts["tenant_id"],
        )
        person = jwt.decode(tokens["id_token"], public, audience=entra.facts["client_id"], issuer=f"{base}/v2.0")
        assert (person["preferred_username"], person["nonce"]) == ("owner@contoso.example", "n-1")
        assert jwt.get_unverified_header(tokens["access_token"])["kid"] == key["kid"]

    @pytest.mark.parametrize("tenant", ["common", "organizations"])
    def test_an_address_for_any_tenant_is_described_and_refused(self, entra, tenant):
        found = entra.http.get(f"{entra.dataverse}/{tenant}/v2.0/.well-known/openid-configuration").json()
        assert found["issuer"] == f"{entra.dataverse}/{{tenantid}}/v2.0"
        content = refused(entra.ask(tenant=tenant, grant_type="client_credentials"), "invalid_request", 50194)
        assert f"Usage of the /{tenant} endpoint is not supported" in content["error_description"]
        refused(entra.authorize(tenant=tenant), "invalid_request", 50194)

    def test_a_foreign_tenant_is_not_found(self, entra):
        address = f"{entra.dataverse}/{OTHER_TENANT}/v2.0/.well-known/openid-configuration"
        refused(entra.http.get(address), "invalid_tenant", 90002)
        refused(entra.ask(tenant=OTHER_TENANT, grant_type="client_credentials"), "invalid_tenant", 90002)
        refused(entra.ask(tenant="no-tenant", grant_type="client_credentials"), "invalid_request", 900023)


class TestThePage:
    def test_a_person_picks_an_account_and_comes_back_with_a_code(self, entra):
        page = entra.authorize(prompt="select_account", login_hint=None)
        names = re.findall(r'name="user" value="([^"]+)"', page.text)
        assert names == [user["upn"] for user in entra.facts["users"]]
        back = entra.back(prompt="select_account", user=names[2])
        assert back["state"] == "s-1"
        assert jwt.decode(entra.redeem(back["code"]).json()["access_token"], options=UNCHECKED)["upn"] == names[2]

    def test_a_hinted_account_comes_first_and_alone_when_it_has_to_sign_in_again(self, entra):
        hint = {"login_hint": "planner@contoso.example"}
        first = re.findall(r'name="user" value="([^"]+)"', entra.authorize(prompt=None, **hint).text)
        alone = re.findall(r'name="user" value="([^"]+)"', entra.authorize(prompt="login", **hint).text)
        assert (first[0], len(first), alone) == (hint["login_hint"], len(entra.facts["users"]), [hint["login_hint"]])

    def test_form_post_brings_the_answer_in_a_form(self, entra):
        page = entra.authorize(response_mode="form_post").text
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page))
        assert 'method="post" action="http://localhost/back"' in page
        assert fields["state"] == "s-1"
        assert entra.redeem(fields["code"]).status_code == 200

    def test_nobody_is_signed_in_without_a_hint(self, entra):
        back = entra.back(login_hint=None)
        assert back["error"] == "login_required"
        assert back["error_description"].startswith("AADSTS50058: ")
        assert back["state"] == "s-1"

    def test_consent_is_asked_for_and_can_be_declined(self, entra):
        asked = {"prompt": "consent", "user": "owner@contoso.example"}
        assert "Permissions requested" in entra.authorize(**asked).text
        assert entra.back(**asked, answer="cancel")["error"] == "access_denied"
        assert entra.redeem(entra.back(**asked, answer="accept")["code"]).status_code == 200

    def test_a_disabled_account_is_told_so_on_the_page(self, entra):
        entra.control.put("accounts/planner", {"enabled": False})
        page = entra.authorize(prompt=None, login_hint=None, user="planner@contoso.example")
        assert page.status_code == 200
        assert "AADSTS50057" in page.text
        assert 'value="planner@contoso.example"' not in page.text
        assert entra.back(login_hint="planner@contoso.example")["error"] == "login_required"

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"response_mode": "fragment"}, "invalid_request"),
            ({"prompt": "sometimes"}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"code_challenge": "short"}, "invalid_request"),
            ({"scope": None}, "invalid_request"),
            ({"scope": "https://elsewhere.example/.default"}, "invalid_resource"),
        ],
        ids=lambda value: "-".join(value) if isinstance(value, dict) else value,
    )
    def test_a_wrong_request_is_reported_to_the_application(self, entra, change, error):
        back = entra.back(**change)
        assert (back["error"], back["state"]) == (error, "s-1")
        assert back["error_description"].startswith("AADSTS")

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"client_id": OTHER_TENANT}, "AADSTS700016"),
            ({"redirect_uri": "https://evil.example/back"}, "AADSTS50011"),
            ({"redirect_uri": "javascript://localhost/%0aalert(1)"}, "AADSTS50011"),
        ],
    )
    def test_nothing_is_sent_to_where_it_may_not_go(self, entra, change, code):
        answer = entra.authorize(**change)
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert code in answer.text

    def test_what_was_asked_is_not_markup(self, entra):
        assert "<script>x" not in entra.authorize(prompt=None, state='"><script>x').text
