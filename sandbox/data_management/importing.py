"""Accepts imports and carries them out, in the background and again after a kill: each row is applied exactly once."""

import hashlib
import threading
import time
import uuid
from dataclasses import dataclass
from typing import Any

from sandbox.data_management import execution_states
from sandbox.data_management.loading import Loader
from sandbox.data_management.packages import PackageEntity, PackageError, UnknownEntity, open_package
from sandbox.wire import finance_error
from sandbox.world import World

UNFINISHED = ("NotRun", "Executing")
NOT_EXECUTED = "not_executed"  # kept in the place of a fault: unpacked and never started
DEFAULT_LABEL = "Budget account entries"


@dataclass(frozen=True)
class Request:
    """One package that Finance was asked to import. An empty execution id: Finance makes one."""

    project: str
    execution_id: str
    legal_entity: str
    user: str
    package: bytes
    execute: bool = True


def accept(world: World, request: Request) -> str:
    """Store a new execution durably and start it; returns its execution id. One running import for a project.

    Raises WireError when the id is known, the project is busy or the package names an entity that does not exist.
    """
    labels = _labels(world, request.package)
    execution_id = request.execution_id or f"{request.project}-{uuid.uuid4()}"
    with world.store.transaction() as connection:
        known = connection.execute("SELECT 1 FROM executions WHERE execution_id = ?", (execution_id,)).fetchone()
        repeat = world.faults.mode("repeat_execution_id")
        if known is not None and repeat == "reject":
            raise finance_error(
                400,
                "An error has occurred.",
                f"Cannot create a record in Data execution details. "
                f"Execution id: {execution_id}. The record already exists.",
            )
        if known is not None and repeat == "same":
            return execution_id
        if world.faults.plays("one-import-per-project") and _is_busy(connection, request.project):
            raise finance_error(
                500, "An error has occurred.", "DMF1996: another import of this data project is running."
            )
        number = _insert(world, connection, request, execution_id, labels)
    if request.execute:
        start(world, number)
    return execution_id


def _labels(world: World, package: bytes) -> list[str]:
    """Entities of the package, for the execution's record; a package that cannot be read fails later, by itself."""
    try:
        entities = open_package(package, strict=world.faults.plays("package-checks"))
    except UnknownEntity as error:
        raise finance_error(400, "An error has occurred.", str(error)) from None
    except PackageError:
        return [DEFAULT_LABEL]
    return [entity.label for entity in entities]


def _is_busy(connection: Any, project: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM executions WHERE project = ? AND state IN ('NotRun', 'Executing') AND fault <> ?",
        (project, NOT_EXECUTED),
    ).fetchone()
    return found is not None


def _insert(world: World, connection: Any, request: Request, execution_id: str, labels: list[str]) -> int:
    fault = world.faults.hit("ImportFromPackage", kinds=("import",))
    effect = "" if fault is None else f"{fault.effect}:{fault.rows}" if fault.rows else fault.effect
    lag = float(world.faults.mode("visibility_lag_seconds")) if world.faults.plays("status-cycle") else 0.0
    now = time.time()
    cursor = connection.execute(
        "INSERT INTO executions (execution_id, project, entity, legal_entity, finance_user, package, sha256, "
        "fault, accepted, visible, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'NotRun')",
        (
            execution_id,
            request.project,
            labels[0],
            request.legal_entity,
            request.user,
            request.package,
            hashlib.sha256(request.package).hexdigest(),
            effect if request.execute else NOT_EXECUTED,
            now,
            now + lag,
        ),
    )
    number = int(cursor.lastrowid)
    for position, label in enumerate(labels):
        connection.execute(
            "INSERT INTO execution_entities (execution, position, entity) VALUES (?, ?, ?)", (number, position, label)
        )
    return number


def start(world: World, number: int) -> None:
    threading.Thread(target=run, args=(world, number), daemon=True).start()


def resume(world: World) -> None:
    """Go on with what was running when the last process ended."""
    for row in world.store.rows("SELECT id FROM executions WHERE state IN ('NotRun', 'Executing')"):
        start(world, row["id"])


def run(world: World, number: int) -> None:
    """Carry out one execution; it may have been begun by an earlier process."""
    execution = world.store.row("SELECT * FROM executions WHERE id = ?", (number,))
    if execution is None or execution["state"] not in UNFINISHED or execution["fault"] == NOT_EXECUTED:
        return
    if not execution_states.wait(world, number, execution["accepted"] + float(world.faults.mode("queue_seconds"))):
        return
    if execution["started"] is None:
        execution_states.begin(world, number)
    fault, _, _ = execution["fault"].partition(":")
    if fault == "stuck":
        return
    if fault in ("fail", "unknown"):
        execution_states.finish(world, number, "Failed" if fault == "fail" else "Unknown")
        return
    try:
        entities = open_package(bytes(execution["package"]), strict=world.faults.plays("package-checks"))
        _load(world, number, entities)
    except PackageError as error:
        execution_states.refuse(world, number, str(error))
    except Exception:
        execution_states.refuse(world, number, "The sandbox itself failed; its log says why.")
        raise


def _load(world: World, number: int, entities: list[PackageEntity]) -> None:
    seconds = float(world.faults.mode("import_seconds") or 0)
    execution: Any = world.store.row("SELECT * FROM executions WHERE id = ?", (number,))
    for position, entity in enumerate(entities):
        loader = Loader.of(world, execution, position, entity, seconds / len(entities))
        if not loader.load():
            return
    if execution_states.wait(world, number, execution["started"] + seconds):
        execution_states.close(world, number)
