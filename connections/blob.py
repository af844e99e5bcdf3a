"""Uploads a package to the address that Finance gave. The address is the credential: no token, never logged."""

import base64
import hashlib
from pathlib import Path

from . import http
from .errors import AddressExpired, Rejected, RemoteError, Unavailable
from .rules.blocks import block_list, blocks_of, storage_error, uncommitted

BLOCK_BYTES = 4 * 1024 * 1024
_VERSION = {"x-ms-version": "2015-02-21"}
_PASSING = {"Md5Mismatch", "InvalidBlockList", "InvalidBlobOrBlock", "LeaseIdMissing", "BlobBeingRehydrated"}


def upload(url: str, path: Path) -> str:
    """Upload the file, in blocks of 4 MiB when it is larger than one; returns the blob's etag.

    An upload that stopped goes on where it stopped, under the same blob name with a new address as well: only what
    the storage has not got is sent. Every part carries its MD5. Raises AddressExpired when the storage does not take
    the address (any more), Rejected when it refuses the file, else what `http.request` raises for a question.
    """
    size = path.stat().st_size
    if size <= BLOCK_BYTES:
        content = path.read_bytes()
        return _put(url, content, {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/zip", **_md5(content)})
    return _in_blocks(url, path, size)


def _in_blocks(url: str, path: Path, size: int) -> str:
    there = _uncommitted(url)
    ids: list[str] = []
    sent, whole = 0, hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        for block in blocks_of(file, BLOCK_BYTES):
            whole.update(block.content)
            sent += len(block.content)
            ids.append(block.id)
            if there.get(block.id) != len(block.content):
                _put(_with(url, f"comp=block&blockid={_quoted(block.id)}"), block.content, {"Content-MD5": block.md5})
    if sent != size:
        raise Unavailable("The package changed while it was uploaded.")
    content = block_list(ids)
    headers = {
        "x-ms-blob-content-type": "application/zip",
        "x-ms-blob-content-md5": base64.b64encode(whole.digest()).decode(),
        "Content-Type": "application/xml",
    }
    return _put(_with(url, "comp=blocklist"), content, {**headers, **_md5(content)})


def _uncommitted(url: str) -> dict[str, int]:
    """Blocks of an upload that stopped. An address that may only be written to tells nothing: all are sent again."""
    answer = http.request(
        "GET",
        _with(url, "comp=blocklist&blocklisttype=uncommitted"),
        headers=_VERSION,
        repeatable=True,
        expects_json=False,
        storage=True,
    )
    return dict(uncommitted(answer.text)) if answer.is_success else {}


def download(url: str) -> bytes:
    """The file at an address that Finance gave, such as a list of refused records; 64 MiB at most."""
    answer = http.request("GET", url, headers=_VERSION, repeatable=True, expects_json=False, storage=True)
    if not answer.is_success:
        raise _refused(answer)
    return answer.body


def _put(url: str, content: bytes, headers: dict[str, str]) -> str:
    answer = http.request(
        "PUT", url, headers={**_VERSION, **headers}, content=content, repeatable=True, expects_json=False, storage=True
    )
    if not answer.is_success:
        raise _refused(answer)
    return answer.headers.get("etag", "")


def _refused(answer: http.Answer) -> RemoteError:
    name = storage_error(answer.text) or f"{answer.status}"
    if answer.status in (401, 403):
        return AddressExpired(f"The storage of Finance does not take it ({name}).", hint="A new one is asked for.")
    if name in _PASSING:
        return Unavailable(f"The storage of Finance did not take the upload ({name}).")
    return Rejected(
        f"The storage of Finance refused the file ({name}).",
        hint="Try again; if it stays so, an administrator of Finance looks at its storage.",
        code="upload-refused",
    )


def _md5(content: bytes) -> dict[str, str]:
    return {"Content-MD5": base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()}


def _with(url: str, parameters: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{parameters}"


def _quoted(block_id: str) -> str:
    return block_id.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
