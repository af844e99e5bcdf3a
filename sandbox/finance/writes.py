"""Writes over OData: bodies held against their types, then handed to what keeps the rows of the set."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from sandbox import access
from sandbox.data_management.row_fields import RowError
from sandbox.entities import EntitySet
from sandbox.enums import NAMESPACE
from sandbox.finance import project_writes, register_writes
from sandbox.finance.addresses import address_of
from sandbox.finance.rows import Presenter, etag, find, odata_answer
from sandbox.literals import LiteralError, from_json
from sandbox.store import compare_decimals
from sandbox.wire import Call, WireError, finance_error

Row = dict[str, Any]


@dataclass(frozen=True)
class Writer:
    """How rows of one set are kept. `insert` returns the key of the new row. All raise RowError."""

    insert: Callable[[Call, access.FinanceUser, Row], Row]
    update: Callable[[Call, access.FinanceUser, Row, Row], None]
    delete: Callable[[Call, Row], None]
    needs_duty: bool = False


def write(call: Call, user: access.FinanceUser, entity_set: EntitySet, key: Row | None, company: str) -> Response:
    """POST (201 with the row), PATCH (204) or DELETE (204) of one row, in one transaction."""
    writer = WRITERS[entity_set.name]
    access.need_data_management(user, duty=writer.needs_duty)
    with call.world.store.transaction():
        try:
            if key is None:
                return _insert(call, user, entity_set, writer)
            found = _found(call, entity_set, key, company)
            if call.method == "PATCH":
                writer.update(call, user, found, _body(call, entity_set, found))
            else:
                writer.delete(call, found)
            return Response(status_code=204)
        except RowError as error:
            raise write_failed(entity_set, error) from None


def _insert(call: Call, user: access.FinanceUser, entity_set: EntitySet, writer: Writer) -> Response:
    key = writer.insert(call, user, _body(call, entity_set, None))
    row = find(call, entity_set, key)
    address = address_of(call, entity_set, dict(row))
    content = {
        "@odata.context": f"{call.world.finance_url}/data/$metadata#{entity_set.name}/$entity",
        **Presenter(call, entity_set).show(row),
    }
    return odata_answer(call, content, 201, {"Location": address, "OData-EntityId": address})


def _found(call: Call, entity_set: EntitySet, key: Row, company: str) -> Row:
    row = find(call, entity_set, key, company)
    if row is None:
        raise finance_error(404, "An error has occurred.", "No resources were found when selecting for update.")
    wanted = call.headers.get("if-match", "*")
    if wanted != "*" and etag(entity_set, row) not in [tag.strip() for tag in wanted.split(",")]:
        raise finance_error(
            412,
            "An error has occurred.",
            "An update conflict occurred due to another user process deleting the record or changing one or more "
            "fields in the record.",
        )
    return dict(row)


def _body(call: Call, entity_set: EntitySet, found: Row | None) -> Row:
    """The properties of the body in stored form; annotations are left out. 400 for what the type does not allow."""
    kept: Row = {}
    for name, value in call.json().items():
        if "@" in name:
            continue
        field = entity_set.fields.get(name)
        if field is None:
            raise finance_error(
                400,
                "An error has occurred.",
                f"The property '{name}' does not exist on type '{NAMESPACE}.{entity_set.type_name}'. Make sure to only "
                "use property names that are defined by the type.",
            )
        try:
            kept[name] = from_json(field, value)
        except LiteralError as error:
            raise finance_error(400, "An error has occurred.", str(error)) from None
    _keep_closed(entity_set, kept, found)
    return kept


def _keep_closed(entity_set: EntitySet, kept: Row, found: Row | None) -> None:
    """Keys never change, and what only Finance sets is left out of a new row and refused in a change.

    A new entry with another status than that of all new ones is refused as well: nobody shall believe it completed.
    """
    computed = entity_set.computed.split()
    for name in list(kept):
        if found is None and name in computed:
            if name == "Status" and kept[name] != "Draft":
                raise write_failed(entity_set, RowError(name, f"update not allowed for field '{name}'"))
            del kept[name]
        elif found is not None and name in (*computed, *entity_set.keys) and not _same(kept[name], found[name]):
            raise write_failed(entity_set, RowError(name, f"update not allowed for field '{name}'"))


def _same(left: Any, right: Any) -> bool:
    return str(left).lower() == str(right).lower() or compare_decimals(str(left), str(right)) == 0


def write_failed(entity_set: EntitySet, error: RowError) -> WireError:
    """Finance's answer to a row that its rules refuse: the last `Error:` is meant for people."""
    return finance_error(
        400,
        "An error has occurred.",
        f"Write failed for table row of type '{entity_set.entity}'. Infolog: Warning: Validation of field "
        f"'{error.field}' failed; Error: {error.message.rstrip('.')}.",
    )


_PROJECTS = Writer(project_writes.insert_project, project_writes.update_project, project_writes.delete_project)
_DETAILS = Writer(project_writes.insert_detail, project_writes.update_detail, project_writes.delete_detail)
_HEADERS = Writer(register_writes.insert_header, register_writes.update_header, register_writes.delete_header, True)
_LINES = Writer(register_writes.insert_line, register_writes.update_line, register_writes.delete_line, True)
_ENTRIES = Writer(register_writes.insert_entry, register_writes.update_entry, register_writes.delete_line, True)
WRITERS: dict[str, Writer] = {
    "DataManagementDefinitionGroups": _PROJECTS,
    "DataManagementDefinitionGroupDetails": _DETAILS,
    "BudgetRegisterEntryHeaders": _HEADERS,
    "BudgetRegisterEntryLines": _LINES,
    "BudgetRegisterEntries": _ENTRIES,
}
