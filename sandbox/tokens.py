"""Signed tokens of the played Entra ID, and their check on every call."""

import time
import uuid
from functools import lru_cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

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
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            signing_key(call.world.store).public_key(),
            algorithms=["RS256"],
            audience=[audience, audience + "/"],
            options={"require": ["exp", "aud", "oid"]},
        )
    except jwt.ExpiredSignatureError:
        raise unauthorized(call, audience, "The token has expired.") from None
    except jwt.InvalidAudienceError:
        raise unauthorized(call, audience, "The token was issued for another audience.") from None
    except jwt.InvalidTokenError as error:
        raise unauthorized(call, audience, f"The token is not valid: {error}") from None
    call.notes["user"] = claims.get("upn") or claims.get("appid", "")
    return claims


def unauthorized(call: Call, audience: str, reason: str) -> WireError:
    challenge = f'Bearer error="invalid_token", error_description="{reason}", resource_id="{audience}"'
    return WireError(
        401,
        {"error": {"code": "0x80048306", "message": reason}} if call.path.startswith("/api/") else {"Message": reason},
        {"WWW-Authenticate": challenge},
    )
