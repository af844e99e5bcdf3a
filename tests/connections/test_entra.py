"""The portal's application in Entra: secret or certificate, tokens of its own, and what a refusal means."""

import datetime
import json
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from connections import entra_application
from connections.entra_application import application_token, credential, sign_in_error
from connections.errors import Busy, CertificateRefused, ConnectionMissing, Rejected, Unavailable
from connections.models import Environment
from tests.connections.scripted import answer


@pytest.fixture(autouse=True)
def no_tokens():
    entra_application._tokens.clear()


@pytest.fixture
def entra(wire, settings):
    """An environment whose Entra is the scripted server; `entra.says` is its answer at the token endpoint."""
    settings.ENTRA_CLIENT_SECRET = "CANARY-secret"
    environment = Environment(
        name="Contoso", dataverse_url=wire.url, tenant_id="contoso", authority=wire.url, client_id="app"
    )
    environment.wire, environment.says = wire, answer(json.dumps({"access_token": "t-1", "expires_in": 3600}).encode())
    base = f"{wire.url}/contoso"
    discovery = {
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
    }
    found = answer(json.dumps(discovery).encode())
    wire.answer = lambda connection, request: found if request.startswith(b"GET") else environment.says
    return environment


def asked(entra):
    """The forms that were posted to the token endpoint."""
    posts = [request for request in entra.wire.requests if request.startswith(b"POST")]
    return [{k: v[0] for k, v in parse_qs(r.partition(b"\r\n\r\n")[2].decode()).items()} for r in posts]


def test_a_token_of_the_application_is_asked_once_and_kept(entra):
    assert application_token(entra, "https://org.example") == "t-1"
    assert application_token(entra, "https://org.example") == "t-1"
    [form] = asked(entra)
    assert form["grant_type"] == "client_credentials"
    assert form["client_secret"] == "CANARY-secret"
    assert "https://org.example/.default" in form["scope"]
    entra.says = answer(b'{"access_token": "t-2", "expires_in": 3600}')
    assert application_token(entra, "https://org.example", refresh=True) == "t-2"
    assert application_token(entra, "https://org.example") == "t-2"


def test_a_token_that_is_about_to_end_is_not_kept(entra):
    entra.says = answer(b'{"access_token": "t-1", "expires_in": 200}')
    application_token(entra, "https://org.example")
    application_token(entra, "https://org.example")
    assert len(asked(entra)) == 2


MALFORMED = {
    "not ASCII": '{"access_token":"tokén","expires_in":3600}',
    "half a surrogate pair": '{"access_token":"a\\ud800","expires_in":3600}',
    "a second header": '{"access_token":"a\\r\\nX: b","expires_in":3600}',
    "no text": '{"access_token":5,"expires_in":3600}',
    "nothing": '{"access_token":null,"expires_in":3600}',
    "empty": '{"access_token":"","expires_in":3600}',
    "for ever": '{"access_token":"a","expires_in":1e999}',
    "longer than a clock can count": '{"access_token":"a","expires_in":1%s}' % ("0" * 400),
    "not a number": '{"access_token":"a","expires_in":NaN}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
def test_an_answer_without_a_token_that_can_be_sent_is_no_answer(entra, body):
    entra.says = answer(body.encode())
    with pytest.raises(Unavailable):
        application_token(entra, "https://org.example")
    entra.says = answer(b'{"access_token": "t-2", "expires_in": 3600}')
    assert application_token(entra, "https://org.example") == "t-2"


def test_a_certificate_goes_before_a_secret(entra, settings, tmp_path):
    path, certificate = rsa_certificate(tmp_path)
    settings.ENTRA_CERTIFICATE_FILE = str(path)
    assert application_token(entra, "https://org.example") == "t-1"
    [form] = asked(entra)
    assert "client_secret" not in form
    assert form["client_assertion_type"].endswith("jwt-bearer")
    claims = jwt.decode(
        form["client_assertion"],
        certificate.public_key(),
        algorithms=["PS256", "RS256"],
        audience=f"{entra.wire.url}/contoso/oauth2/v2.0/token",
    )
    assert claims["iss"] == claims["sub"] == "app"


def rsa_certificate(folder):
    """A certificate and its key in one file, as ENTRA_CERTIFICATE_FILE wants them."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "portal")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - day, now + day)
    ).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "portal.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path, certificate


def test_a_file_without_a_fitting_key_is_refused(wire, settings, tmp_path):
    environment = Environment(name="Contoso")
    path, _ = rsa_certificate(tmp_path)
    key = path.read_bytes().split(b"-----BEGIN CERTIFICATE")[0]
    for content in (b"", b"rubbish", key, wire.certificate.read_bytes(), key + wire.certificate.read_bytes()):
        path.write_bytes(content)
        settings.ENTRA_CERTIFICATE_FILE = str(path)
        with pytest.raises(CertificateRefused, match="prove who it is") as refused:
            credential(environment)
        assert "ENTRA_CERTIFICATE_FILE" in refused.value.cause
    settings.ENTRA_CERTIFICATE_FILE = str(tmp_path / "nowhere.pem")
    with pytest.raises(CertificateRefused):
        credential(environment)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        ("invalid_client", Rejected, "application-refused"),
        ("unauthorized_client", Rejected, "application-refused"),
        ("invalid_resource", Rejected, "application-refused"),
        ("invalid_scope", Rejected, "application-refused"),
        ("invalid_grant", ConnectionMissing, "connection-missing"),
        ("interaction_required", ConnectionMissing, "connection-missing"),
        ("login_required", ConnectionMissing, "connection-missing"),
        ("consent_required", ConnectionMissing, "consent-required"),
        ("access_denied", ConnectionMissing, "sign-in-declined"),
        ("temporarily_unavailable", Unavailable, "unavailable"),
        ("server_error", Unavailable, "unavailable"),
        ("something_new", ConnectionMissing, "connection-missing"),
    ],
)
def test_the_class_follows_the_oauth_error_and_not_the_number(error, kind, code):
    result = {"error": error, "error_description": "AADSTS70000: text. refresh_token=CANARY"}
    found = sign_in_error(result, "owner@contoso.example")
    assert (type(found), found.code) == (kind, code)
    assert "CANARY" not in str(found)


def test_an_application_without_a_person_is_never_told_to_sign_in_again(entra):
    entra.says = answer(b'{"error": "invalid_grant", "error_description": "no"}', b"400 Bad Request")
    with pytest.raises(Rejected, match="Entra refused"):
        application_token(entra, "https://org.example")


@pytest.mark.parametrize(
    "says",
    [
        answer(b"[]"),
        answer(b"1"),
        answer(b'"text"'),
        answer(b'{"access_token": "t", "expires_in": "soon"}'),
        answer(b"no json", b"400 Bad Request", kind=b"text/plain"),
        answer(b"<html>", b"401 Unauthorized", kind=b"text/html"),
        answer(b"{}", b"503 Unavailable"),
        answer(b"{}", b"302 Found", b"location: https://elsewhere.example"),
    ],
)
def test_what_is_no_answer_of_entra_is_transient(entra, says):
    entra.says = says
    with pytest.raises(Unavailable):
        application_token(entra, "https://org.example")


def test_a_busy_entra_says_how_long_to_wait(entra):
    entra.says = answer(b"{}", b"429 Too Many", b"retry-after: 9")
    with pytest.raises(Busy) as busy:
        application_token(entra, "https://org.example")
    assert busy.value.retry_after == 9


@pytest.mark.parametrize("found", [b"[]", b"{}", b'{"issuer": 1}', b'{"token_endpoint": "x"}', b"null"])
def test_a_discovery_that_is_none_stays_in_the_tree(entra, found):
    entra.wire.answer = answer(found)
    with pytest.raises((Rejected, Unavailable)):
        application_token(entra, "https://org.example")


def test_no_secret_is_in_a_log_or_a_text(entra, caplog):
    caplog.set_level("DEBUG")
    application_token(entra, "https://org.example")
    entra.says = answer(b'{"error": "invalid_client", "error_description": "client_secret=CANARY-secret is bad"}')
    with pytest.raises(Rejected) as refused:
        application_token(entra, "https://org.example", refresh=True)
    for text in (caplog.text, repr(refused.value), refused.value.cause):
        assert "CANARY" not in text
