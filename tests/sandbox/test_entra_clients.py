"""The application at the played Entra ID, and who is who in Finance and Dataverse."""

import base64
import time
import uuid

import jwt
import pytest

from sandbox.store import Store
from sandbox.tokens import signing_key
from tests.certificates import key_pair
from tests.sandbox.entra_client import UNCHECKED, put, refused

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@pytest.fixture
def pair(entra):
    made = key_pair("Budget portal")
    entra.control.put("application", {"certificate": made.certificate})
    return made


def assertion(entra, pair, *, algorithm="PS256", headers=None, **changes):
    """An assertion as the documentation describes it; a change of None leaves the claim out."""
    now, client = int(time.time()), entra.facts["client_id"]
    claims = {
        "aud": f"{entra.facts['authority']}/oauth2/v2.0/token",
        "iss": client,
        "sub": client,
        "jti": str(uuid.uuid4()),
        "nbf": now,
        "exp": now + 600,
    } | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    digest = {"RS256": ("x5t", pair.sha1), "PS256": ("x5t#S256", pair.sha256)}
    if headers is None:
        name, thumbprint = digest[algorithm]
        headers = {name: base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode()}
    return jwt.encode(kept, pair.key, algorithm=algorithm, headers=headers)


def by_certificate(entra, text, **changes):
    asked = {"client_secret": None, "client_assertion": text, "client_assertion_type": TYPE}
    return entra.for_application(**asked | changes)


class TestSecrets:
    def test_in_the_body_and_as_http_basic(self, entra):
        basic = (entra.facts["client_id"], entra.facts["client_secret"])
        in_header = entra.for_application(client_id=None, client_secret=None, auth=basic)
        for answer in (entra.for_application(), in_header):
            claims = jwt.decode(answer.json()["access_token"], options=UNCHECKED)
            assert (claims["idtyp"], claims["appid"], claims["appidacr"]) == ("app", entra.facts["client_id"], "1")
            assert "upn" not in claims
            assert "refresh_token" not in answer.json()

    def test_wrong_missing_and_expired(self, entra):
        refused(entra.for_application(client_secret="wrong"), "invalid_client", 7000215, 401)
        refused(entra.for_application(client_secret=None), "invalid_client", 7000218, 401)
        entra.control.put("application", {"secret_expired": True})
        refused(entra.for_application(), "invalid_client", 7000222, 401)

    def test_a_replaced_secret_until_the_reset(self, entra):
        entra.control.put("application", {"secret": "another"})
        refused(entra.for_application(), "invalid_client", 7000215, 401)
        assert entra.for_application(client_secret="another").status_code == 200
        assert entra.control.get("facts")["client_secret"] == "another"
        entra.control.call("POST", "reset")
        assert entra.for_application().status_code == 200

    def test_unknown_and_disabled_applications(self, entra):
        refused(entra.for_application(client_id=str(uuid.uuid4())), "unauthorized_client", 700016)
        entra.control.put("application", {"enabled": False})
        refused(entra.for_application(), "unauthorized_client", 7000112)

    def test_only_whole_resources_can_be_asked_for(self, entra):
        scope = f"{entra.finance}/user_impersonation"
        refused(entra.for_application(scope=scope), "invalid_scope", 1002012)
        refused(entra.for_application(scope="https://elsewhere.example/.default"), "invalid_resource", 500011)
        refused(entra.ask(grant_type="password", username="x"), "unsupported_grant_type", 70003)


class TestCertificates:
    @pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
    def test_an_assertion_of_the_registered_certificate_is_believed(self, entra, pair, algorithm):
        answer = by_certificate(entra, assertion(entra, pair, algorithm=algorithm))
        assert jwt.decode(answer.json()["access_token"], options=UNCHECKED)["appidacr"] == "2"

    def test_the_client_id_may_stand_in_the_assertion_alone(self, entra, pair):
        assert by_certificate(entra, assertion(entra, pair), client_id=None).status_code == 200

    def test_it_serves_codes_as_well(self, entra, pair):
        proof = {"client_secret": None, "client_assertion": assertion(entra, pair), "client_assertion_type": TYPE}
        assert entra.redeem(entra.back()["code"], **proof).status_code == 200

    def test_another_certificate_is_refused(self, entra, pair):
        stranger = key_pair("Stranger")
        content = refused(by_certificate(entra, assertion(entra, stranger)), "invalid_client", 700027, 401)
        assert "The key was not found" in content["error_description"]
        borrowed = {"x5t": base64.urlsafe_b64encode(pair.sha1).decode()}
        forged = assertion(entra, stranger, algorithm="RS256", headers=borrowed)
        content = refused(by_certificate(entra, forged), "invalid_client", 700027, 401)
        assert "signature does not match" in content["error_description"]

    def test_a_header_must_name_the_certificate(self, entra, pair):
        right = base64.urlsafe_b64encode(pair.sha256).decode()
        for headers in ({}, {"x5t": "AAAA", "x5t#S256": right}):
            refused(by_certificate(entra, assertion(entra, pair, headers=headers)), "invalid_client", 700027, 401)

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"aud": "https://login.example/token"}, 700023),
            ({"iss": "somebody"}, 700021),
            ({"sub": "somebody"}, 700021),
            ({"exp": 1}, 700024),
            ({"exp": None}, 700024),
            ({"nbf": 32503680000}, 700024),
            ({"jti": None}, 50027),
        ],
        ids=str,
    )
    def test_each_claim_is_checked(self, entra, pair, change, code):
        refused(by_certificate(entra, assertion(entra, pair, **change)), "invalid_client", code, 401)

    def test_what_is_no_assertion_is_refused(self, entra, pair):
        refused(by_certificate(entra, "rubbish"), "invalid_client", 50027, 401)
        unsigned = jwt.encode({"iss": "x"}, None, algorithm="none")
        refused(by_certificate(entra, unsigned), "invalid_client", 5002738, 401)
        other = by_certificate(entra, assertion(entra, pair), client_assertion_type="saml")
        refused(other, "invalid_request", 50027)

    def test_a_repeated_assertion_is_believed_or_refused_as_the_mode_says(self, entra, pair):
        text = assertion(entra, pair)
        assert [by_certificate(entra, text).status_code for _ in range(2)] == [200, 200]
        entra.control.put("faults", {"replayed_assertion": "reject"})
        text = assertion(entra, pair)
        assert by_certificate(entra, text).status_code == 200
        content = refused(by_certificate(entra, text), "invalid_client", 50027, 401)
        assert "already used" in content["error_description"]

    def test_a_certificate_can_be_taken_away(self, entra, pair):
        text = assertion(entra, pair)
        assert put(entra, "application", {"certificate": "rubbish"}).status_code == 400
        assert by_certificate(entra, text).status_code == 200
        entra.control.put("application", {"certificate": None})
        refused(by_certificate(entra, text), "invalid_client", 700027, 401)


class TestWhoIsWho:
    def test_an_application_is_whom_finance_maps_it_to(self, entra):
        token = entra.for_application().json()["access_token"]
        assert entra.read_finance(token).json() == {"Message": "The user is not authorized to access this environment."}
        entra.control.put("application", {"finance_user": "owner"})
        assert entra.read_finance(token).status_code == 200
        entra.control.put("users/owner", {"enabled": False})
        assert entra.read_finance(token).status_code == 403
        entra.control.put("faults", {"unknown_user_status": 401})
        assert entra.read_finance(token).status_code == 401

    def test_an_application_has_a_user_of_its_own_in_dataverse(self, entra):
        token = entra.for_application(entra.dataverse).json()["access_token"]
        mine = entra.who_am_i(token).json()["UserId"]
        person = entra.refresh(entra.sign_in()["refresh_token"], entra.dataverse).json()["access_token"]
        assert entra.who_am_i(person).json()["UserId"] != mine
        found = entra.http.get(
            f"{entra.dataverse}/api/data/v9.2/systemusers",
            params={"$filter": f"applicationid eq {entra.facts['client_id']}", "$select": "systemuserid"},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert [row["systemuserid"] for row in found.json()["value"]] == [mine]

    def test_a_disabled_user_of_dataverse_is_refused(self, entra):
        application = entra.for_application(entra.dataverse).json()["access_token"]
        person = entra.refresh(entra.sign_in()["refresh_token"], entra.dataverse).json()["access_token"]
        entra.control.put("application", {"dataverse_enabled": False})
        entra.control.put("accounts/owner", {"dataverse_enabled": False})
        for token in (application, person):
            answer = entra.who_am_i(token)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "0x80040225")
            assert "is disabled. Consider enabling this user." in answer.json()["error"]["message"]
        entra.control.put("accounts/owner", {"dataverse_enabled": True})
        assert entra.who_am_i(person).status_code == 200

    def test_whom_only_entra_knows_is_no_member_of_the_organization(self, entra):
        entra.control.put("accounts/new@contoso.example", {})
        tokens = entra.sign_in(login_hint="new@contoso.example")
        dataverse = entra.refresh(tokens["refresh_token"], entra.dataverse).json()["access_token"]
        answer = entra.who_am_i(dataverse)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "0x80072560")
        assert entra.read_finance(tokens["access_token"]).status_code == 403

    def test_whom_finance_does_not_know_is_let_in_when_that_row_is_switched_off(self, entra, wire):
        answer = wire.dataverse("mserp_budgetmodelentities", user="reviewer")
        assert (answer.status_code, answer.json()["error"]["message"]) == (403, "Unable to determine the user in CDS")
        assert wire.finance("Ledgers", user="reviewer").status_code == 403
        entra.control.put("faults", {"switched_off": ["unknown-user"]})
        assert wire.dataverse("mserp_budgetmodelentities", user="reviewer").status_code == 200
        assert wire.finance("DimensionParameters", user="reviewer").status_code == 200

    def test_virtual_tables_do_not_know_an_application_without_mapping(self, entra):
        token = entra.for_application(entra.dataverse).json()["access_token"]
        url = f"{entra.dataverse}/api/data/v9.2/mserp_budgetmodelentities"
        answer = entra.http.get(url, headers={"Authorization": f"Bearer {token}"})
        assert answer.json()["error"]["message"] == "Unable to determine the user in CDS"
        entra.control.put("application", {"finance_user": "owner"})
        assert entra.http.get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 200


class TestTokens:
    """Each thing that is wrong with a token, alone."""

    def bad(self, entra, **changes):
        """A token with the tenant's key id and right claims but for the changes, signed by somebody else's key."""
        token = entra.sign_in()["access_token"]
        claims = jwt.decode(token, options=UNCHECKED) | changes
        return jwt.encode(claims, key_pair("Stranger").key, "RS256", headers=jwt.get_unverified_header(token))

    def refusal(self, entra, token):
        answer = entra.read_finance(token)
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
        return answer.json()["Message"]

    def test_forged_and_malformed(self, entra):
        token = entra.sign_in()["access_token"]
        assert entra.read_finance(token).status_code == 200
        assert self.refusal(entra, self.bad(entra)) == "The token was not signed by this tenant."
        head, _, rest = token.partition(".")
        assert "not valid" in self.refusal(entra, "rubbish")
        claims = jwt.decode(token, options=UNCHECKED) | {"upn": "planner@contoso.example"}
        body = jwt.encode(claims, None, "none").split(".")[1]
        assert "not signed" in self.refusal(entra, f"{head}.{body}.{rest.split('.')[1]}")
        assert "not signed" in self.refusal(entra, jwt.encode(claims, None, "none"))

    def test_expired_foreign_audience_and_id_tokens(self, entra):
        tokens = entra.sign_in()
        assert self.refusal(entra, tokens["id_token"]) == "The token was issued for another audience."
        dataverse = entra.refresh(tokens["refresh_token"], entra.dataverse).json()["access_token"]
        assert self.refusal(entra, dataverse) == "The token was issued for another audience."
        entra.control.put("faults", {"token_seconds": -1})
        expired = entra.refresh(tokens["refresh_token"]).json()["access_token"]
        assert self.refusal(entra, expired) == "The token has expired."

    def test_no_token_at_all(self, entra):
        answer = entra.http.get(f"{entra.finance}/data/LegalEntities")
        assert (answer.status_code, answer.json()["Message"]) == (401, "No bearer token was sent.")
        assert f'authorization_uri="{entra.facts["authority"]}/oauth2/authorize"' in answer.headers["www-authenticate"]

    @pytest.mark.parametrize(
        ("changes", "header", "reason"),
        [
            ({"iss": "https://sts.example/"}, {}, "was issued by somebody else"),
            ({"nbf": 32503680000}, {}, "is not valid yet"),
            ({}, {"kid": "another"}, "was not signed by this tenant"),
        ],
        ids=["issuer", "not before", "key id"],
    )
    def test_the_rest_of_a_token_is_checked_too(self, entra, changes, header, reason):
        """Signed with the tenant's own key, so that nothing but the change can be the reason."""
        token = entra.sign_in()["access_token"]
        claims, headers = jwt.decode(token, options=UNCHECKED), jwt.get_unverified_header(token)
        key = signing_key(Store(entra.control.ca_file.parents[1] / "s.sqlite3"))
        assert entra.read_finance(jwt.encode(claims, key, "RS256", headers=headers)).status_code == 200
        changed = jwt.encode(claims | changes, key, "RS256", headers=headers | header)
        assert self.refusal(entra, changed) == f"The token {reason}."
