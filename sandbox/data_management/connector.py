"""Recurring integration: packages sent to an activity's queue, the job's status, and exports fetched from it."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from sandbox import access
from sandbox.data_management import executions, importing
from sandbox.data_management.package_starts import check_legal_entity, refusal
from sandbox.storage import addresses as blob_addresses
from sandbox.wire import Call, answer

_FINAL = {"Succeeded": "Processed", "PartiallySucceeded": "ProcessedWithErrors", "Failed": "PostProcessingFailed"}


def _user(call: Call) -> str:
    user = access.finance_user(call)
    access.need_data_management(user, duty=True)
    return user.user_id


def enqueue(call: Call) -> Response:
    """Take a package for the activity's project; the answer is the message id as a quoted string."""
    user, activity = _user(call), call.parts["id"]
    entity, legal_entity = call.query.get("entity", ""), call.query.get("company", "")
    if not entity:
        raise refusal("The parameter entity must be filled in.")
    check_legal_entity(call.world, legal_entity)
    message = str(uuid.uuid4())
    execution_id = importing.accept(call.world, importing.Request(activity, message, legal_entity, user, call.body))
    external = call.headers.get("x-ms-dyn-externalidentifier", "")
    with call.world.store.transaction() as connection:
        connection.execute(
            "INSERT INTO connector_messages VALUES (?, ?, ?, ?, ?, ?, 'Enqueued')",
            (message, activity, execution_id, entity, legal_entity, external),
        )
    return Response(json.dumps(message), 200, {"content-type": "application/json; charset=utf-8"})


def message_status(call: Call, asked: dict[str, Any], user: str) -> str:
    """GetMessageStatus: the word for a message."""
    return _word(call, _message(call, asked.get("messageId") or ""))


def _message(call: Call, message: str) -> Any:
    row = call.world.store.row("SELECT * FROM connector_messages WHERE id = ?", (message,))
    if row is None:
        raise refusal(f"Message {message} was not found.")
    return row


def _word(call: Call, message: Any) -> str:
    if message["state"] != "Enqueued":
        return str(message["state"])
    row = call.world.store.row("SELECT * FROM executions WHERE execution_id = ?", (message["execution_id"],))
    if row is None or row["state"] == "NotRun":
        return "Enqueued"
    if row["state"] == "Failed" and not call.world.store.value(
        "SELECT sum(staged) FROM execution_entities WHERE execution = ?", (row["id"],)
    ):
        return "PreProcessingError"
    return _FINAL.get(row["state"], "Processing")


def job_status(call: Call) -> Response:
    """DataJobStatusDetail of a message."""
    _user(call)
    message = _message(call, call.query.get("jobId", ""))
    row: Any = call.world.store.row("SELECT * FROM executions WHERE execution_id = ?", (message["execution_id"],))
    if row is None:
        raise refusal(f"Message {message['id']} was not found.")
    log = call.world.store.rows("SELECT message FROM import_errors WHERE execution = ? LIMIT 100", (row["id"],))
    return answer(
        {
            "DataJobStatus": {
                "DataProject": row["project"],
                "DataJobIdentifier": message["id"],
                "ExternalIdentifier": message["external_id"],
                "ExecutionIdentifier": row["execution_id"],
                "DataJobStartedDateTime": _moment(row["started"]),
                "DataJobCompletedDateTime": _moment(row["finished"]),
                "DataJobState": _word(call, message),
            },
            "ExecutionLog": "\r\n".join(error["message"] for error in log),
            "ExecutionDetail": [
                _detail(message, entity, call) for entity in executions.entities(call.world, row["id"])
            ],
        }
    )


def _detail(message: Any, entity: Any, call: Call) -> dict[str, Any]:
    refused: Any = call.world.store.row(
        "SELECT sum(stage = 'staging') AS staging, sum(stage = 'target') AS target "
        "FROM import_errors WHERE execution = ? AND position = ?",
        (entity["execution"], entity["position"]),
    )
    return {
        "EntityName": entity["entity"],
        "Company": message["legal_entity"],
        "StagingRecords": entity["staged"],
        "StagingStatus": entity["staging"],
        "StagingErrorCount": refused["staging"] or 0,
        "TargetRecords": entity["created"] + entity["updated"],
        "TargetStatus": entity["target"],
        "TargetErrorCount": refused["target"] or 0,
        "ExecutionStartedDateTime": _moment(entity["staging_started"]),
        "ExecutionCompletedDateTime": _moment(entity["target_ended"]),
    }


def _moment(seconds: float | None) -> str:
    moment = datetime.fromtimestamp(seconds or 0, UTC) if seconds else datetime(1900, 1, 1, tzinfo=UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def dequeue(call: Call) -> Response:
    """The next exported package of the activity's project; 204 when there is none that is not fetched yet."""
    _user(call)
    row = call.world.store.row(
        "SELECT p.* , e.legal_entity FROM exported_packages p JOIN executions e USING (execution_id) "
        "WHERE e.project = ? AND p.execution_id NOT IN (SELECT execution_id FROM connector_messages "
        "WHERE state = 'Acked') ORDER BY e.id",
        (call.parts["id"],),
    )
    if row is None:
        return Response(status_code=204)
    with call.world.store.transaction() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO connector_messages VALUES (?, ?, ?, 'Budget account entries', ?, '', 'Dequeued')",
            (row["execution_id"], call.parts["id"], row["execution_id"], row["legal_entity"]),
        )
    location = blob_addresses.own_url(call.world, row["blob"], permissions="r")
    return answer(
        {"CorrelationId": row["execution_id"], "PopReceipt": row["execution_id"], "DownloadLocation": location}
    )


def ack(call: Call) -> Response:
    """What was fetched need not be fetched again. The body is the answer of dequeue."""
    _user(call)
    message = _message(call, str(call.json().get("CorrelationId") or ""))
    with call.world.store.transaction() as connection:
        connection.execute("UPDATE connector_messages SET state = 'Acked' WHERE id = ?", (message["id"],))
    return Response(status_code=200)
