"""Blob storage for packages: the signature in the address is the credential, as with Azure."""

import base64
import binascii
import re
from xml.etree import ElementTree as ET

from starlette.responses import Response

from sandbox.data_management.packages import PackageError, parse_xml
from sandbox.storage import elsewhere as blob_store
from sandbox.storage.addresses import CONTAINER, account_of
from sandbox.storage.answers import accepted, http_date, md5_of, refused
from sandbox.storage.sas import NotSigned
from sandbox.wire import Call

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def handle(call: Call) -> Response:
    """Put, read, look at or delete the blob that the path names."""
    component = call.query.get("comp", "")
    if call.method == "PUT":
        _check(call, "cw")
        _check_content(call)
        handlers = {"": _put, "block": _put_block, "blocklist": _put_block_list}
        if component not in handlers:
            raise refused(call, 400, "InvalidQueryParameterValue", QueryParameterName="comp")
        return handlers[component](call)
    if call.method == "DELETE":
        _check(call, "d")
        return _delete(call)
    _check(call, "r")
    return _block_list(call) if component == "blocklist" else _get(call)


def _check(call: Call, permissions: str) -> None:
    """One of the permissions must be granted. With the refusals switched off anybody may do anything."""
    if not call.world.faults.plays("blob-refusals"):
        return
    if "sig" not in call.query:
        raise refused(call, 401, "NoAuthenticationInformation")
    try:
        granted = account_of(call.world).check(call.query, CONTAINER, call.parts["name"])
    except NotSigned as error:
        raise refused(call, 403, "AuthenticationFailed", AuthenticationErrorDetail=str(error)) from None
    if not set(permissions) & set(granted):
        raise refused(call, 403, "AuthorizationPermissionMismatch")


def _check_content(call: Call) -> None:
    version = call.headers.get("x-ms-version", "2021-12-02")
    if not re.fullmatch(r"20\d\d-\d\d-\d\d", version):
        raise refused(call, 400, "InvalidHeaderValue", HeaderName="x-ms-version", HeaderValue=version)
    wanted = call.headers.get("content-md5")
    if wanted is not None and wanted != md5_of(call.body):
        details = {"UserSpecifiedMd5": wanted, "ServerCalculatedMd5": md5_of(call.body)}
        raise refused(call, 400, "Md5Mismatch", **details)


def _put(call: Call) -> Response:
    kind = call.headers.get("x-ms-blob-type")
    if call.world.faults.plays("blob-refusals"):
        if kind is None:
            raise refused(call, 400, "MissingRequiredHeader", HeaderName="x-ms-blob-type")
        if kind != "BlockBlob":
            raise refused(call, 400, "InvalidHeaderValue", HeaderName="x-ms-blob-type", HeaderValue=kind)
    return _keep(call, call.body, [])


def _keep(call: Call, data: bytes, blocks: list[tuple[str, bytes]]) -> Response:
    world, name = call.world, call.parts["name"]
    known = blob_store.find(world, name)
    if known is not None and call.headers.get("if-none-match") == "*":
        raise refused(call, 409, "BlobAlreadyExists")
    match = call.headers.get("if-match", "*")
    if "if-match" in call.headers and (known is None or match not in ("*", known["etag"])):
        raise refused(call, 412, "ConditionNotMet")
    etag, now = blob_store.keep(world, name, data, blocks)
    headers = {"etag": etag, "last-modified": http_date(now), "x-ms-request-server-encrypted": "true"}
    return accepted(call, 201, headers | ({} if blocks else {"content-md5": md5_of(data)}))


def _put_block(call: Call) -> Response:
    block = call.query.get("blockid", "")
    name = call.parts["name"]
    others = [other for other, _ in blob_store.blocks(call.world, name, committed=False)]
    if not _is_block_id(block):
        raise refused(call, 400, "InvalidQueryParameterValue", QueryParameterName="blockid")
    if others and len(others[0]) != len(block):
        raise refused(call, 400, "InvalidBlobOrBlock")
    blob_store.keep_block(call.world, name, block, call.body)
    return accepted(call, 201, {"content-md5": md5_of(call.body), "x-ms-request-server-encrypted": "true"})


def _is_block_id(text: str) -> bool:
    try:
        return 0 < len(base64.b64decode(text, validate=True)) <= 64
    except (binascii.Error, ValueError):
        return False


def _put_block_list(call: Call) -> Response:
    try:
        wanted = [(element.tag, element.text or "") for element in parse_xml(call.body, "BlockList")]
    except PackageError:
        raise refused(call, 400, "InvalidXmlDocument") from None
    parts = []
    for kind, block in wanted:
        data = blob_store.block_of(call.world, call.parts["name"], block, kind)
        if data is None:
            raise refused(call, 400, "InvalidBlockList")
        parts.append((block, data))
    return _keep(call, b"".join(data for _, data in parts), parts)


def _block_list(call: Call) -> Response:
    kind, name = call.query.get("blocklisttype", "committed"), call.parts["name"]
    found = {which: blob_store.blocks(call.world, name, committed=which == "committed") for which in _wanted(kind)}
    if blob_store.find(call.world, name) is None and not any(found.values()):
        raise refused(call, 404, "BlobNotFound")
    root = ET.Element("BlockList")
    for which, blocks in found.items():
        holder = ET.SubElement(root, f"{which.capitalize()}Blocks")
        for block, size in blocks:
            element = ET.SubElement(holder, "Block")
            ET.SubElement(element, "Name").text = block
            ET.SubElement(element, "Size").text = str(size)
    body = bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
    return accepted(call, 200, {"content-type": "application/xml"}, body)


def _wanted(kind: str) -> list[str]:
    return ["committed", "uncommitted"] if kind == "all" else [kind if kind == "uncommitted" else "committed"]


def _get(call: Call) -> Response:
    row = blob_store.find(call.world, call.parts["name"])
    if row is None:
        raise refused(call, 404, "BlobNotFound")
    data = bytes(row["data"])
    headers = {
        "etag": row["etag"],
        "last-modified": http_date(row["created"]),
        "content-type": "application/octet-stream",
        "accept-ranges": "bytes",
        "x-ms-blob-type": "BlockBlob",
        "x-ms-lease-state": "available",
        "x-ms-lease-status": "unlocked",
    }
    asked = _RANGE.fullmatch(call.headers.get("x-ms-range") or call.headers.get("range") or "")
    if asked is None:
        return accepted(call, 200, headers | {"content-md5": md5_of(data)}, data)
    first, last = int(asked[1]), min(int(asked[2] or len(data)), len(data) - 1)
    if first > last:
        raise refused(call, 416, "InvalidRange")
    shown = {"content-range": f"bytes {first}-{last}/{len(data)}", "x-ms-blob-content-md5": md5_of(data)}
    return accepted(call, 206, headers | shown, data[first : last + 1])


def _delete(call: Call) -> Response:
    if blob_store.find(call.world, call.parts["name"]) is None:
        raise refused(call, 404, "BlobNotFound")
    blob_store.remove(call.world, call.parts["name"])
    return accepted(call, 202, {"x-ms-delete-type-permanent": "true"})
