"""What a request asks for: one resource, and with it the permissions that the reply names."""

from sandbox.entra.clients import missing
from sandbox.entra.directory import oauth_error
from sandbox.entra.discovery import SCOPES
from sandbox.tenant import ENTRA
from sandbox.world import World

PERMISSION = "user_impersonation"


def asked_scope(asked: dict[str, str], default: str = "") -> str:
    """The scopes of a request; an address of the first generation names a `resource` instead."""
    if asked.get("resource"):
        return f"{asked['resource'].rstrip('/')}/.default openid"
    scope = asked.get("scope") or default
    if not scope.strip():
        raise missing("scope")
    return scope


def resource_of(world: World, scope: str, *, application: bool = False) -> str:
    """The one resource that the scopes name, a root address without slash; the application itself when none does."""
    named = [name for name in scope.split() if name not in SCOPES]
    found = {name.rpartition("/")[0].rstrip("/") for name in named}
    if len(found) > 1:
        raise oauth_error(
            "invalid_request",
            f"AADSTS28000: Provided value for the input parameter scope is not valid because it contains more than "
            f"one resource. Scope {scope} is not valid.",
        )
    resource = found.pop() if found else ENTRA["client_id"]
    if application and not (named and all(name.endswith("/.default") for name in named)):
        raise oauth_error(
            "invalid_scope",
            f"AADSTS1002012: The provided value for scope {scope} is not valid. Client credential flows must have a "
            "scope value with /.default suffixed to the resource identifier (application ID URI).",
        )
    if resource not in (world.dataverse_url, world.finance_url, ENTRA["client_id"]):
        raise oauth_error(
            "invalid_resource",
            f"AADSTS500011: The resource principal named {resource} was not found in the tenant named Contoso. This "
            "can happen if the application has not been installed by the administrator of the tenant or consented to "
            "by any user in the tenant. You might have sent your authentication request to the wrong tenant.",
        )
    if any(name.rpartition("/")[2] not in (".default", PERMISSION) for name in named):
        raise oauth_error(
            "invalid_scope",
            f"AADSTS70011: The provided value for the input parameter 'scope' is not valid. The scope {scope} is not "
            "valid.",
        )
    return resource


def granted(resource: str, scope: str) -> str:
    """The reply's `scope`: the permission, and `.default` when it was asked for."""
    default = [f"{resource}/.default"] if "/.default" in scope else []
    openid = [name for name in ("openid", "profile", "email") if name in scope.split()]
    return " ".join([f"{resource}/{PERMISSION}", *default, *openid])
