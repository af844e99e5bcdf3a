"""The portal's own application in Entra: its credential, tokens of its own, and what Entra's refusals mean."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from django.conf import settings

from . import http
from .errors import CertificateRefused, ConnectionMissing, Rejected, RemoteError, Unavailable
from .models import Environment
from .msal_transport import MsalTransport
from .rules.secrets import readable

_MARGIN_SECONDS = 300
_PASSING = {"temporarily_unavailable", "server_error"}
_OF_THE_APPLICATION = {
    "invalid_client",
    "unauthorized_client",
    "invalid_resource",
    "invalid_request",
    "invalid_scope",
    "invalid_tenant",
    "unsupported_grant_type",
    "unsupported_response_type",
}
_tokens: dict[tuple[str, str, str, str], tuple[str, float]] = {}


def application(environment: Environment, cache: Any) -> Any:
    """msal's application for this environment, speaking through our own transport. It never goes to other tenants."""
    from msal import ConfidentialClientApplication

    authority = f"{environment.authority.rstrip('/')}/{environment.tenant_id}"
    with understood():
        try:
            return ConfidentialClientApplication(
                environment.client_id,
                client_credential=credential(environment),
                authority=authority,
                instance_discovery=False,
                token_cache=cache,
                http_client=MsalTransport(),
            )
        except ValueError:
            raise Rejected(
                "Entra does not know the tenant of this environment.",
                hint="Check the sign-in authority and the tenant.",
                headline="The sign-in failed",
                code="tenant-unknown",
            ) from None


def credential(environment: Environment) -> str | dict[str, str]:
    """The certificate of ENTRA_CERTIFICATE_FILE, else the client secret, as msal wants it. Never log it.

    Raises CertificateRefused when the file does not hold a certificate and its key.
    """
    path = settings.ENTRA_CERTIFICATE_FILE
    if not path:
        return client_secret(environment.name)
    certificate, key = _certificate(path)
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    # With the certificate at hand msal signs with its SHA-256 thumbprint; SHA-1 is for older servers only.
    return {
        "private_key": private.decode(),
        "public_certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
    }


def client_secret(name: str) -> str:
    """The secret of the portal's application in the environment `name`. Never log it."""
    secrets: Mapping[str, str] = getattr(settings, "CLIENT_SECRETS", {})
    return str(secrets.get(name, settings.ENTRA_CLIENT_SECRET))


def certificate_until() -> date | None:
    """The last day of the certificate in ENTRA_CERTIFICATE_FILE; None without one. Raises CertificateRefused."""
    path = settings.ENTRA_CERTIFICATE_FILE
    return _certificate(path)[0].not_valid_after_utc.date() if path else None


def _certificate(path: str) -> tuple[x509.Certificate, Any]:
    try:
        pem = Path(path).read_bytes()
        certificate, key = x509.load_pem_x509_certificate(pem), serialization.load_pem_private_key(pem, None)
        if certificate.public_key() != key.public_key():
            raise ValueError("the key is not the certificate's")
    except (OSError, ValueError, TypeError):
        raise CertificateRefused(
            "The file named by ENTRA_CERTIFICATE_FILE can't be used.",
            hint="It holds one certificate and its private key without a password, in PEM format.",
            headline="The portal can't prove who it is to Entra",
            code="credential-unreadable",
        ) from None
    return certificate, key


def application_token(environment: Environment, resource: str, *, refresh: bool = False) -> str:
    """A token of the application itself (a service principal) for `resource`, a root address; no person is behind it.

    Kept in this process until it has five minutes left; `refresh` asks for a new one. Raises Rejected when Entra does
    not take the application or the resource.
    """
    key = (environment.authority, environment.tenant_id, environment.client_id, resource)
    token, until = _tokens.get(key, ("", 0.0))
    if token and not refresh and until > time.time() + _MARGIN_SECONDS:
        return token
    app = application(environment, None)
    with understood():
        result = app.acquire_token_for_client([f"{resource}/.default"])
        if "access_token" in result:
            token = bearer_of(result)
            _tokens[key] = token, time.time() + float(result.get("expires_in") or 0)
            return token
    error = sign_in_error(result, "the portal's application")
    raise application_refused(result) if isinstance(error, ConnectionMissing) else error


def bearer_of(result: Mapping[str, Any]) -> str:
    """The access token of an answer, fit for a header. Raises ValueError when it is none."""
    token = result["access_token"]
    if not (isinstance(token, str) and http.is_sendable(token) and " " not in token and token):
        raise ValueError("not a token")
    return token


@contextmanager
def understood() -> Iterator[None]:
    """msal trusts what it is answered: what it stumbles over was no answer of Entra."""
    try:
        yield
    except RemoteError:
        raise
    except (ValueError, TypeError, LookupError, AttributeError, RuntimeError, AssertionError, ArithmeticError):
        raise Unavailable("Entra answered with something that can't be understood.") from None


def sign_in_error(result: Mapping[str, Any], who: str) -> RemoteError:
    """The class follows the OAuth error code; Entra's own numbers change and are only shown."""
    error, text = str(result.get("error", "")), readable(str(result.get("error_description", "")))
    if error in _PASSING:
        return Unavailable(f"Entra could not answer. {text}".strip())
    if error in _OF_THE_APPLICATION:
        return application_refused(result)
    if error == "consent_required" or result.get("suberror") == "consent_required":
        return ConnectionMissing(
            f"{who} may not use the portal's application yet. {text}".strip(),
            hint="An administrator of the tenant grants consent to the application in Entra, then sign in again.",
            code="consent-required",
        )
    if error == "access_denied":
        return ConnectionMissing(
            f"The sign-in was declined. {text}".strip(),
            hint="Sign in again, or ask an administrator of the tenant to assign the application to you.",
            code="sign-in-declined",
        )
    return ConnectionMissing(
        f"The sign-in of {who} has lapsed. {text}".strip(),
        hint=f"{who} signs in again on the Connections page.",
    )


def application_refused(result: Mapping[str, Any]) -> Rejected:
    """Entra does not take the application, whoever signs in."""
    text = readable(str(result.get("error_description") or result.get("error") or ""))
    return Rejected(
        text,
        hint="Check the application id and ENTRA_CLIENT_SECRET (or ENTRA_CERTIFICATE_FILE), and that the application "
        "may reach the resource.",
        headline="Entra refused the portal's application",
        code="application-refused",
    )
