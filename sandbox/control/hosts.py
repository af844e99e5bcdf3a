"""Which host name each service answers under: a token, a cookie or an address for one is not good for the other."""

from urllib.parse import urlsplit

from starlette.types import Scope

from sandbox.world import World

_FINANCE = ("/data", "/Metadata", "/api/connector")
_DATAVERSE = ("/api/data",)


def is_wrong(world: World, scope: Scope) -> bool:
    """Whether a call for Dataverse or Finance came under another name than theirs, or without TLS.

    Entra ID and the control side answer everywhere, and storage at the addresses that Finance gives out.
    """
    wanted = _host_of(world, scope["path"])
    if not wanted or not world.faults.mode("host_check"):
        return False
    asked = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    return scope["scheme"] != "https" or urlsplit(f"//{asked}").hostname != wanted


def _host_of(world: World, path: str) -> str | None:
    """The name that a path is answered under; None when it is every name."""
    for roots, url in ((_DATAVERSE, world.dataverse_url), (_FINANCE, world.finance_url)):
        if any(path == root or path.startswith(f"{root}/") for root in roots):
            return urlsplit(url).hostname
    return None


def is_elsewhere(world: World, address: str, service: str) -> bool:
    """Whether a part of a batch names another host than that of its service."""
    named = urlsplit(address).netloc
    return bool(named) and bool(world.faults.mode("host_check")) and named.lower() != urlsplit(service).netloc.lower()
