"""Signed tokens of the played Entra ID, and their check on every call."""

import time
import uuid
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.entra.directory import authority
from sandbox.store import Store
from sandbox.wire import Call, WireError

_KEY_SETTING = "signing_key"


def signing_key(store: Store) -> rsa.RSAPrivateKey:
    """The tenant's key, made once and kept: tokens stay good when the sandbox is started again."""
    pem = store.setting(_KEY_SETTING)
    if pem is None:
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        store.keep_setting(_KEY_SETTING, pem)
    return _load(pem)


@lru_cache(maxsize=2)
def _load(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def key_id(store: Store) -> str:
    numbers = signing_key(store).public_key().public_numbers()
    return uuid.uuid5(uuid.NAMESPACE_OID, str(numbers.n)).hex


def public_keys(store: Store) -> dict[str, Any]:
    key = jwt.algorithms.RSAAlgorithm.to_jwk(signing_key(store).public_key(), as_dict=True)
    return {"keys": [{**key, "kid": key_id(store), "use": "sig", "alg": "RS256"}]}


def sign(store: Store, claims: dict[str, Any], *, seconds: float) -> str:
    now = int(time.time())
    full = {"iat": now, "nbf": now, "exp": now + int(seconds), "uti": uuid.uuid4().hex, **claims}
    return jwt.encode(full, signing_key(store), algorithm="RS256", headers={"kid": key_id(store)})


def bearer(call: Call, *, audience: str) -> dict[str, Any]:
    """The claims of the call's token; 401 when it is missing, forged, expired or meant for somebody else."""
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized(call, audience, "No bearer token was sent.")
    issuer = authority(call.world)
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _key_of(call.world.store, token),
            algorithms=["RS256"],
            audience=[audience, audience + "/"],
            issuer=[f"{issuer}/", f"{issuer}/v2.0"],
            options={"require": ["exp", "nbf", "iss", "aud", "oid"]},
        )
    except jwt.InvalidTokenError as error:
        reason = next((text for kind, text in _REASONS.items() if isinstance(error, kind)), f"not valid: {error}")
        raise unauthorized(call, audience, f"The token {reason}.") from None
    call.notes["user"] = claims.get("upn") or claims.get("appid", "")
    return claims


_REASONS: dict[type[Exception], str] = {
    jwt.ExpiredSignatureError: "has expired",
    jwt.ImmatureSignatureError: "is not valid yet",
    jwt.InvalidAudienceError: "was issued for another audience",
    jwt.InvalidIssuerError: "was issued by somebody else",
    jwt.InvalidSignatureError: "was not signed by this tenant",
}


def _key_of(store: Store, token: str) -> rsa.RSAPublicKey:
    """The published key that the token's header names."""
    if jwt.get_unverified_header(token).get("kid") != key_id(store):
        raise jwt.InvalidSignatureError
    return signing_key(store).public_key()


def unauthorized(call: Call, audience: str, reason: str) -> WireError:
    reason = reason.replace('"', "'")
    challenge = (
        f'Bearer authorization_uri="{authority(call.world)}/oauth2/authorize", error="invalid_token", '
        f'error_description="{reason}", resource_id="{audience}"'
    )
    return WireError(
        401,
        {"error": {"code": "0x80048306", "message": reason}} if call.path.startswith("/api/") else {"Message": reason},
        {"WWW-Authenticate": challenge},
    )
