"""Blob storage for packages: the signature in the address is the credential, as with Azure."""

import hashlib
import hmac
import secrets
import time
from urllib.parse import quote
from xml.etree import ElementTree as ET

from starlette.responses import Response

from sandbox.wire import Call, WireError
from sandbox.world import World


def _sign(world: World, name: str, expires: int) -> str:
    key = world.store.setting("blob_key")
    if key is None:
        key = secrets.token_hex(32)
        world.store.keep_setting("blob_key", key)
    return hmac.new(key.encode(), f"{name}\n{expires}".encode(), hashlib.sha256).hexdigest()


def write_url(world: World, name: str) -> str:
    """An address that `name` may be written to and read from for a while."""
    expires = int(time.time() + float(world.faults.mode("write_url_seconds")))
    return (
        f"{world.dataverse_url}/dmf/{quote(name)}?sv=2015-02-21&se={expires}&sp=rcw&sig={_sign(world, name, expires)}"
    )


def check(world: World, name: str, query: dict[str, str]) -> None:
    expires = int(query["se"]) if query.get("se", "").isdigit() else 0
    if expires < time.time() or not hmac.compare_digest(query.get("sig", ""), _sign(world, name, expires)):
        raise WireError(403, '<?xml version="1.0"?><Error><Code>AuthenticationFailed</Code></Error>')


def put(call: Call) -> Response:
    name = call.parts["name"]
    check(call.world, name, call.query)
    component = call.query.get("comp", "")
    if component == "block":
        return _put_block(call, name)
    if component == "blocklist":
        return _put_block_list(call, name)
    if call.headers.get("x-ms-blob-type") != "BlockBlob":
        raise WireError(400, '<?xml version="1.0"?><Error><Code>MissingRequiredHeader</Code></Error>')
    return _store(call.world, name, call.body)


def _store(world: World, name: str, data: bytes) -> Response:
    etag = f'"0x{hashlib.sha256(data).hexdigest()[:16].upper()}"'
    with world.store.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?)", (name, data, etag, time.time()))
    return Response(status_code=201, headers={"ETag": etag})


def _put_block(call: Call, name: str) -> Response:
    with call.world.store.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO blob_blocks VALUES (?, ?, 0, 0, ?)",
            (name, call.query.get("blockid", ""), call.body),
        )
    return Response(status_code=201)


def _put_block_list(call: Call, name: str) -> Response:
    wanted = [element.text or "" for element in ET.fromstring(call.body)]
    parts = []
    for block in wanted:
        row = call.world.store.row("SELECT data FROM blob_blocks WHERE name = ? AND block = ?", (name, block))
        if row is None:
            raise WireError(400, '<?xml version="1.0"?><Error><Code>InvalidBlockList</Code></Error>')
        parts.append(row["data"])
    stored = _store(call.world, name, b"".join(parts))
    with call.world.store.transaction() as connection:
        connection.execute("DELETE FROM blob_blocks WHERE name = ?", (name,))
    return stored


def get(call: Call) -> Response:
    name = call.parts["name"]
    check(call.world, name, call.query)
    if call.query.get("comp") == "blocklist":
        rows = call.world.store.rows("SELECT block, length(data) AS size FROM blob_blocks WHERE name = ?", (name,))
        blocks = "".join(f"<Block><Name>{row['block']}</Name><Size>{row['size']}</Size></Block>" for row in rows)
        return Response(
            f"<BlockList><CommittedBlocks/><UncommittedBlocks>{blocks}</UncommittedBlocks></BlockList>",
            200,
            {"content-type": "application/xml"},
        )
    row = call.world.store.row("SELECT data FROM blobs WHERE name = ?", (name,))
    if row is None:
        raise WireError(404, '<?xml version="1.0"?><Error><Code>BlobNotFound</Code></Error>')
    return Response(bytes(row["data"]), 200, {"content-type": "application/octet-stream"})
