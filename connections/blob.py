"""Uploads a package to the address that Finance gave. The address is the credential: no bearer, never logged."""

import base64
from pathlib import Path

from . import http
from .errors import Rejected

BLOCK_BYTES = 4 * 1024 * 1024
_VERSION = {"x-ms-version": "2015-02-21"}


def upload(url: str, path: Path) -> str:
    """Upload the file, in blocks of 4 MiB when it is larger than one; returns the blob's etag.

    Block ids follow from their position, so an upload that is repeated overwrites itself. Raises Rejected when the
    address has expired, otherwise what `http.request` raises for a question that may be repeated.
    """
    if path.stat().st_size <= BLOCK_BYTES:
        return _put(url, path.read_bytes(), {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/zip"})
    ids: list[str] = []
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            ids.append(base64.b64encode(f"{len(ids):08d}".encode()).decode())
            _put(f"{url}&comp=block&blockid={ids[-1].replace('=', '%3D')}", block, {})
    latest = "".join(f"<Latest>{block_id}</Latest>" for block_id in ids)
    content = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{latest}</BlockList>'
    headers = {"x-ms-blob-content-type": "application/zip", "Content-Type": "application/xml"}
    return _put(f"{url}&comp=blocklist", content.encode(), headers)


def _put(url: str, content: bytes, headers: dict[str, str]) -> str:
    answer = http.request(
        "PUT", url, headers={**_VERSION, **headers}, content=content, repeatable=True, expects_json=False
    )
    if not answer.is_success:
        raise Rejected(
            f"The storage of Finance refused the upload ({answer.status}).",
            hint="The upload address may have expired; a new one is asked for with the next attempt.",
            code="upload-refused",
        )
    return answer.headers.get("etag", "")
