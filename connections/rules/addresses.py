"""Which addresses may be called at all, and what the address of Finance must look like."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def host_and_port(url: str) -> str:
    """`host:port` of an https address in lower case; empty for anything else (other scheme, user part, odd host)."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", 443 if parts.port is None else parts.port
    except ValueError:
        return ""
    if parts.scheme != "https" or "@" in parts.netloc or not host.isascii() or not host or "%" in host:
        return ""
    if "\\" in url or any(character.isspace() or not character.isprintable() for character in url):
        return ""
    return f"{host}:{port}"


def is_allowed(url: str, allowed: Iterable[str], *, loopback: bool) -> bool:
    """Whether `url` goes to one of the `allowed` hosts, each exactly `host:port` (port 443 may be left out)."""
    target = host_and_port(url)
    if not target or (target.rsplit(":", 1)[0] in LOOPBACK and not loopback):
        return False
    return any(target == (entry if ":" in entry else f"{entry}:443").lower() for entry in allowed)


def is_allowed_storage(url: str, allowed: Iterable[str], *, loopback: bool) -> bool:
    """Whether `url` goes to an allowed storage host: exactly `host:port`, or one account below a `.suffix`.

    A suffix such as `.blob.core.windows.net` lets any storage account receive a package, so it counts only when the
    deployment names it.
    """
    entries = list(allowed)
    if is_allowed(url, [entry for entry in entries if not entry.startswith(".")], loopback=loopback):
        return True
    host = host_and_port(url).removesuffix(":443")
    suffixes = [entry.lower() for entry in entries if entry.startswith(".") and len(entry) > 1]
    return any(host.endswith(suffix) and _ACCOUNT.fullmatch(host.removesuffix(suffix)) for suffix in suffixes)


def root_of(text: str) -> str:
    """The root address of an environment without a slash at its end; empty when `text` is not such an address."""
    url = text.strip()
    if not host_and_port(url):
        return ""
    parts = urlsplit(url)
    if parts.path.rstrip("/") or parts.query or parts.fragment:
        return ""
    return f"https://{parts.netloc.lower()}"
