"""`$batch` of Finance: at most 5,000 operations; a change set whole or not at all; a part can be busy alone."""

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers
from starlette.responses import Response

from sandbox import access, batch
from sandbox.control import hosts
from sandbox.control.gate import call_name
from sandbox.control.misbehaviour import default_body
from sandbox.data_management import actions as data_management
from sandbox.data_management.action_declarations import BOUND_TO
from sandbox.enums import NAMESPACE
from sandbox.finance import front as finance_front
from sandbox.finance import service as finance
from sandbox.wire import Call, WireError, answer, finance_error

LIMIT = 5000
_PATH = "/data/"
_SHOWN = {
    "content-type": "Content-Type",
    "location": "Location",
    "odata-entityid": "OData-EntityId",
    "retry-after": "Retry-After",
}


class _Undone(Exception):
    """A change set that failed; the answer of the failed request stands for all of them."""

    def __init__(self, failed: batch.BatchAnswer) -> None:
        self.failed = failed


def handle(call: Call) -> Response:
    """Carry out the parts in order; whatever becomes of them, the batch itself is answered with 200."""
    access.finance_user(call)
    try:
        parts = batch.read(call)
    except batch.BatchError as error:
        raise finance_error(400, "An error has occurred.", str(error)) from None
    number = sum(len(part.requests) for part in parts)
    if number > LIMIT:
        text = f"The current batch request contains too many operations: {number}, and the limit is {LIMIT}."
        raise finance_error(400, "An error has occurred.", text)
    return batch.write([_part(call, part) for part in parts])


def _part(call: Call, part: batch.Part) -> batch.BatchAnswer | Sequence[batch.BatchAnswer]:
    if not part.is_change_set:
        return _one(call, part.requests[0])
    if any(request.method == "GET" for request in part.requests):
        raise finance_error(400, "An error has occurred.", "A change set cannot contain a GET request.")
    done = []
    try:
        with call.world.store.transaction():
            for request in part.requests:
                done.append(_one(call, request))
                if done[-1].status >= 400:
                    raise _Undone(done[-1])
    except _Undone as undone:
        return undone.failed
    return done


def _one(call: Call, request: batch.BatchRequest) -> batch.BatchAnswer:
    try:
        inner = _call(call, request)
        if inner.parts["resource"].startswith("$batch"):
            raise finance_error(400, "An error has occurred.", "A batch cannot contain another batch.")
        finance_front.check(inner)
        response = _faulty(inner) or _carried_out(inner)
    except WireError as error:
        response = answer(error.content, error.status, error.headers)
    headers = {_SHOWN[name]: value for name, value in response.headers.items() if name in _SHOWN}
    headers["OData-Version"] = "4.0"
    return batch.BatchAnswer(response.status_code, headers, bytes(response.body), request.content_id)


def _faulty(call: Call) -> Response | None:
    """The scripted answer of a part, found by the part's own name."""
    fault = call.world.faults.hit(call_name(call.method, call.path, call.raw_query), kinds=("status",))
    if fault is None:
        return None
    again = {"Retry-After": fault.retry_after} if fault.retry_after is not None else {}
    body = fault.body or default_body(fault.status, call.path)
    return Response(body, fault.status, {"content-type": "application/json; charset=utf-8", **again})


def _carried_out(call: Call) -> Response:
    head, found, action = call.parts["resource"].partition(f"{BOUND_TO}/{NAMESPACE}.")
    if found and not head and call.method == "POST":
        call.parts["action"] = action
        return data_management.action(call)
    return finance.handle(call)


def _call(call: Call, request: batch.BatchRequest) -> Call:
    """The request as a call of its own, by the caller of the batch; its address is absolute or below /data."""
    if hosts.is_elsewhere(call.world, request.url, call.world.finance_url):
        raise finance_error(400, "An error has occurred.", f"The request '{request.url}' is not for this environment.")
    split = urlsplit(request.url)
    path = unquote(split.path)
    resource = path.partition(_PATH)[2] if path.startswith(_PATH) else path.removeprefix("/")
    headers = Headers(headers={"authorization": call.headers.get("authorization", ""), **request.headers})
    parts = {"resource": resource}
    return Call(call.world, request.method, _PATH + resource, split.query, headers, request.body, parts, call.notes)
