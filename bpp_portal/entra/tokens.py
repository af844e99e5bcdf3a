"""The check of an id_token: signature, issuer, audience, life and nonce."""

import hashlib
from base64 import urlsafe_b64encode
from secrets import compare_digest
from typing import Any

import jwt

LEEWAY_SECONDS = 60


class TokenRefused(Exception):
    """The id_token is not one for this sign-in; the message says why, for the log."""


def nonce_of(verifier: str) -> str:
    """The nonce of the sign-in whose PKCE verifier this is: it stays in the session, its hash goes around the world."""
    digest = hashlib.sha256(f"nonce of {verifier}".encode()).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def claims_of(id_token: str, *, keys: dict[str, Any], issuer: str, audience: str, nonce: str) -> dict[str, Any]:
    """The verified claims. `keys` is the authority's published key set. Raises TokenRefused."""
    try:
        kid = jwt.get_unverified_header(id_token).get("kid")
        key = next(key for key in jwt.PyJWKSet.from_dict(keys).keys if key.key_id == kid)
        claims: dict[str, Any] = jwt.decode(
            id_token,
            key,
            algorithms=["RS256"],
            issuer=issuer,
            audience=audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "iss", "aud"]},
        )
    except StopIteration:
        raise TokenRefused("The key of the token is not published.") from None
    except (jwt.PyJWTError, TypeError, AttributeError) as error:
        raise TokenRefused(f"{type(error).__name__}: {error}") from None
    if not compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise TokenRefused("The token is for another sign-in: its nonce differs.")
    return claims
