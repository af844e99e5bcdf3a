"""Which addresses may be called at all, and what the address of Finance must look like."""

from collections.abc import Iterable
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def host_and_port(url: str) -> str:
    """`host:port` of an https address in lower case; empty for anything else (other scheme, user part, odd host)."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:
        return ""
    host = parts.hostname or ""
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


def root_of(text: str) -> str:
    """The root address of an environment without a slash at its end; empty when `text` is not such an address."""
    url = text.strip()
    if not host_and_port(url):
        return ""
    parts = urlsplit(url)
    if parts.path.rstrip("/") or parts.query or parts.fragment:
        return ""
    return f"https://{parts.netloc.lower()}"
