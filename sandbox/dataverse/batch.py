"""`$batch` of Dataverse: in order, up to the first error unless asked to go on; a change set whole or not at all."""

import re
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response

from sandbox import batch
from sandbox.control import hosts
from sandbox.dataverse.session import PATH, Session, coded
from sandbox.wire import Call, WireError, dataverse_error, encode

CarryOut = Callable[[Session, Call], Response]
LIMIT = 1000
_REFERENCE = re.compile(r"\$[\w.-]+")


class _Undone(Exception):
    """A change set that failed; its answer stands for all of its requests."""

    def __init__(self, answer: batch.BatchAnswer) -> None:
        self.answer = answer


def answer(session: Session, carry_out: CarryOut) -> Response:
    """Carry out the parts of a batch. `carry_out` answers one call of the same session."""
    try:
        parts = batch.read(session.call)
    except batch.BatchError as error:
        raise dataverse_error(400, "0x80060888", str(error)) from None
    _check(parts)
    answers: list[batch.BatchAnswer | list[batch.BatchAnswer]] = []
    for part in parts:
        done = _change_set(session, part, carry_out) if part.is_change_set else _single(session, part, carry_out)
        answers.append(done)
        if isinstance(done, batch.BatchAnswer) and done.status >= 400 and not session.prefer.continue_on_error:
            return batch.write(answers, done.status)
    return batch.write(answers)


def _check(parts: list[batch.Part]) -> None:
    number = sum(len(part.requests) for part in parts)
    if number > LIMIT:
        text = f"The number of requests in a batch, {number}, exceeds the limit of {LIMIT}."
        raise dataverse_error(400, "0x80060888", text)
    for part in parts:
        for request in part.requests:
            if part.is_change_set and request.method == "GET":
                raise dataverse_error(400, "0x80060888", "GET requests are not allowed within change sets.")
            if part.is_change_set and not request.content_id:
                raise dataverse_error(400, "0x80060888", "Content-ID header not present.")
            if request.url.rstrip("/").endswith("$batch"):
                raise dataverse_error(400, "0x80060888", "A batch cannot contain another batch.")


def _single(session: Session, part: batch.Part, carry_out: CarryOut) -> batch.BatchAnswer:
    session.content_ids.clear()
    return _carried_out(session, part.requests[0], carry_out)


def _change_set(session: Session, part: batch.Part, carry_out: CarryOut) -> batch.BatchAnswer | list[batch.BatchAnswer]:
    session.content_ids.clear()
    done = []
    try:
        with session.store.transaction():
            for request in part.requests:
                found = _carried_out(session, request, carry_out)
                if found.status >= 400:
                    raise _Undone(found)
                if "OData-EntityId" in found.headers:
                    session.content_ids[f"${request.content_id}"] = found.headers["OData-EntityId"]
                done.append(found)
    except _Undone as undone:
        return undone.answer
    return done


def _carried_out(session: Session, request: batch.BatchRequest, carry_out: CarryOut) -> batch.BatchAnswer:
    try:
        response = carry_out(session, _call(session, request))
    except WireError as error:
        body = encode(coded(error.content)).encode()
        headers = {"Content-Type": "application/json; odata.metadata=minimal", "OData-Version": "4.0", **error.headers}
        return batch.BatchAnswer(error.status, headers, body, request.content_id)
    names = {
        "content-type": "Content-Type",
        "odata-entityid": "OData-EntityId",
        "location": "Location",
        "preference-applied": "Preference-Applied",
    }
    headers = {"OData-Version": "4.0"} | {
        name: response.headers[lower] for lower, name in names.items() if lower in response.headers
    }
    return batch.BatchAnswer(response.status_code, headers, bytes(response.body), request.content_id)


def _call(session: Session, request: batch.BatchRequest) -> Call:
    """The request as a call of its own; a reference `$1` stands for the address of what that request made."""
    outer, url = session.call, request.url
    reference = _REFERENCE.match(url)
    if reference and not url.startswith("$batch"):
        if reference[0] not in session.content_ids:
            text = f"Content-ID Reference: '{reference[0]}' does not exist in the batch context."
            raise dataverse_error(400, "0x80060888", text)
        url = session.content_ids[reference[0]] + url[reference.end() :]
    if hosts.is_elsewhere(outer.world, url, outer.world.dataverse_url):
        raise dataverse_error(400, "0x80060888", f"The request '{url}' is not for this environment.")
    split = urlsplit(url)
    path = split.path if split.path.startswith(PATH) else PATH + split.path.removeprefix("/")
    headers = Headers(headers={"authorization": outer.headers.get("authorization", ""), **request.headers})
    return Call(outer.world, request.method, unquote(path), split.query, headers, request.body, {}, outer.notes)
