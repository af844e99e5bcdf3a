"""The discovery document and the keys, for both generations of the protocol's addresses."""

from typing import Any

from starlette.responses import Response

from sandbox import tokens
from sandbox.entra.directory import COMMON, TENANT, check_tenant
from sandbox.wire import Call, answer

SCOPES = ("openid", "profile", "email", "offline_access")
_CLAIMS = "sub iss aud exp iat auth_time nonce preferred_username name email tid oid roles ver"


def document(call: Call) -> Response:
    """OpenID configuration; `/common` and its like describe themselves with a placeholder for the tenant."""
    check_tenant(call, common=True)
    asked = call.parts["tenant"].lower()
    tenant = asked if asked in COMMON else TENANT
    version = call.parts.get("version", "v2.0")
    base, plain = call.world.dataverse_url, call.world.plain_url
    v2 = "/v2.0" if version == "v2.0" else ""
    issuer_tenant = "{tenantid}" if tenant in COMMON else tenant
    content: dict[str, Any] = {
        "issuer": f"{base}/{issuer_tenant}/v2.0" if v2 else f"{base}/{issuer_tenant}/",
        # The one page that a person's browser opens: over plain HTTP, so that no certificate has to be trusted first.
        "authorization_endpoint": f"{plain}/{tenant}/oauth2{v2}/authorize",
        "token_endpoint": f"{base}/{tenant}/oauth2{v2}/token",
        "jwks_uri": f"{base}/{tenant}/discovery{v2}/keys",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": list(SCOPES),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256"],
        "request_uri_parameter_supported": False,
        "claims_supported": _CLAIMS.split(),
    }
    return answer(content)


def keys(call: Call) -> Response:
    check_tenant(call, common=True)
    return answer(tokens.public_keys(call.world.store))
