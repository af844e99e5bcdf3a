"""The export side of the package API: budget account entries as a package that can be imported again."""

import time
import uuid
from typing import Any

from sandbox.data_management import package_writing
from sandbox.data_management.package_starts import check_legal_entity, refusal
from sandbox.storage import addresses as blob_addresses
from sandbox.storage import elsewhere as blob_store
from sandbox.wire import Call


def export_to_package(call: Call, asked: dict[str, Any], user: str) -> str:
    """Writes the package at once; a job of the export project stands under the execution id that is returned."""
    project, legal_entity = asked.get("definitionGroupId") or "", asked.get("legalEntityId") or ""
    if not project:
        raise refusal("The parameter definitionGroupId must be filled in.")
    check_legal_entity(call.world, legal_entity)
    store, execution_id = call.world.store, asked.get("executionId") or f"{project}-{uuid.uuid4()}"
    if store.row("SELECT 1 FROM executions WHERE execution_id = ?", (execution_id,)):
        raise refusal(f"Execution id: {execution_id}. The record already exists.")
    rows = store.rows(
        "SELECT * FROM BudgetRegisterEntries WHERE LegalEntityId = ? ORDER BY EntryNumber, LineNumber", (legal_entity,)
    )
    name = f"{asked.get('packageName') or 'package'}-{execution_id}.zip"
    data = package_writing.package_of(project, rows)
    blob_store.keep(call.world, name, data, [])
    now = time.time()
    with store.transaction() as connection:
        cursor = connection.execute(
            "INSERT INTO executions (execution_id, project, entity, legal_entity, finance_user, package, sha256, "
            "accepted, visible, started, finished, state) VALUES (?, ?, ?, ?, ?, '', '', ?, ?, ?, ?, 'Succeeded')",
            (execution_id, project, package_writing.LABEL, legal_entity, user, now, now, now, now),
        )
        connection.execute(
            "INSERT INTO execution_entities VALUES (?, 0, ?, 'Finished', 'Finished', ?, ?, ?, ?, 0, 0, ?, ?, ?, ?)",
            (cursor.lastrowid, package_writing.LABEL, *(len(rows),) * 4, now, now, now, now),
        )
        connection.execute("INSERT OR REPLACE INTO exported_packages VALUES (?, ?)", (execution_id, name))
    return execution_id


def exported_package_url(call: Call, asked: dict[str, Any], user: str) -> str:
    """The address of an exported package; empty when the execution exported none."""
    name = call.world.store.value(
        "SELECT blob FROM exported_packages WHERE execution_id = ?", (asked.get("executionId") or "",)
    )
    return blob_addresses.own_url(call.world, name, permissions="r") if name else ""
