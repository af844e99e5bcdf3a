"""A client of the played Entra ID that is nobody's library: plain requests, every parameter in reach."""

import base64
import hashlib
from urllib.parse import parse_qsl, urlsplit

REDIRECT = "http://localhost/back"
VERIFIER = "v" * 43
UNCHECKED = {"verify_signature": False, "verify_aud": False}  # how jwt reads a token without judging it
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class EntraClient:
    def __init__(self, wire):
        self.http, self.control, self.facts = wire.http, wire.control, wire.facts
        self.finance, self.dataverse = wire.facts["finance_url"], wire.facts["dataverse_url"]
        self.plain = f"http://127.0.0.1:{wire.control.port}"

    def authorize(self, tenant="", **changes):
        """The answer of the sign-in page; a value of None leaves the parameter out."""
        asked = {
            "client_id": self.facts["client_id"],
            "response_type": "code",
            "redirect_uri": REDIRECT,
            "scope": f"{self.finance}/.default openid offline_access",
            "login_hint": "owner@contoso.example",
            "prompt": "none",
            "state": "s-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | changes
        url = f"{self.plain}/{tenant or self.facts['tenant_id']}/oauth2/v2.0/authorize"
        return self.http.get(url, params={name: value for name, value in asked.items() if value is not None})

    def back(self, **changes):
        """What the browser would bring to the redirect URI."""
        answer = self.authorize(**changes)
        assert answer.status_code == 302, answer.text
        assert answer.headers["location"].startswith(changes.get("redirect_uri", REDIRECT))
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def ask(self, *, tenant="", version="/v2.0", auth=None, **asked):
        """The token endpoint, with the secret unless other proof is given."""
        form = {"client_id": self.facts["client_id"], "client_secret": self.facts["client_secret"]} | asked
        url = f"{self.dataverse}/{tenant or self.facts['tenant_id']}/oauth2{version}/token"
        kept = {name: value for name, value in form.items() if value is not None}
        return self.http.post(url, data=kept, auth=auth)

    def redeem(self, code, **changes):
        return self.ask(
            **{"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
            | changes
        )

    def sign_in(self, **changes):
        answer = self.redeem(self.back(**changes)["code"])
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refresh(self, token, resource="", **changes):
        scope = f"{resource or self.finance}/.default"
        return self.ask(**{"grant_type": "refresh_token", "refresh_token": token, "scope": scope} | changes)

    def for_application(self, resource="", **changes):
        scope = f"{resource or self.finance}/.default"
        return self.ask(**{"grant_type": "client_credentials", "scope": scope} | changes)

    def read_finance(self, token):
        return self.http.get(f"{self.finance}/data/LegalEntities", headers={"Authorization": f"Bearer {token}"})

    def who_am_i(self, token):
        return self.http.get(f"{self.dataverse}/api/data/v9.2/WhoAmI", headers={"Authorization": f"Bearer {token}"})


def refused(answer, error, code, status=400):
    """The refusal's content, when it is this OAuth error with this number of Entra."""
    content = answer.json()
    assert (answer.status_code, content["error"]) == (status, error), content
    assert content["error_codes"][0] == code
    assert content["error_description"].startswith(f"AADSTS{code}: ")
    assert {"trace_id", "correlation_id", "timestamp"} <= set(content)
    return content


def put(entra, path, body):
    """The answer of the control side, also when it refuses."""
    return entra.http.put(f"{entra.plain}/_sandbox/{path}", json=body)
