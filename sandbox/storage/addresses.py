"""Signed addresses of packages, in the sandbox's own storage or in a container elsewhere (mode `blob_store`)."""

import base64
import secrets
import ssl
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.data_management.packages import LARGEST_FILE
from sandbox.storage import elsewhere as blob_store
from sandbox.storage.sas import Account, NotSigned
from sandbox.world import World

CONTAINER = "dmf"
ACCOUNT = "bppsandbox"
_SECONDS = 60.0


class NotDownloaded(Exception):
    """The package cannot be read from the address that was given."""


def account_of(world: World) -> Account:
    """The sandbox's own account; its key is made once and kept."""
    key = world.store.setting("storage_key")
    if key is None:
        key = base64.b64encode(secrets.token_bytes(64)).decode()
        world.store.keep_setting("storage_key", key)
    return Account(ACCOUNT, key)


def write_url(world: World, name: str) -> str:
    """An address that `name` may be written to and read from for a while."""
    elsewhere: dict[str, Any] | None = world.faults.mode("blob_store")
    granted = str(world.faults.mode("write_url_permissions"))
    if not elsewhere:
        return own_url(world, name, permissions=granted)
    base = str(elsewhere["blob_endpoint"]).rstrip("/")
    account = Account(str(elsewhere["account"]), str(elsewhere["key"]))
    query = account.sign(base.rpartition("/")[2], name, permissions=granted, expires=_expiry(world))
    return f"{base}/{urllib.parse.quote(name)}?{query}"


def own_url(world: World, name: str, *, permissions: str) -> str:
    """An address in the sandbox's own storage."""
    query = account_of(world).sign(CONTAINER, name, permissions=permissions, expires=_expiry(world))
    return f"{world.dataverse_url}/{ACCOUNT}/{CONTAINER}/{urllib.parse.quote(name)}?{query}"


def _expiry(world: World) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=float(world.faults.mode("write_url_seconds")))


def download(world: World, url: str) -> bytes:
    """The package at a signed address, from the storage that the sandbox gave addresses of and from no other."""
    elsewhere: dict[str, Any] | None = world.faults.mode("blob_store")
    if elsewhere and url.startswith(str(elsewhere["blob_endpoint"]).rstrip("/") + "/"):
        return _fetch(url, str(elsewhere.get("ca_file") or ""))
    own = f"{world.dataverse_url}/{ACCOUNT}/{CONTAINER}/"
    if not url.startswith(own):
        raise NotDownloaded("the host is not Finance's storage")
    parts = urllib.parse.urlsplit(url)
    name = urllib.parse.unquote(parts.path.removeprefix(f"/{ACCOUNT}/{CONTAINER}/"))
    if world.faults.plays("blob-refusals"):
        _check(world, name, dict(urllib.parse.parse_qsl(parts.query)))
    row = blob_store.find(world, name)
    if row is None:
        raise NotDownloaded("the blob does not exist")
    return bytes(row["data"])


def _check(world: World, name: str, query: dict[str, str]) -> None:
    try:
        if "r" not in account_of(world).check(query, CONTAINER, name):
            raise NotDownloaded("the address does not allow reading")
    except NotSigned as error:
        raise NotDownloaded(str(error)) from None


def _fetch(url: str, ca_file: str) -> bytes:
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    try:
        if url.startswith("https:"):
            context = ssl.create_default_context(cafile=ca_file or None)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        with urllib.request.build_opener(*handlers).open(url, timeout=_SECONDS) as answer:
            return bytes(answer.read(LARGEST_FILE))
    except urllib.error.HTTPError as error:
        with error:
            raise NotDownloaded(f"the storage answered {error.code}") from None
    except (OSError, ValueError) as error:
        raise NotDownloaded(type(error).__name__) from None
