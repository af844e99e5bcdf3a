"""Which application asks at the token endpoint: by secret, or by an assertion that its certificate signed."""

import base64
import binascii
import hashlib
import time
from secrets import compare_digest
from typing import Any
from urllib.parse import unquote_plus

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.entra.directory import Application, application, authority, iso, oauth_error
from sandbox.wire import Call
from sandbox.world import World

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ALGORITHMS = ("RS256", "PS256")


def authenticate(call: Call) -> str:
    """How the application proved itself, as the `appidacr` claim says it: "1" a secret, "2" a certificate."""
    asked = call.form
    client, secret = _named(call)
    app = application(call.world)
    if client != app.client_id:
        raise oauth_error(
            "unauthorized_client",
            f"AADSTS700016: Application with identifier '{client}' was not found in the directory 'Contoso'. This can "
            "happen if the application has not been installed by the administrator of the tenant or consented to by "
            "any user in the tenant. You may have sent your authentication request to the wrong tenant.",
        )
    if not app.enabled:
        raise oauth_error(
            "unauthorized_client", f"AADSTS7000112: Application '{app.client_id}'({app.name}) is disabled."
        )
    if asked.get("client_assertion"):
        _check_assertion(call.world, app, asked)
        return "2"
    _check_secret(app, secret)
    return "1"


def _named(call: Call) -> tuple[str, str]:
    """Client id and secret, from the body or from HTTP Basic; an assertion names its client itself."""
    scheme, _, basic = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client, _, secret = base64.b64decode(basic, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise oauth_error("invalid_request", "AADSTS900144: The Authorization header is malformed.") from None
        return unquote_plus(client), unquote_plus(secret)
    client = call.form.get("client_id", "")
    if not client and call.form.get("client_assertion"):
        client = str(_claims(call.form["client_assertion"]).get("sub", ""))
    if not client:
        raise missing("client_id")
    return client, call.form.get("client_secret", "")


def missing(name: str) -> Exception:
    return oauth_error(
        "invalid_request", f"AADSTS900144: The request body must contain the following parameter: '{name}'."
    )


def _check_secret(app: Application, secret: str) -> None:
    if not secret:
        raise _refused(
            "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or "
            "'client_secret'."
        )
    if not compare_digest(secret.encode(), app.secret.encode()):
        raise _refused(
            "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client "
            f"secret value, not the client secret ID, for a secret added to app '{app.client_id}'."
        )
    if app.secret_expired:
        raise _refused(
            f"AADSTS7000222: The provided client secret keys for app '{app.client_id}' are expired. Visit the Azure "
            "portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate "
            "credentials for added security: https://aka.ms/certCreds."
        )


def _refused(text: str) -> Exception:
    return oauth_error("invalid_client", text, 401)


def _check_assertion(world: World, app: Application, asked: dict[str, str]) -> None:
    if asked.get("client_assertion_type") != ASSERTION_TYPE:
        raise oauth_error(
            "invalid_request",
            f"AADSTS50027: The 'client_assertion_type' must be '{ASSERTION_TYPE}'.",
        )
    assertion = asked["client_assertion"]
    header = _header(assertion)
    key = _key(app, header)
    try:
        claims: dict[str, Any] = jwt.decode(
            assertion,
            key,
            algorithms=list(_ALGORITHMS),
            options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
        )
    except jwt.InvalidTokenError:
        raise _refused(
            "AADSTS700027: Client assertion contains an invalid signature. [Reason - The key was found but the "
            "signature does not match.]"
        ) from None
    _check_claims(world, app, claims)
    if world.faults.mode("replayed_assertion") == "reject":
        _check_first_use(world, claims)


def _header(assertion: str) -> dict[str, Any]:
    try:
        header: dict[str, Any] = jwt.get_unverified_header(assertion)
    except jwt.InvalidTokenError:
        raise _refused("AADSTS50027: JWT token is invalid or malformed.") from None
    if header.get("alg") not in _ALGORITHMS:
        raise _refused("AADSTS5002738: Invalid JWT token. The signing algorithm is not supported.")
    return header


def _claims(assertion: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise _refused("AADSTS50027: JWT token is invalid or malformed.") from None
    return found


def _key(app: Application, header: dict[str, Any]) -> rsa.RSAPublicKey:
    """The key of the registered certificate that the header names by thumbprint."""
    for certificate in app.certificates:
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey) and _is_named(certificate, header):
            return key
    named = header.get("x5t") or header.get("x5t#S256") or header.get("kid") or ""
    raise _refused(
        "AADSTS700027: Client assertion contains an invalid signature. [Reason - The key was not found., Thumbprint "
        f"of key used by client: '{named}', Please visit the Azure Portal to make sure the key is registered for "
        f"application '{app.client_id}'.]"
    )


def _is_named(certificate: x509.Certificate, header: dict[str, Any]) -> bool:
    """Every thumbprint in the header must be this certificate's, and there must be one."""
    known = {"x5t": hashes.SHA1(), "x5t#S256": hashes.SHA256()}  # SHA-1 only names the certificate here
    given = {name: algorithm for name, algorithm in known.items() if header.get(name)}
    return bool(given) and all(
        str(header[name]).rstrip("=") == base64.urlsafe_b64encode(certificate.fingerprint(way)).decode().rstrip("=")
        for name, way in given.items()
    )


def _check_claims(world: World, app: Application, claims: dict[str, Any]) -> None:
    now = time.time()
    if claims.get("iss") != app.client_id or claims.get("sub") != app.client_id:
        raise _refused("AADSTS700021: Client assertion application identifier doesn't match 'client_id' parameter.")
    audiences = {f"{authority(world)}{path}" for path in ("/oauth2/v2.0/token", "/oauth2/token", "/v2.0")}
    if claims.get("aud") not in audiences:
        raise _refused("AADSTS700023: Client assertion audience claim does not match Realm issuer.")
    start, end = _instant(claims, "nbf", _instant(claims, "iat", now)), _instant(claims, "exp", 0.0)
    if not start - 300 <= now < end:
        raise _refused(
            f"AADSTS700024: Client assertion is not within its valid time range. Current time: {iso(now)}, assertion "
            f"valid from {iso(start)}, expiry time of assertion {iso(end)}."
        )
    if not claims.get("jti"):
        raise _refused("AADSTS50027: JWT token is invalid or malformed. The claim 'jti' is missing.")


def _instant(claims: dict[str, Any], name: str, default: float) -> float:
    value = claims.get(name, default)
    return float(value) if isinstance(value, int | float) else 0.0


def _check_first_use(world: World, claims: dict[str, Any]) -> None:
    """Each `jti` once, for as long as the assertion lives."""
    digest = hashlib.sha256(f"jti {claims['jti']}".encode()).hexdigest()
    with world.store.transaction() as connection:
        connection.execute("DELETE FROM grants WHERE kind = 'jti' AND expires < ?", (time.time(),))
        if world.store.row("SELECT 1 FROM grants WHERE digest = ?", (digest,)):
            raise _refused("AADSTS50027: JWT token is invalid or malformed. The client assertion was already used.")
        connection.execute("INSERT INTO grants VALUES (?, 'jti', '', '{}', ?)", (digest, float(claims["exp"])))
