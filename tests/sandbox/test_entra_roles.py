"""App roles in id_tokens, registered redirect addresses, and an authority that says what it should not."""

import jwt
import pytest

from tests.sandbox.entra_client import REDIRECT, UNCHECKED, put

SCOPE = {"scope": "openid profile email"}


def claims(entra, **asked):
    return jwt.decode(entra.sign_in(**SCOPE, **asked)["id_token"], options=UNCHECKED)


def test_an_id_token_names_the_person_the_tenant_and_the_app_roles(entra):
    found = claims(entra, nonce="n-1")
    owner = next(user for user in entra.facts["users"] if user["upn"] == "owner@contoso.example")
    assert found["roles"] == ["BPP.Administrator"]
    assert (found["oid"], found["tid"], found["nonce"]) == (owner["oid"], entra.facts["tenant_id"], "n-1")
    assert found["preferred_username"] == found["email"] == "owner@contoso.example"


def test_app_roles_are_given_and_taken_away(entra):
    entra.control.put("accounts/owner", {"roles": ["BPP.Viewer", "Other.Value"]})
    assert claims(entra)["roles"] == ["BPP.Viewer", "Other.Value"]
    entra.control.put("accounts/owner", {"roles": []})
    assert "roles" not in claims(entra)
    assert entra.control.get("accounts/owner")["roles"] == []
    entra.control.put("accounts/newcomer@contoso.example", {})
    assert entra.control.get("accounts/newcomer")["roles"] == []


def test_only_a_registered_address_is_sent_to(entra):
    entra.control.put("application", {"redirect_uris": [REDIRECT]})
    assert entra.authorize().status_code == 302
    for other in (f"{REDIRECT}/", "http://localhost/elsewhere", "http://127.0.0.1/back"):
        page = entra.authorize(redirect_uri=other)
        assert (page.status_code, "AADSTS50011" in page.text) == (400, True)
    entra.control.put("application", {"redirect_uris": None})
    assert entra.authorize(redirect_uri="http://127.0.0.1/back").status_code == 302


def test_claims_can_be_made_wrong(entra):
    entra.control.put("application", {"id_token_claims": {"tid": "another", "nonce": "another"}})
    found = claims(entra, nonce="n-1")
    assert (found["tid"], found["nonce"]) == ("another", "another")
    entra.control.put("application", {"id_token_claims": None})
    assert claims(entra, nonce="n-1")["nonce"] == "n-1"


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("accounts/owner", {"roles": "BPP.Viewer"}),
        ("accounts/owner", {"roles": [1]}),
        ("application", {"redirect_uris": "http://localhost/back"}),
        ("application", {"id_token_claims": []}),
    ],
)
def test_what_is_no_list_of_texts_is_refused(entra, path, change):
    assert put(entra, path, change).status_code == 400
    assert claims(entra)["roles"] == ["BPP.Administrator"]
