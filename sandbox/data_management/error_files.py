"""The files of an execution: keys of the records that the target refused, and what did not get into staging."""

import csv
import io
import time
from typing import Any

from sandbox.data_management import executions
from sandbox.storage import addresses as blob_addresses
from sandbox.storage import elsewhere as blob_store
from sandbox.wire import Call, finance_error
from sandbox.world import World


def _entity(call: Call, asked: dict[str, Any]) -> tuple[Any, Any]:
    row = executions.find(call, asked.get("executionId") or "")
    for entity in executions.entities(call.world, row["id"]):
        if entity["entity"].lower() == (asked.get("entityName") or "").lower():
            return row, entity
    raise finance_error(400, "An error has occurred.", f"Entity {asked.get('entityName', '')} is not in the execution.")


def generate_keys_file(call: Call, asked: dict[str, Any], user: str) -> bool:
    """Begin to write the keys of the records that the target refused; false when there is none."""
    row, entity = _entity(call, asked)
    if not executions.errors_of(call.world, row["id"], "target", entity["position"]):
        return False
    ready = time.time() + float(call.world.faults.mode("error_file_seconds"))
    with call.world.store.transaction() as connection:
        connection.execute("INSERT OR REPLACE INTO error_files VALUES (?, ?, ?)", (row["id"], entity["entity"], ready))
    return True


def keys_file_url(call: Call, asked: dict[str, Any], user: str) -> str:
    row, entity = _entity(call, asked)
    ready = call.world.store.value(
        "SELECT ready FROM error_files WHERE execution = ? AND entity = ?", (row["id"], entity["entity"])
    )
    if ready is None or ready > time.time():
        return ""
    return _file_url(call.world, row, entity, "target")


def staging_file_url(call: Call, asked: dict[str, Any], user: str) -> str:
    row, entity = _entity(call, asked)
    found = executions.errors_of(call.world, row["id"], "staging", entity["position"])
    return _file_url(call.world, row, entity, "staging") if found else ""


def _file_url(world: World, row: Any, entity: Any, stage: str) -> str:
    """A CSV file among the blobs with the keys of every refused record of a stage, the field and the message."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["LEGALENTITYID", "ENTRYNUMBER", "LINENUMBER", "FIELD", "MESSAGE"])
    for refused in executions.refused_of(world, row["id"], stage, entity["position"]):
        keys = [refused[name] or "" for name in ("legal_entity", "entry_number", "line_number")]
        writer.writerow([*keys, refused["field"], refused["message"]])
    name = f"{row['execution_id']}-{entity['position']}-{stage}.csv"
    blob_store.keep(world, name, text.getvalue().encode("utf-8-sig"), [])
    return blob_addresses.own_url(world, name, permissions="r")
