"""What Finance tells of an execution: its word, its errors, its counts, its page; and how its history goes."""

import json
import time
from typing import Any

from starlette.responses import Response

from sandbox.data_management.execution_states import finish
from sandbox.identifiers import guid
from sandbox.wire import Call, WireError, answer, finance_error
from sandbox.world import World

WORDS = ("Unknown", "NotRun", "Executing", "Succeeded", "PartiallySucceeded", "Failed", "Canceled")
# what stands of an execution beside its own row
_PARTS = (
    *("execution_entities", "import_errors", "refused_keys"),
    *("error_files", "status_questions", "drawn_numbers"),
)
_FLICKER = ("Executing", "", "Executing")  # what the first questions are answered; empty: not found


def find(call: Call, execution_id: str) -> Any:
    """The newest execution of an id; 400 with "were not found" while Finance does not show it."""
    row = call.world.store.row(
        "SELECT * FROM executions WHERE execution_id = ? ORDER BY id DESC LIMIT 1", (execution_id,)
    )
    if not execution_id:
        raise finance_error(400, "An error has occurred.", "The parameter executionId must be filled in.")
    if row is None or row["visible"] > time.time():
        raise _not_found(execution_id)
    return row


def _not_found(execution_id: str) -> WireError:
    return finance_error(400, "An error has occurred.", f"Records for execution id {execution_id} were not found.")


def status(call: Call, asked: dict[str, Any], user: str) -> str:
    execution_id = asked.get("executionId") or ""
    if not call.world.faults.plays("status-cycle"):
        row = call.world.store.row(
            "SELECT state FROM executions WHERE execution_id = ? ORDER BY id DESC", (execution_id,)
        )
        return "Unknown" if row is None else "Executing" if row["state"] == "NotRun" else str(row["state"])
    row = find(call, execution_id)
    if row["fault"] == "flicker":
        word = _flickering(call.world, row)
        if word is not None:
            if not word:
                raise _not_found(execution_id)
            return word
    return str(row["state"])


def _flickering(world: World, row: Any) -> str | None:
    """The word for one of the first questions, counted; None afterwards."""
    with world.store.transaction() as connection:
        connection.execute(
            "INSERT INTO status_questions VALUES (?, 1) ON CONFLICT (execution) DO UPDATE SET asked = asked + 1",
            (row["id"],),
        )
        asked = world.store.value("SELECT asked FROM status_questions WHERE execution = ?", (row["id"],))
    return _FLICKER[asked - 1] if asked <= len(_FLICKER) else None


def errors(call: Call, asked: dict[str, Any], user: str) -> str:
    """A string that holds a JSON array; with the mode `malformed_errors` a JSON parser fails on it."""
    row = find(call, asked.get("executionId") or "")
    hint = call.world.faults.mode("error_line_hint")
    rows = [
        {
            "RecordId": guid("staging", str(row["id"]), str(e["position"]), str(e["row"])),
            "Field": e["field"],
            "ErrorMessage": f"Line {e['row']}: {e['message']}" if e["row"] and hint else e["message"],
        }
        for e in errors_of(call.world, row["id"])
    ]
    if call.world.faults.mode("malformed_errors") and call.world.faults.plays("malformed-errors"):
        parts = [
            f'{{"RecordId":"{r["RecordId"]}","Field":"{r["Field"]}","ErrorMessage":"{r["ErrorMessage"]} said "no"\n"}}'
            for r in rows
        ]
        return f"[{','.join(parts)}]"
    return json.dumps(rows, ensure_ascii=False)


def refused_of(world: World, number: int, stage: str, position: int) -> list[Any]:
    """The refused rows of a stage with the keys that were sent, each with its field and message."""
    return world.store.rows(
        "SELECT e.row, e.field, e.message, k.legal_entity, k.entry_number, k.line_number FROM import_errors e "
        "LEFT JOIN refused_keys k USING (execution, position, row) "
        "WHERE e.execution = ? AND e.stage = ? AND e.position = ? ORDER BY e.row",
        (number, stage, position),
    )


def errors_of(world: World, number: int, stage: str = "%", position: int | None = None) -> list[Any]:
    where, values = ("", []) if position is None else (" AND position = ?", [position])
    return world.store.rows(
        f"SELECT * FROM import_errors WHERE execution = ? AND stage LIKE ?{where} ORDER BY position, row",
        [number, stage, *values],
    )


def page_url(call: Call, asked: dict[str, Any], user: str) -> str:
    row = find(call, asked.get("executionId") or "")
    return f"{call.world.finance_url}/?mi=action:DMFExecutionSummary&execution={row['execution_id']}"


def entities(world: World, number: int) -> list[Any]:
    return world.store.rows("SELECT * FROM execution_entities WHERE execution = ? ORDER BY position", (number,))


def entity_statuses(call: Call, asked: dict[str, Any], user: str) -> list[dict[str, Any]]:
    """Counts of each entity. The shape stands in third-party material only."""
    row = find(call, asked.get("executionId") or "")
    return [
        {
            "EntityName": entity["entity"],
            "Status": _word_of(row["state"], entity),
            "TotalRecords": entity["total"],
            "SuccessRecords": entity["created"] + entity["updated"],
            "ErrorRecords": entity["failed"],
        }
        for entity in entities(call.world, row["id"])
    ]


def _word_of(state: str, entity: Any) -> str:
    if entity["target"] == "Finished":
        return "Succeeded"
    if entity["target"] == "Error":
        return "PartiallySucceeded" if entity["created"] + entity["updated"] else "Failed"
    return state


def delete_history(call: Call, asked: dict[str, Any], user: str) -> str:
    """Forget an execution, also one that is dead and blocks its project. What it wrote into the ledger stays."""
    row = find(call, asked.get("executionId") or "")
    with call.world.store.transaction() as connection:
        for table in _PARTS:
            connection.execute(f"DELETE FROM {table} WHERE execution = ?", (row["id"],))
        connection.execute("DELETE FROM executions WHERE id = ?", (row["id"],))
    return str(row["execution_id"])


def control_list(call: Call) -> Response:
    """Control side: every execution, the newest last, with the hash of its package and its entities."""
    names = "id, execution_id, project, legal_entity, finance_user, sha256, fault, state"
    return answer(
        {
            "executions": [
                {**dict(row), "entities": [dict(entity) for entity in entities(call.world, row["id"])]}
                for row in call.world.store.rows(f"SELECT {names} FROM executions ORDER BY id")
            ]
        }
    )


def control_change(call: Call) -> Response:
    """Control side: give an execution another word. A word that ends it stops what is still running."""
    state, execution_id = call.json().get("state"), call.parts["id"]
    if state not in WORDS:
        raise WireError(400, {"problem": f"state is one of {', '.join(WORDS)}."})
    row = call.world.store.row("SELECT id FROM executions WHERE execution_id = ? ORDER BY id DESC", (execution_id,))
    if row is None:
        raise WireError(404, {"problem": f"There is no execution {execution_id}."})
    if state not in ("NotRun", "Executing"):
        finish(call.world, row["id"], state)
    with call.world.store.transaction() as connection:
        connection.execute("UPDATE executions SET state = ? WHERE id = ?", (state, row["id"]))
    return answer({"execution_id": execution_id, "state": state})
