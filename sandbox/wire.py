"""One call over the wire, the answers to it, and JSON that keeps every digit."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from starlette.datastructures import Headers
from starlette.responses import Response

if TYPE_CHECKING:
    from sandbox.world import World

_text = json.encoder.encode_basestring


@dataclass
class Call:
    """What a handler needs to know of a request; `user` is filled in for the journal when the caller is known."""

    world: "World"
    method: str
    path: str
    raw_query: str
    headers: Headers
    body: bytes
    parts: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    @cached_property
    def query(self) -> dict[str, str]:
        """Query options; `+` means a blank and `%20` too, as clients write both."""
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    @cached_property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def json(self) -> dict[str, Any]:
        try:
            value = json.loads(self.body or b"{}", parse_float=Decimal)
        except (ValueError, RecursionError) as error:
            raise WireError(
                400, {"error": {"code": "", "message": f"The request body is not valid JSON: {error}"}}
            ) from None
        if not isinstance(value, dict):
            raise WireError(400, {"error": {"code": "", "message": "The request body must be a JSON object."}})
        return value


class WireError(Exception):
    """An answer that ends the handling of a call."""

    def __init__(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, content)
        self.status, self.content, self.headers = status, content, headers or {}


def encode(value: Any) -> str:
    """JSON text; a Decimal becomes a number with exactly its digits, never by way of a float."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return "{" + ",".join(f"{_text(key)}:{encode(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(encode, value)) + "]"
    return json.dumps(value)


def as_bytes(value: Any) -> bytes:
    """JSON as bytes; half a surrogate pair, which a client may have sent, stays an escape."""
    return encode(value).encode("utf-8", "backslashreplace")


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    if isinstance(content, str | bytes):
        return Response(content, status, headers)
    return Response(
        as_bytes(content),
        status,
        {**(headers or {}), "content-type": "application/json; odata.metadata=minimal; charset=utf-8"},
    )


def finance_error(status: int, text: str, inner: str = "") -> WireError:
    """Finance's envelope; the text for people stands in innererror.message."""
    error: dict[str, Any] = {"code": "", "message": "An error has occurred." if inner else text}
    if inner:
        error["innererror"] = {
            "message": inner,
            "type": "System.InvalidOperationException",
            "stacktrace": "   at Microsoft.Dynamics.Platform.Integration.Services.OData.ODataControllerBase",
        }
    return WireError(status, {"error": error})


def dataverse_error(status: int, code: str, text: str) -> WireError:
    return WireError(status, {"error": {"code": code, "message": text}})


def path_text(text: str) -> str:
    return unquote(text)
