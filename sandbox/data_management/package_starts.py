"""Starting calls of the package API: the address to write to, and the import itself, one unpacking at a time."""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.data_management import importing
from sandbox.finance.sets import FINANCE_SETS
from sandbox.seed import put_row
from sandbox.storage import addresses as blob_addresses
from sandbox.wire import Call, finance_error
from sandbox.world import World

_UNPACKING = threading.Lock()  # of this process: parallel starts are a matter of calls, which a killed process loses
_QUEUE_SECONDS = 600.0
_LONGEST_NAME = 255
_SLICE = 0.1
_GRACE = 3 * _SLICE  # so long an unpacking may still run that a reset has ended
_CONFLICT = (
    "Import to target failed due to an update conflict as more than one process is trying to update the same "
    "record at the same time"
)


def refusal(text: str) -> Exception:
    return finance_error(400, "An error has occurred.", text)


def get_azure_write_url(call: Call, asked: dict[str, Any], user: str) -> Any:
    """A string that itself is JSON, as Finance answers."""
    name = asked.get("uniqueFileName") or ""
    if not name:
        raise refusal("uniqueFileName must be filled in.")
    if len(name) > _LONGEST_NAME or ".." in name or any(sign in "/\\" or not sign.isprintable() for sign in name):
        raise refusal(f"uniqueFileName is the name of a file without a folder, of {_LONGEST_NAME} characters at most.")
    found = {
        "BlobId": "{" + str(uuid.uuid5(uuid.NAMESPACE_URL, name)) + "}",
        "BlobUrl": blob_addresses.write_url(call.world, name),
    }
    return json.dumps(found, separators=(",", ":")) if call.world.faults.plays("write-url") else found


def import_from_package(call: Call, asked: dict[str, Any], user: str) -> str:
    """Answers when the package is unpacked, which may be after the client gave up."""
    request = _request(call, asked, user)
    slow = call.world.faults.plays("slow-unpack")
    with _one_at_a_time(call.world):
        execution_id = importing.accept(call.world, request)
        if slow:
            _unpack(call.world, execution_id)
    return execution_id


def _unpack(world: World, execution_id: str) -> None:
    """Take `unpack_seconds`; a reset of the sandbox ends it at once."""
    end = time.monotonic() + float(world.faults.mode("unpack_seconds") or 0)
    while (left := end - time.monotonic()) > 0:
        if not world.store.row("SELECT 1 FROM executions WHERE execution_id = ?", (execution_id,)):
            return
        time.sleep(min(left, _SLICE))


def import_from_package_async(call: Call, asked: dict[str, Any], user: str) -> str:
    """Answers at once; the package is unpacked in a batch."""
    return importing.accept(call.world, _request(call, asked, user))


def _request(call: Call, asked: dict[str, Any], user: str) -> importing.Request:
    for name in ("packageUrl", "definitionGroupId", "legalEntityId"):
        if not asked.get(name):
            raise refusal(f"The parameter {name} must be filled in.")
    if not asked["overwrite"]:
        raise refusal("overwrite can be false for composite entities only.")
    world, project, legal_entity = call.world, asked["definitionGroupId"], asked["legalEntityId"]
    check_legal_entity(world, legal_entity)
    _check_project(world, project)
    try:
        package = blob_addresses.download(world, asked["packageUrl"])
    except blob_addresses.NotDownloaded as error:
        raise refusal(f"The package could not be downloaded from the given URL: {error}.") from None
    return importing.Request(project, asked.get("executionId") or "", legal_entity, user, package, asked["execute"])


def check_legal_entity(world: World, legal_entity: str) -> None:
    if not world.store.row("SELECT 1 FROM LegalEntities WHERE LegalEntityId = ?", (legal_entity,)):
        raise refusal(f"Legal entity {legal_entity} does not exist.")


def _check_project(world: World, project: str) -> None:
    if world.store.row("SELECT 1 FROM DataManagementDefinitionGroups WHERE Name = ?", (project,)):
        return
    if world.faults.mode("unknown_project") == "reject":
        raise refusal(f"Data project {project} does not exist.")
    put_row(world.store, FINANCE_SETS["DataManagementDefinitionGroups"], {"Name": project})


@contextmanager
def _one_at_a_time(world: World) -> Iterator[None]:
    """The call must not be made on parallel threads: such a call fails, waits or passes, by the mode."""
    mode = world.faults.mode("parallel_starts")
    if mode == "allow":
        yield
        return
    if not _UNPACKING.acquire(timeout=_QUEUE_SECONDS if mode == "queue" else _GRACE):
        raise finance_error(500, "An error has occurred.", _CONFLICT)
    try:
        yield
    finally:
        _UNPACKING.release()
