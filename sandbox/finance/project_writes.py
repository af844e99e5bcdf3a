"""Data projects and their entities, written over OData."""

from typing import Any

from sandbox.access import FinanceUser
from sandbox.data_management.row_fields import RowError, not_found
from sandbox.entities import EntitySet
from sandbox.finance.sets import FINANCE_SETS
from sandbox.seed import put_row
from sandbox.wire import Call

Row = dict[str, Any]
_GROUPS = FINANCE_SETS["DataManagementDefinitionGroups"]
_DETAILS = FINANCE_SETS["DataManagementDefinitionGroupDetails"]


def insert_project(call: Call, user: FinanceUser, row: Row) -> Row:
    return _insert(call, _GROUPS, row)


def update_project(call: Call, user: FinanceUser, found: Row, row: Row) -> None:
    _update(call, _GROUPS, found, row)


def delete_project(call: Call, found: Row) -> None:
    """The project with its entities; what it imported stays."""
    with call.world.store.transaction() as connection:
        connection.execute(
            "DELETE FROM DataManagementDefinitionGroupDetails WHERE DefinitionGroupId = ?", (found["Name"],)
        )
        connection.execute("DELETE FROM DataManagementDefinitionGroups WHERE Name = ?", (found["Name"],))


def insert_detail(call: Call, user: FinanceUser, row: Row) -> Row:
    project = row.get("DefinitionGroupId", "")
    if project and not call.world.store.row("SELECT 1 FROM DataManagementDefinitionGroups WHERE Name = ?", (project,)):
        raise RowError("DefinitionGroupId", not_found(project, "Group name", "Definition group"))
    return _insert(call, _DETAILS, row)


def update_detail(call: Call, user: FinanceUser, found: Row, row: Row) -> None:
    _update(call, _DETAILS, found, row)


def delete_detail(call: Call, found: Row) -> None:
    with call.world.store.transaction() as connection:
        connection.execute(
            "DELETE FROM DataManagementDefinitionGroupDetails WHERE DefinitionGroupId = ? AND EntityName = ?",
            (found["DefinitionGroupId"], found["EntityName"]),
        )


def _insert(call: Call, entity_set: EntitySet, row: Row) -> Row:
    key = {name: row.get(name, "") for name in entity_set.keys}
    for name, value in key.items():
        if value == "":
            raise RowError(name, f"Field '{name}' must be filled in.")
    where = " AND ".join(f'"{name}" = ?' for name in key)
    if call.world.store.row(f'SELECT 1 FROM "{entity_set.name}" WHERE {where}', key.values()):
        raise RowError(entity_set.keys[0], "The record already exists.")
    put_row(call.world.store, entity_set, row)
    return key


def _update(call: Call, entity_set: EntitySet, found: Row, row: Row) -> None:
    put_row(call.world.store, entity_set, {**row, **{name: found[name] for name in entity_set.keys}})
