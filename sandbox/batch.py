"""`$batch` as OData 4.0 has it: multipart/mixed with single requests and change sets, read and written.

`read` takes a body apart, whoever serves the API carries the requests out, and `write` puts the answers together.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.responses import Response

from sandbox.wire import Call

_BOUNDARY = re.compile(r'multipart/mixed\s*;.*?boundary="?([^";,\s]+)"?', re.IGNORECASE)
_REQUEST_LINE = re.compile(rb"([A-Z]+) (.+) HTTP/1\.1")
_CRLF = b"\r\n"


class BatchError(Exception):
    """A body that is not a batch; the text says why."""


@dataclass(frozen=True)
class BatchRequest:
    """One request inside a batch. `url` is as written: absolute, relative, or a `$1` that names a Content-ID."""

    method: str
    url: str
    headers: Headers
    body: bytes = b""
    content_id: str = ""


@dataclass(frozen=True)
class Part:
    """A single request, or the requests of a change set, which are carried out together or not at all."""

    requests: tuple[BatchRequest, ...]
    is_change_set: bool = False


@dataclass(frozen=True)
class BatchAnswer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_id: str = ""


def read(call: Call) -> list[Part]:
    """The parts of a batch in order. Raises BatchError."""
    boundary = _boundary(call.headers.get("content-type", ""))
    return [_part(headers, content) for headers, content in _split(call.body, boundary)]


def write(answers: Sequence[BatchAnswer | Sequence[BatchAnswer]], status: int = 200) -> Response:
    """The answer of a batch: one part for each single request, one nested multipart for each change set."""
    boundary = f"batchresponse_{uuid.uuid4()}"
    body = b"".join(b"--%b\r\n%b" % (boundary.encode(), _written(item)) for item in answers)
    return Response(
        body + f"--{boundary}--\r\n".encode(), status, {"content-type": f"multipart/mixed; boundary={boundary}"}
    )


def _boundary(content_type: str) -> str:
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise BatchError("The content type of a batch must be multipart/mixed with a boundary.")
    return found[1]


def _split(body: bytes, boundary: str) -> list[tuple[Headers, bytes]]:
    """Headers and content of every part between the boundaries."""
    mark = b"--" + boundary.encode()
    padded = _CRLF + body
    pieces = padded.split(_CRLF + mark)
    if len(pieces) < 2:
        why = "Lines must end with CRLF." if mark in body else f"The boundary {boundary} does not occur."
        raise BatchError(f"The batch could not be read. {why}")
    if not pieces[-1].startswith(b"--"):
        raise BatchError("The batch could not be read. The last boundary is missing; lines must end with CRLF.")
    return [_headed(piece.removeprefix(_CRLF)) for piece in pieces[1:-1]]


def _headed(piece: bytes) -> tuple[Headers, bytes]:
    head, found, content = piece.partition(_CRLF * 2)
    if not found:
        head, content = piece, b""
    lines = [line for line in head.split(_CRLF) if line]
    if any(b":" not in line or b"\n" in line for line in lines):
        raise BatchError("The batch could not be read. A header line is malformed; lines must end with CRLF.")
    pairs = [line.split(b":", 1) for line in lines]
    return Headers(raw=[(name.strip().lower(), value.strip()) for name, value in pairs]), content


def _part(headers: Headers, content: bytes) -> Part:
    kind = headers.get("content-type", "")
    if kind.lower().startswith("multipart/mixed"):
        inner = _split(content, _boundary(kind))
        return Part(tuple(_request(item, part) for item, part in inner), is_change_set=True)
    return Part((_request(headers, content),))


def _request(headers: Headers, content: bytes) -> BatchRequest:
    if not headers.get("content-type", "").lower().startswith("application/http"):
        raise BatchError("The content type of a part must be application/http.")
    line, _, rest = content.lstrip(_CRLF).partition(_CRLF)
    found = _REQUEST_LINE.fullmatch(line.rstrip())
    if found is None:
        raise BatchError(f"The request line '{line[:200].decode('utf-8', 'replace')}' could not be read.")
    inner, body = (Headers(), rest[2:]) if rest.startswith(_CRLF) else _headed(rest)
    return BatchRequest(found[1].decode(), found[2].decode("utf-8"), inner, body, headers.get("content-id", ""))


def _written(item: BatchAnswer | Sequence[BatchAnswer]) -> bytes:
    if isinstance(item, BatchAnswer):
        return _answered(item)
    boundary = f"changesetresponse_{uuid.uuid4()}"
    inner = b"".join(b"--%b\r\n%b" % (boundary.encode(), _answered(answer)) for answer in item)
    head = f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n"
    return head.encode() + inner + f"--{boundary}--\r\n".encode()


def _answered(item: BatchAnswer) -> bytes:
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if item.content_id:
        head.append(f"Content-ID: {item.content_id}")
    inner = [f"HTTP/1.1 {item.status} {HTTPStatus(item.status).phrase}"]
    inner += [f"{name}: {value}" for name, value in item.headers.items()]
    text = "\r\n".join([*head, "", *inner, "", ""])
    return text.encode() + item.body + _CRLF
