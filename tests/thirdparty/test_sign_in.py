"""The portal's own sign-in and tokens, with its own transport, from a provider that others wrote: oidc-provider."""

import jwt
import msal
import pytest

from connections import entra, operations, vault
from connections.errors import ConnectionMissing, Rejected
from connections.models import Connection, Environment
from connections.rules.flows import ConnectionKind
from tests.thirdparty.oidc import CLIENT_ID, CLIENT_SECRET, TENANT, provider

OWNER = "owner@contoso.example"
RESOURCES = ["https://finance.contoso.example", "https://dataverse.contoso.example"]
SIGNED_IN = "http://localhost/connections/signed-in/"


@pytest.fixture(scope="module")
def running(node, tmp_path_factory):
    folder = tmp_path_factory.mktemp("oidc")
    with provider(node, folder, redirect_uri=SIGNED_IN, resources=RESOURCES) as made:
        yield made


@pytest.fixture
def elsewhere(running, people, settings):
    settings.ALLOWED_REMOTE_HOSTS = [running.authority.removeprefix("https://")]
    settings.REMOTE_CA_FILE = str(running.ca_file)
    settings.ENTRA_CLIENT_SECRET = CLIENT_SECRET
    return Environment.objects.create(
        name="Elsewhere",
        dataverse_url=RESOURCES[1],
        tenant_id=TENANT,
        authority=running.authority,
        client_id=CLIENT_ID,
    )


def connect(running, environment, owner):
    flow = operations.begin_connect(
        actor=owner, environment=environment, kind=ConnectionKind.DATAVERSE, redirect_uri=SIGNED_IN
    )
    answer = running.sign_in(flow["auth_uri"], SIGNED_IN, "owner")
    return operations.connect(
        actor=owner, environment=environment, kind=ConnectionKind.DATAVERSE, flow=flow, answer=answer
    )


def checked(running, token, resource):
    """The claims of a token that the provider's published key verifies for this resource."""
    [key] = running.http.get(running.discovery()["jwks_uri"]).json()["keys"]
    return jwt.decode(token, jwt.PyJWK(key), audience=resource, issuer=running.issuer)


def refresh_token(connection):
    text = vault.unseal(bytes(connection.token_cache), owner_id=connection.owner_id, column=entra.COLUMN)
    cache = msal.SerializableTokenCache()
    cache.deserialize(text.decode())
    [found] = cache.search(cache.CredentialType.REFRESH_TOKEN)
    return found["secret"]


def test_a_sign_in_a_second_resource_and_a_revocation(running, elsewhere, people):
    connection = connect(running, elsewhere, people.owner)
    assert (connection.account, connection.status) == (OWNER, Connection.Status.CONNECTED)
    dataverse = entra.token_for(connection, RESOURCES[1])
    assert checked(running, dataverse, RESOURCES[1])["sub"] == "owner"
    finance = entra.token_for(connection, RESOURCES[0])
    claims = checked(running, finance, RESOURCES[0])
    assert (claims["sub"], claims["client_id"]) == ("owner", CLIENT_ID)
    assert entra.token_for(connection, RESOURCES[0]) == finance
    assert entra.token_for(connection, RESOURCES[0], refresh=True) != finance

    running.revoke(refresh_token(connection))
    with pytest.raises(ConnectionMissing) as lapsed:
        entra.token_for(connection, RESOURCES[0], refresh=True)
    assert lapsed.value.cause.startswith(f"The sign-in of {OWNER} has lapsed.")
    connection.refresh_from_db()
    assert connection.status == Connection.Status.NEEDS_ATTENTION
    assert connect(running, elsewhere, people.owner).status == Connection.Status.CONNECTED


def test_a_code_of_another_sign_in_is_refused(running, elsewhere):
    asked = {"environment": elsewhere, "resource": RESOURCES[1], "redirect_uri": SIGNED_IN}
    mine, other = entra.begin_sign_in(**asked), entra.begin_sign_in(**asked)
    answer = running.sign_in(other["auth_uri"], SIGNED_IN, "planner")
    with pytest.raises(ConnectionMissing) as refused:
        entra.complete_sign_in(environment=elsewhere, flow=mine, answer=answer)
    assert refused.value.cause == "The answer does not belong to this sign-in."
    without_verifier = {**other, "code_verifier": "w" * 43}
    with pytest.raises(ConnectionMissing):
        entra.complete_sign_in(environment=elsewhere, flow=without_verifier, answer=answer)


def test_a_wrong_secret_is_the_application_s_fault(running, elsewhere, settings):
    asked = {"environment": elsewhere, "resource": RESOURCES[1], "redirect_uri": SIGNED_IN}
    flow = entra.begin_sign_in(**asked)
    answer = running.sign_in(flow["auth_uri"], SIGNED_IN, "owner")
    settings.ENTRA_CLIENT_SECRET = "wrong"
    with pytest.raises(Rejected) as refused:
        entra.complete_sign_in(environment=elsewhere, flow=flow, answer=answer)
    assert refused.value.code == "application-refused"
