"""Dataverse Web API v9.2: every call under `/api/data/v9.2/` comes here and is led to what answers it."""

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager

import jwt
from starlette.responses import Response

from sandbox.dataverse import batch as dataverse_batch
from sandbox.dataverse import metadata as dataverse_metadata
from sandbox.dataverse import multiple as dataverse_multiple
from sandbox.dataverse import rows as dataverse_rows
from sandbox.dataverse.keys import segments
from sandbox.dataverse.protection import limits
from sandbox.dataverse.session import (
    PATH,
    Session,
    annotated,
    caller,
    coded,
    not_allowed,
    not_supported,
    preferences,
)
from sandbox.identifiers import guid
from sandbox.wire import Call, WireError, answer

METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")


def waiting(call: Call) -> AbstractContextManager[None]:
    """Counts the call among those of its user that are under way; entered before a thread takes it up."""
    token = call.headers.get("authorization", "").partition(" ")[2]
    try:
        user = str(jwt.decode(token, options={"verify_signature": False}).get("oid", ""))
    except jwt.InvalidTokenError:
        user = ""
    return call.world.protection.waiting(user)


def serve(call: Call) -> Response:
    """Answer one call, with the headers that Dataverse puts on every answer."""
    wanted = preferences(call.headers.get("prefer", ""))
    headers = {"OData-Version": "4.0", "REQ_ID": str(uuid.uuid4())}
    headers["x-ms-service-request-id"] = headers["REQ_ID"]
    try:
        claims, user_id = caller(call)
        mode = call.world.faults.mode("service_protection") if call.world.faults.plays("dataverse-paging") else None
        with call.world.protection.counted(str(claims.get("oid", "")), limits(mode)) as remaining:
            headers |= remaining
            response = _answer(Session(call, claims, user_id, ""), call)
    except WireError as error:
        return answer(annotated(coded(error.content), wanted), error.status, headers | error.headers)
    if wanted.applied and response.status_code < 400:
        headers["Preference-Applied"] = wanted.applied
    response.headers.update(headers)
    return response


def _answer(outer: Session, call: Call) -> Response:
    """One call of the outer session's user: the whole request, or a part of a batch."""
    path = call.path.removeprefix(PATH).rstrip("/")
    session = Session(call, outer.claims, outer.user_id, path, outer.content_ids)
    if not path and call.method == "GET":
        return _service_document(session)
    parts = segments(path)
    name = parts[0][0]
    operation = _OPERATIONS.get((name, call.method))
    if operation and len(parts) == 1:
        return operation(session)
    if name in OPERATION_NAMES:
        raise not_allowed(call.method)
    if name == "EntityDefinitions":
        return _metadata(session, dataverse_metadata.answer)
    if name in ("RelationshipDefinitions", "GlobalOptionSetDefinitions", "$metadata"):
        raise not_supported(f"{name} is not served by this environment.")
    return dataverse_rows.serve(session, parts)


def _metadata(session: Session, handler: Callable[[Session], dataverse_metadata.Answer]) -> Response:
    status, body, headers = handler(session)
    return Response(status_code=status, headers=headers) if body is None else answer(body, status, headers)


def _service_document(session: Session) -> Response:
    sets = sorted(table.set_name for table in session.tables)
    value = [{"name": name, "kind": "EntitySet", "url": name} for name in sets]
    return answer({"@odata.context": f"{session.base}/$metadata", "value": value})


def who_am_i(session: Session) -> Response:
    return answer(
        {
            "@odata.context": f"{session.base}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
            "BusinessUnitId": guid("business unit"),
            "UserId": session.user_id,
            "OrganizationId": guid("organization"),
        }
    )


def _bulk_delete(session: Session) -> Response:
    job = dataverse_multiple.bulk_delete(session, session.call.json())
    kind = "Microsoft.Dynamics.CRM.BulkDeleteResponse"
    return answer({"@odata.context": f"{session.base}/$metadata#{kind}", "JobId": job})


_OPERATIONS: dict[tuple[str, str], Callable[[Session], Response]] = {
    ("WhoAmI", "GET"): who_am_i,
    ("BulkDelete", "POST"): _bulk_delete,
    ("$batch", "POST"): lambda session: dataverse_batch.answer(session, _answer),
    ("CreateEntities", "POST"): lambda session: _metadata(session, dataverse_metadata.create_entities),
    ("RetrieveMetadataChanges", "GET"): lambda session: _metadata(session, dataverse_metadata.metadata_changes),
}
OPERATION_NAMES = {name for name, _ in _OPERATIONS}
