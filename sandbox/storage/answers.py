"""Answers of blob storage: Azure's headers on every one, and its XML for a refusal."""

import base64
import hashlib
import time
import uuid
from email.utils import formatdate
from xml.sax.saxutils import escape

from starlette.responses import Response

from sandbox.storage.sas import VERSION
from sandbox.wire import Call, WireError

TEXTS = {
    "AuthenticationFailed": "Server failed to authenticate the request. Make sure the value of Authorization header "
    "is formed correctly including the signature.",
    "AuthorizationPermissionMismatch": "This request is not authorized to perform this operation using this "
    "permission.",
    "NoAuthenticationInformation": "Server failed to authenticate the request. Please refer to the information in the "
    "www-authenticate header.",
    "MissingRequiredHeader": "An HTTP header that's mandatory for this request is not specified.",
    "InvalidHeaderValue": "The value for one of the HTTP headers is not in the correct format.",
    "InvalidQueryParameterValue": "Value for one of the query parameters specified in the request URI is invalid.",
    "InvalidBlobOrBlock": "The specified blob or block content is invalid.",
    "InvalidBlockList": "The specified block list is invalid.",
    "InvalidXmlDocument": "XML specified is not syntactically valid.",
    "InvalidRange": "The range specified is invalid for the current size of the resource.",
    "Md5Mismatch": "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
    "BlobNotFound": "The specified blob does not exist.",
    "BlobAlreadyExists": "The specified blob already exists.",
    "ConditionNotMet": "The condition specified using HTTP conditional header(s) is not met.",
}


def refused(call: Call, status: int, code: str, **details: str) -> WireError:
    """A refusal in Azure's form; `details` become elements of their own."""
    request = str(uuid.uuid4())
    more = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in details.items())
    moment = time.strftime("%Y-%m-%dT%H:%M:%S.0000000Z", time.gmtime())
    body = (
        f'\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{escape(TEXTS[code])}\n'
        f"RequestId:{request}\nTime:{moment}</Message>{more}</Error>"
    )
    headers = _common(call, request) | {"x-ms-error-code": code, "content-type": "application/xml"}
    return WireError(status, body.encode(), headers)


def accepted(call: Call, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> Response:
    return Response(body, status, _common(call, str(uuid.uuid4())) | (headers or {}))


def _common(call: Call, request: str) -> dict[str, str]:
    headers = {
        "server": "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0",
        "x-ms-request-id": request,
        "x-ms-version": call.headers.get("x-ms-version", VERSION),
    }
    client = call.headers.get("x-ms-client-request-id")
    return headers | ({"x-ms-client-request-id": client} if client else {})


def md5_of(data: bytes) -> str:
    """MD5 in base64, as the header Content-MD5 carries it; it finds damage and is no protection."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def http_date(moment: float) -> str:
    return formatdate(moment, usegmt=True)
