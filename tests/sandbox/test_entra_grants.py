"""Codes and refresh tokens of the played Entra ID, and everything that ends a person's sign-in."""

import base64
import json

import jwt
import pytest

from tests.sandbox.entra_client import UNCHECKED, VERIFIER, put, refused


class TestCodes:
    def test_a_code_is_good_once(self, entra):
        code = entra.back()["code"]
        assert entra.redeem(code).status_code == 200
        refused(entra.redeem(code), "invalid_grant", 54005)

    @pytest.mark.parametrize("verifier", ["w" * 43, None])
    def test_a_code_needs_its_verifier(self, entra, verifier):
        refused(entra.redeem(entra.back()["code"], code_verifier=verifier), "invalid_grant", 501481)

    def test_a_verifier_without_a_challenge_is_refused(self, entra):
        code = entra.back(code_challenge=None, code_challenge_method=None)["code"]
        refused(entra.redeem(code, code_verifier=VERIFIER), "invalid_grant", 501481)

    def test_a_code_is_bound_to_its_redirect_uri(self, entra):
        answer = entra.redeem(entra.back()["code"], redirect_uri="http://localhost/elsewhere")
        refused(answer, "invalid_grant", 500112)

    def test_a_failed_attempt_spends_the_code(self, entra):
        code = entra.back()["code"]
        entra.redeem(code, code_verifier="w" * 43)
        refused(entra.redeem(code), "invalid_grant", 54005)

    def test_an_old_code_is_refused(self, entra):
        entra.control.put("faults", {"code_seconds": -1})
        refused(entra.redeem(entra.back()["code"]), "invalid_grant", 70008)

    def test_what_is_no_code_is_refused(self, entra):
        refused(entra.redeem("made-up"), "invalid_grant", 9002313)
        refused(entra.redeem(None), "invalid_request", 900144)
        refresh_token = entra.sign_in()["refresh_token"]
        refused(entra.redeem(refresh_token), "invalid_grant", 9002313)

    def test_id_token_and_client_info_come_when_asked_for(self, entra):
        plain = entra.sign_in(scope=f"{entra.finance}/.default")
        assert not {"id_token", "client_info", "refresh_token"} & set(plain)
        full = entra.redeem(entra.back()["code"], client_info="1").json()
        info = json.loads(base64.urlsafe_b64decode(full["client_info"] + "=="))
        assert info["utid"] == entra.facts["tenant_id"]
        assert full["id_token"]


class TestRefreshTokens:
    def test_offline_access_has_to_be_asked_for(self, entra):
        scope = f"{entra.finance}/.default openid"
        assert "refresh_token" not in entra.sign_in(scope=scope)
        entra.control.put("faults", {"offline_access": "always"})
        assert "refresh_token" in entra.sign_in(scope=scope)

    def test_one_refresh_token_serves_finance_and_dataverse(self, entra):
        token = entra.sign_in()["refresh_token"]
        finance = entra.refresh(token, entra.finance).json()["access_token"]
        dataverse = entra.refresh(token, entra.dataverse).json()["access_token"]
        assert entra.read_finance(finance).status_code == 200
        assert entra.who_am_i(dataverse).status_code == 200
        assert entra.read_finance(dataverse).status_code == 401

    def test_the_old_token_stays_good_beside_the_new_one(self, entra):
        old = entra.sign_in()["refresh_token"]
        new = entra.refresh(old).json()["refresh_token"]
        assert new != old
        assert entra.refresh(old).status_code == 200
        assert entra.refresh(new).status_code == 200

    def test_two_resources_in_one_request_are_refused(self, entra):
        token = entra.sign_in()["refresh_token"]
        both = f"{entra.finance}/.default {entra.dataverse}/.default"
        refused(entra.refresh(token, scope=both), "invalid_request", 28000)

    @pytest.mark.parametrize(
        ("scope", "error", "code"),
        [
            ("https://elsewhere.example/.default", "invalid_resource", 500011),
            ("{finance}/Everything.All", "invalid_scope", 70011),
        ],
    )
    def test_an_unknown_resource_or_permission_is_refused(self, entra, scope, error, code):
        token = entra.sign_in()["refresh_token"]
        refused(entra.refresh(token, scope=scope.format(finance=entra.finance)), error, code)

    def test_the_first_generation_names_a_resource_and_writes_numbers_as_text(self, entra):
        token = entra.sign_in()["refresh_token"]
        found = entra.refresh(token, version="", scope=None, resource=f"{entra.finance}/").json()
        assert (found["resource"], found["expires_in"]) == (entra.finance, "3600")
        assert entra.read_finance(found["access_token"]).status_code == 200


class TestWhatEndsASignIn:
    """Each refusal of the token endpoint that a person's sign-in can meet, and how it is over."""

    def both(self, entra, error, code, change, user="owner"):
        """The refusal that a refresh token and a code meet after the change."""
        token, waiting = entra.sign_in()["refresh_token"], entra.back()["code"]
        entra.control.put(f"accounts/{user}", change)
        content = refused(entra.refresh(token), error, code)
        refused(entra.redeem(waiting), error, code)
        return content

    def test_a_disabled_account(self, entra):
        self.both(entra, "invalid_grant", 50057, {"enabled": False})
        entra.control.put("accounts/owner@contoso.example", {"enabled": True})
        assert entra.sign_in()["access_token"]

    def test_consent_taken_back(self, entra):
        content = self.both(entra, "invalid_grant", 65001, {"consent": False})
        assert content["suberror"] == "consent_required"
        assert entra.back()["error"] == "consent_required"
        asked = {"prompt": None, "user": "owner@contoso.example"}
        assert "Permissions requested" in entra.authorize(**asked).text
        assert entra.redeem(entra.back(**asked, answer="accept")["code"]).status_code == 200
        assert entra.control.get("accounts/owner")["consent"] is True

    def test_a_password_that_was_reset(self, entra):
        content = self.both(entra, "invalid_grant", 50173, {"signed_in_since": "now"})
        assert "the TokensValidFrom date" in content["error_description"]
        assert entra.sign_in()["access_token"]

    def test_a_refresh_token_that_was_not_used_for_long(self, entra):
        content = self.both(entra, "invalid_grant", 700082, {"inactive_since": "now"})
        assert "inactive for 90.00:00:00" in content["error_description"]

    def test_a_refresh_token_past_its_life(self, entra):
        entra.control.put("faults", {"refresh_token_seconds": -1})
        refused(entra.refresh(entra.sign_in()["refresh_token"]), "invalid_grant", 700082)

    def test_a_second_factor_that_is_asked_for(self, entra):
        content = self.both(entra, "interaction_required", 50076, {"mfa_since": "now"})
        assert json.loads(content["claims"])
        assert entra.back()["error"] == "interaction_required"
        tokens = entra.sign_in(prompt=None, user="owner@contoso.example")
        assert jwt.decode(tokens["access_token"], options=UNCHECKED)["amr"] == ["pwd", "mfa"]
        assert entra.refresh(tokens["refresh_token"]).status_code == 200

    def test_an_access_token_outlives_the_refusal_and_then_ends(self, entra):
        token = entra.sign_in()["access_token"]
        entra.control.put("accounts/owner", {"enabled": False})
        assert entra.read_finance(token).status_code == 200

    def test_a_time_that_is_none_and_a_name_that_is_none_change_nothing(self, entra):
        for change in ({"mfa_since": "soon"}, {"enabledd": True}):
            assert put(entra, "accounts/owner", change).status_code == 400
        assert put(entra, "accounts/nobody", {}).status_code == 404
        assert entra.sign_in()["access_token"]
