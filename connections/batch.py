"""`$batch`: several requests in one, as multipart/mixed. Change sets are whole or not at all, reads stand alone.

Dataverse takes 1,000 requests of one batch, Finance 5,000. A batch may be answered 200 while one of its parts is not.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from typing import Any

from . import http
from .errors import InDoubt, RemoteError, Unavailable
from .odata import ODataService, Refuse
from .rules.json_text import json_text

MOST = 1000


@dataclass(frozen=True)
class Operation:
    """One request of a batch; `url` is absolute or relative to the service, `body` becomes JSON."""

    method: str
    url: str
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def read(service: ODataService, urls: Sequence[str], *, refuse: Refuse) -> list[http.Answer]:
    """Ask for all `urls` at once; one answer for each, in their order, refusals included. At most 1,000."""
    boundary = f"batch_{uuid.uuid4().hex}"
    parts = [_part(Operation("GET", url), 0) for url in urls]
    answers = _send(service, boundary, parts, refuse=refuse, repeatable=True, go_on=True)
    if len(answers) != len(urls):
        raise Unavailable(f"{len(answers)} of {len(urls)} requests were answered.")
    return answers


def change(service: ODataService, operations: Sequence[Operation], *, refuse: Refuse) -> list[http.Answer]:
    """Carry out all operations or none of them; raises what `refuse` makes of the one that was refused.

    A lost answer is InDoubt: all of them stand, or none.
    """
    boundary, inner = f"batch_{uuid.uuid4().hex}", f"changeset_{uuid.uuid4().hex}"
    parts = [_part(operation, number) for number, operation in enumerate(operations, start=1)]
    change_set = f"Content-Type: multipart/mixed; boundary={inner}\r\n\r\n{_joined(inner, parts)}"
    answers = _send(service, boundary, [change_set], refuse=refuse, repeatable=False, go_on=False)
    refused = next((answer for answer in answers if not answer.is_success), None)
    if refused is not None:
        raise refuse(refused)
    if len(answers) != len(operations):
        raise InDoubt(f"{len(answers)} of {len(operations)} changes were answered.")
    return answers


def _send(
    service: ODataService, boundary: str, parts: list[str], *, refuse: Refuse, repeatable: bool, go_on: bool
) -> list[http.Answer]:
    if len(parts) > MOST:
        raise ValueError(f"a batch takes at most {MOST} requests")
    answer = service.send(
        "POST",
        service.address("$batch"),
        _joined(boundary, parts).encode(),
        refuse=refuse,
        headers={
            "Content-Type": f"multipart/mixed; boundary={boundary}",
            **({"Prefer": "odata.continue-on-error"} if go_on else {}),
        },
        repeatable=repeatable,
        expects_json=False,
    )
    try:
        return answers_of(answer.headers.get("content-type", ""), answer.body)
    except ValueError:
        raise _unreadable(repeatable) from None


def _unreadable(repeatable: bool) -> RemoteError:
    text = "The answer to a batch can't be read."
    return Unavailable(text) if repeatable else InDoubt(text)


def _joined(boundary: str, parts: Sequence[str]) -> str:
    return "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"


def _part(operation: Operation, content_id: int) -> str:
    """One request as a part; every line ends with CRLF, which Dataverse insists on."""
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    lines += [f"Content-ID: {content_id}"] if content_id else []
    lines += ["", f"{operation.method} {operation.url} HTTP/1.1", "Accept: application/json"]
    lines += [f"{name}: {value}" for name, value in operation.headers.items()]
    if operation.body is not None:
        lines += ["Content-Type: application/json; charset=utf-8; type=entry"]
    return "\r\n".join([*lines, "", json_text(operation.body) if operation.body is not None else ""])


def answers_of(content_type: str, body: bytes) -> list[http.Answer]:
    """The answers in a batch's answer, those in change sets in their place. Raises ValueError when it is none."""
    if not content_type.lower().startswith("multipart/mixed") or not content_type.isprintable():
        raise ValueError("not a batch")
    try:
        message = message_from_bytes(b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n" + body)
        return [_answer_in(part) for part in message.walk() if not part.is_multipart()]
    except (MessageError, LookupError, TypeError, AttributeError, RecursionError):
        raise ValueError("not a batch") from None


def _answer_in(part: Message) -> http.Answer:
    content = part.get_payload(decode=True)
    if part.get_content_type() != "application/http" or not isinstance(content, bytes):
        raise ValueError("not a batch")
    head, _, body = content.partition(b"\r\n\r\n") if b"\r\n\r\n" in content else content.partition(b"\n\n")
    status_line, *lines = head.decode("latin-1").strip().splitlines() or [""]
    version, _, rest = status_line.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or not (status.isascii() and status.isdigit() and len(status) == 3):
        raise ValueError("not an answer")
    pairs = (line.partition(":") for line in lines)
    return http.Answer(int(status), {name.strip().lower(): value.strip() for name, _, value in pairs}, body.strip())
