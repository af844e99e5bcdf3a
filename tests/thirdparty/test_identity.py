"""Other people's identity clients get their tokens from the sandbox: msal and azure-identity."""

import re
import time

import msal
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import AuthorizationCodeCredential, CertificateCredential, ClientSecretCredential

from tests.certificates import key_pair
from tests.sandbox.conftest import wire  # noqa: F401
from tests.sandbox.entra_client import REDIRECT, EntraClient
from tests.stack import until

OTHER_TENANT = "11111111-2222-4333-8444-555555555555"
OWNER = "owner@contoso.example"


@pytest.fixture
def entra_id(wire):  # noqa: F811
    wire.control.put("application", {"finance_user": "owner"})
    return EntraClient(wire)


def accepted(entra_id, token, resource):
    """Whether the service of this resource lets the token in."""
    ask = entra_id.read_finance if resource == entra_id.finance else entra_id.who_am_i
    status = ask(token).status_code
    assert status in (200, 401)
    return status == 200


def wait_until_expired(entra_id, token, resource):
    until(lambda: not accepted(entra_id, token, resource), 20, "the token expires")


class TestMsal:
    @pytest.fixture
    def session(self, entra_id):
        with requests.Session() as made:
            made.verify = str(entra_id.control.ca_file)
            yield made

    @pytest.fixture
    def application(self, entra_id, session):
        def made(credential=None, **changes):
            return msal.ConfidentialClientApplication(
                entra_id.facts["client_id"],
                client_credential=credential or entra_id.facts["client_secret"],
                **{"authority": entra_id.facts["authority"], "instance_discovery": False, "http_client": session}
                | changes,
            )

        return made

    def sign_in(self, entra_id, app):
        """A sign-in on the page, its answer posted back by a form."""
        flow = app.initiate_auth_code_flow([f"{entra_id.finance}/.default"], REDIRECT, response_mode="form_post")
        page = entra_id.http.get(flow["auth_uri"])
        assert f'value="{OWNER}"' in page.text
        posted = entra_id.http.get(f"{flow['auth_uri']}&user={OWNER}").text
        answer = dict(re.findall(r'name="(\w+)" value="([^"]*)"', posted))
        return app.acquire_token_by_auth_code_flow(flow, answer)

    def test_a_secret_opens_finance_and_dataverse(self, entra_id, application):
        app = application()
        for resource in (entra_id.finance, entra_id.dataverse):
            result = app.acquire_token_for_client([f"{resource}/.default"])
            assert result["token_source"] == "identity_provider"
            assert accepted(entra_id, result["access_token"], resource)
            assert app.acquire_token_for_client([f"{resource}/.default"])["token_source"] == "cache"

    def test_the_authority_of_open_id_connect_serves_as_well(self, entra_id, application):
        app = application(authority=None, oidc_authority=f"{entra_id.facts['authority']}/v2.0")
        result = app.acquire_token_for_client([f"{entra_id.finance}/.default"])
        assert accepted(entra_id, result["access_token"], entra_id.finance)

    @pytest.mark.parametrize("named_by", ["sha256", "sha1"])
    def test_a_certificate_opens_both_with_one_assertion(self, entra_id, application, named_by):
        pair = key_pair("Budget portal")
        entra_id.control.put("application", {"certificate": pair.certificate})
        named = {"sha256": {"public_certificate": pair.certificate}, "sha1": {"thumbprint": pair.sha1.hex()}}
        app = application({"private_key": pair.key, **named[named_by]})
        for resource in (entra_id.finance, entra_id.dataverse):
            result = app.acquire_token_for_client([f"{resource}/.default"])
            assert accepted(entra_id, result["access_token"], resource), result
        # msal repeats an assertion for nine minutes: who refused a repetition would refuse msal.
        entra_id.control.put("faults", {"replayed_assertion": "reject"})
        app = application({"private_key": pair.key, **named[named_by]})
        results = [app.acquire_token_for_client([f"{one}/.default"]) for one in (entra_id.finance, entra_id.dataverse)]
        assert [result.get("error") for result in results] == [None, "invalid_client"]

    def test_what_is_refused_comes_as_an_error_of_its_own(self, entra_id, application):
        scopes = [f"{entra_id.finance}/.default"]
        wrong = application("wrong").acquire_token_for_client(scopes)
        assert (wrong["error"], wrong["error_codes"]) == ("invalid_client", [7000215])
        stranger = key_pair("Stranger")
        credential = {"private_key": stranger.key, "public_certificate": stranger.certificate}
        unknown = application(credential).acquire_token_for_client(scopes)
        assert (unknown["error"], unknown["error_codes"]) == ("invalid_client", [700027])
        for authority in (f"{entra_id.dataverse}/{OTHER_TENANT}", f"{entra_id.dataverse}/no-tenant"):
            with pytest.raises(ValueError, match="Unable to get authority configuration"):
                application(authority=authority)
        anybody = application(authority=f"{entra_id.dataverse}/organizations")
        with pytest.warns(DeprecationWarning, match="Please use a specific tenant"):
            common = anybody.acquire_token_for_client(scopes)
        assert common["error_codes"] == [50194]

    def test_a_sign_in_serves_a_second_resource_by_refresh_token(self, entra_id, application):
        app = application()
        result = self.sign_in(entra_id, app)
        assert accepted(entra_id, result["access_token"], entra_id.finance)
        assert result["id_token_claims"]["preferred_username"] == OWNER
        [account] = app.get_accounts()
        assert account["username"] == OWNER
        second = app.acquire_token_silent([f"{entra_id.dataverse}/.default"], account)
        assert accepted(entra_id, second["access_token"], entra_id.dataverse)

    def test_an_expired_token_is_refused_and_silently_replaced(self, entra_id, application):
        app, scopes = application(), [f"{entra_id.finance}/.default"]
        entra_id.control.put("faults", {"token_seconds": 2})
        token = self.sign_in(entra_id, app)["access_token"]
        wait_until_expired(entra_id, token, entra_id.finance)
        entra_id.control.put("faults", {"token_seconds": 3600})
        [account] = app.get_accounts()
        renewed = app.acquire_token_silent(scopes, account)
        assert renewed["token_source"] == "identity_provider"
        assert accepted(entra_id, renewed["access_token"], entra_id.finance)
        assert app.acquire_token_silent(scopes, account)["token_source"] == "cache"

    @pytest.mark.parametrize(
        ("change", "error", "classification"),
        [
            ({"enabled": False}, "invalid_grant", ""),
            ({"consent": False}, "invalid_grant", "consent_required"),
            ({"signed_in_since": "now"}, "invalid_grant", ""),
            ({"inactive_since": "now"}, "invalid_grant", ""),
            ({"mfa_since": "now"}, "interaction_required", "basic_action"),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
    )
    def test_what_ends_a_sign_in_is_told_to_the_caller(self, entra_id, application, change, error, classification):
        app = application()
        self.sign_in(entra_id, app)
        [account] = app.get_accounts()
        entra_id.control.put("accounts/owner", change)
        refused = app.acquire_token_silent_with_error([f"{entra_id.dataverse}/.default"], account)
        assert (refused["error"], refused.get("classification", "")) == (error, classification)


class TestAzureIdentity:
    @pytest.fixture
    def options(self, entra_id):
        return {
            "authority": entra_id.dataverse,
            "disable_instance_discovery": True,
            "connection_verify": str(entra_id.control.ca_file),
        }

    def for_secret(self, entra_id, options, secret=""):
        facts = entra_id.facts
        return ClientSecretCredential(
            facts["tenant_id"], facts["client_id"], secret or facts["client_secret"], **options
        )

    def test_a_secret_opens_finance_and_dataverse(self, entra_id, options):
        with self.for_secret(entra_id, options) as credential:
            for resource in (entra_id.finance, entra_id.dataverse):
                token = credential.get_token(f"{resource}/.default")
                assert token.expires_on > time.time() + 3000
                assert accepted(entra_id, token.token, resource)

    def test_a_wrong_secret_is_an_error_of_its_own(self, entra_id, options):
        with (
            self.for_secret(entra_id, options, "wrong") as credential,
            pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
        ):
            credential.get_token(f"{entra_id.finance}/.default")

    def test_an_expired_token_is_refused_and_replaced(self, entra_id, options):
        with self.for_secret(entra_id, options) as credential:
            entra_id.control.put("faults", {"token_seconds": 2})
            first = credential.get_token(f"{entra_id.finance}/.default").token
            wait_until_expired(entra_id, first, entra_id.finance)
            entra_id.control.put("faults", {"token_seconds": 3600})
            assert accepted(entra_id, credential.get_token(f"{entra_id.finance}/.default").token, entra_id.finance)

    def test_a_certificate_opens_finance_and_dataverse(self, entra_id, options):
        pair = key_pair("Budget portal")
        entra_id.control.put("application", {"certificate": pair.certificate})
        facts, pem = entra_id.facts, (pair.key + pair.certificate).encode()
        with CertificateCredential(
            facts["tenant_id"], facts["client_id"], certificate_data=pem, **options
        ) as credential:
            for resource in (entra_id.finance, entra_id.dataverse):
                assert accepted(entra_id, credential.get_token(f"{resource}/.default").token, resource)

    def test_a_code_becomes_tokens_once_and_a_refresh_token_new_ones(self, entra_id, options):
        code = entra_id.back(code_challenge=None, code_challenge_method=None)["code"]
        arguments = (entra_id.facts["tenant_id"], entra_id.facts["client_id"], code, REDIRECT)
        secret = {"client_secret": entra_id.facts["client_secret"]}
        with AuthorizationCodeCredential(*arguments, **secret, **options) as credential:
            entra_id.control.put("faults", {"token_seconds": 2})
            first = credential.get_token(f"{entra_id.finance}/.default").token
            wait_until_expired(entra_id, first, entra_id.finance)
            entra_id.control.put("faults", {"token_seconds": 3600})
            assert accepted(entra_id, credential.get_token(f"{entra_id.finance}/.default").token, entra_id.finance)
        with (
            AuthorizationCodeCredential(*arguments, **secret, **options) as credential,
            pytest.raises(ClientAuthenticationError, match="AADSTS54005"),
        ):
            credential.get_token(f"{entra_id.finance}/.default")
