"""What single tables demand beyond types: rights on cubes, connected flows, generated entities, Finance's say."""

import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from sandbox.dataverse.session import Session, invalid
from sandbox.dataverse.sets import CATALOG
from sandbox.dataverse.table import Table
from sandbox.wire import WireError, dataverse_error

CUBE, DIMENSION = "msdyn_xpnacube_", "msdyn_xpnadim_"
_MAY_CHANGE_CUBES = ("System Administrator", "BPP Administrator", "BPP Power User", "BPP Contributor")
_LIMITED = "BPP Limited Contributor"
_LOCKED = "PluginSqlLockManager failed to acquire lock: a virtual entity is being generated or refreshed."


def check_right(session: Session, table: Table, right: str, row_id: str = "") -> None:
    """Writing cubes and dimensions takes a planning role. Raises 403 with the documented sentence."""
    if not table.logical_name.startswith((CUBE, DIMENSION)):
        return
    roles = {
        row[0]
        for row in session.store.rows(
            "SELECT r.name FROM dv_roles r JOIN dv_systemuserroles u ON u.roleid = r.roleid WHERE u.systemuserid = ?",
            (session.user_id,),
        )
    }
    if roles.intersection(_MAY_CHANGE_CUBES) or (_LIMITED in roles and table.logical_name.startswith(CUBE)):
        return
    raise dataverse_error(
        403,
        "0x80040220",
        f"User with id {session.user_id} doesn't have {right}Access right(s) for record with id "
        f"{row_id or '00000000-0000-0000-0000-000000000000'} of entity {table.label}",
    )


def before(session: Session, table: Table, row: dict[str, Any], existing: sqlite3.Row | None) -> dict[str, Any]:
    """What a table makes of the cells to be written; `existing` is the row as it stands."""
    rule = _RULES.get(table.logical_name)
    return rule(session, row, existing) if rule else row


def plugin_error(message: str) -> WireError:
    """The plug-in's envelope: `message` is the last line of Finance's infolog."""
    return dataverse_error(400, "0x80040265", message)


def before_delete(session: Session, table: Table, row_id: str) -> None:
    """A dimension's value that a cube uses stays. Raises 400."""
    if not table.logical_name.startswith(DIMENSION):
        return
    for cube in session.tables:
        for column in cube.columns:
            if column.target != table.logical_name or not cube.logical_name.startswith(CUBE):
                continue
            if session.store.row(f'SELECT 1 FROM "{cube.storage}" WHERE "{column.wire}" = ? LIMIT 1', (row_id,)):
                raise dataverse_error(
                    400,
                    "0x80040227",
                    f"The record of {table.label} cannot be deleted because it is used by {cube.label}.",
                )


# --- environment variables ---


def _variable_value(session: Session, row: dict[str, Any], existing: sqlite3.Row | None) -> dict[str, Any]:
    """A value belongs to a definition and carries its schema name."""
    definition = row.get("_environmentvariabledefinitionid_value") or (
        existing["_environmentvariabledefinitionid_value"] if existing else None
    )
    if definition is None:
        raise invalid("The property EnvironmentVariableDefinitionId of an environmentvariablevalue must be bound.")
    if existing is None and not row.get("schemaname"):
        row["schemaname"] = session.store.value(
            "SELECT schemaname FROM environmentvariabledefinitions WHERE environmentvariabledefinitionid = ?",
            (definition,),
        )
    return row


# --- flows ---


def _flow(session: Session, row: dict[str, Any], existing: sqlite3.Row | None) -> dict[str, Any]:
    """A flow goes on only when every connection reference that it names has a connection."""
    full = {**(dict(existing) if existing else {}), **row}
    if row.get("statecode") == 1:
        if session.call.world.faults.mode("flow_save_first") and not (existing and existing["saved"]):
            raise dataverse_error(400, "0x80060467", "The flow must be saved before it can be turned on.")
        _check_connections(session, str(full.get("clientdata") or "{}"))
    if "statecode" in row:
        row["statuscode"] = {0: 1, 1: 2, 2: 3}[row["statecode"]]
    if "clientdata" in row and existing is not None:
        row["saved"] = 1
    return row


def _check_connections(session: Session, clientdata: str) -> None:
    try:
        references = json.loads(clientdata).get("properties", {}).get("connectionReferences", {})
    except ValueError:
        raise dataverse_error(400, "0x80060467", "The clientdata of the flow is not valid JSON.") from None
    for name, reference in references.items():
        connection = reference.get("connection", {})
        logical = connection.get("connectionReferenceLogicalName", "")
        held = session.store.value(
            "SELECT connectionid FROM dv_connectionreferences WHERE connectionreferencelogicalname = ?", (logical,)
        )
        if held or (not logical and connection.get("name")):
            continue
        api = reference.get("api", {}).get("name", name)
        raise dataverse_error(400, "0x80060467", _refused(session, api, connection.get("name", "")))


def _refused(session: Session, api: str, connection: str) -> str:
    """The text seen in public when a flow's connection is not usable."""
    inner = (
        f"The caller object id is '{session.claims.get('oid', '')}'. Connection "
        f"'/providers/Microsoft.PowerApps/apis/{api}/connections/{connection}' to '{api}' cannot be used to activate "
        "this flow, either because this is not a valid connection or because it is not a connection you have access "
        "permission for. Either replace the connection with a valid connection you can access or have the connection "
        "owner activate the flow, so the connection is shared with you in the context of this flow."
    )
    details = json.dumps({"error": {"code": "ConnectionAuthorizationFailed", "message": inner}}, separators=(",", ":"))
    return f'Flow client error returned with status code "Forbidden" and details "{details}".'


# --- the catalog of Finance entities ---


def _catalog(session: Session, row: dict[str, Any], existing: sqlite3.Row | None) -> dict[str, Any]:
    """Making visible and refreshing generate the table, which takes a while; only one is generated at a time."""
    if existing is None:
        raise invalid("Entities of Finance appear in the catalog by themselves.")
    shows = row.get("mserp_hasbeengenerated") == 1 and not existing["mserp_hasbeengenerated"]
    if row.get("mserp_hasbeengenerated") == 0:
        row["pending"] = 0
    if not shows and row.get("mserp_refresh") != 1:
        return row
    now = time.time()
    busy = session.store.row(
        f"SELECT 1 FROM \"{CATALOG.name}\" WHERE CAST(coalesce(busy_until, '0') AS REAL) > ?", (now,)
    )
    if busy and session.call.world.faults.plays("virtual-entities"):
        raise plugin_error(_LOCKED)
    ready = str(now + float(session.call.world.faults.mode("generation_seconds")))
    row["busy_until"] = ready
    if shows:
        faults = session.call.world.faults
        row["generated_at"] = ready
        row["pending"] = int(faults.plays("virtual-entities") and not faults.mode("flag_early"))
        row["mserp_hasbeengenerated"] = 1 - row["pending"]
    row.pop("mserp_refresh", None)  # a button: it is pressed, and stays up
    return row


_RULES: dict[str, Callable[[Session, dict[str, Any], sqlite3.Row | None], dict[str, Any]]] = {
    "environmentvariablevalue": _variable_value,
    "workflow": _flow,
    "mserp_financeandoperationsentity": _catalog,
}
