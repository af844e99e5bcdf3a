"""Messages that write many rows: all of them or none."""

import json
import uuid
from typing import Any

from sandbox.dataverse.keys import Found, find, parse_address
from sandbox.dataverse.session import Session, invalid, missing_row
from sandbox.dataverse.table import Table
from sandbox.dataverse.write import change, create, delete_row

_PARAMETERS = "An error occurred while validating input parameters: Microsoft.OData.ODataException: "


def targets(table: Table, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a multiple message. Raises 400 when they do not say what they are."""
    rows = body.get("Targets")
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise invalid(f"{_PARAMETERS}The parameter Targets must be a collection of at least one {table.type_name}.")
    for row in rows:
        kind = str(row.get("@odata.type", "")).removeprefix("#")
        if not kind:
            raise invalid(
                f"{_PARAMETERS}A resource without a type name was found, but no expected type was specified. To allow "
                "entries without type information, the expected type must also be specified when the model is "
                "specified."
            )
        if kind != table.type_name:
            raise invalid(f"{_PARAMETERS}The type '{kind}' is not '{table.type_name}', which this message is for.")
    return rows


def create_multiple(session: Session, table: Table, body: dict[str, Any]) -> list[str]:
    with session.store.transaction():
        return [create(session, table, row) for row in targets(table, body)]


def update_multiple(session: Session, table: Table, body: dict[str, Any]) -> None:
    with session.store.transaction():
        for row in targets(table, body):
            found = _addressed(session, table, row)
            if found is None or found.row is None:
                raise missing_row(table, found.row_id if found else "00000000-0000-0000-0000-000000000000")
            change(session, table, row, found.row)


def upsert_multiple(session: Session, table: Table, body: dict[str, Any]) -> None:
    with session.store.transaction():
        for row in targets(table, body):
            found = _addressed(session, table, row)
            if found is None or found.row is None:
                create(session, table, row, found)
            else:
                change(session, table, row, found.row)


def _addressed(session: Session, table: Table, row: dict[str, Any]) -> Found | None:
    """The row that a target means: by `@odata.id`, or by the primary key among its properties."""
    if "@odata.id" in row:
        address = parse_address(str(row["@odata.id"]))
        if address is None or address.set_name != table.set_name:
            raise invalid(f"{_PARAMETERS}'{row['@odata.id']}' is not the address of a row of {table.set_name}.")
        return find(session, table, address.key)
    return find(session, table, str(row[table.primary_id])) if row.get(table.primary_id) else None


def bulk_delete(session: Session, body: dict[str, Any]) -> str:
    """BulkDelete of the rows that a QueryExpression names by `In` or `Equal`; the id of the job, which has run."""
    for query in body.get("QuerySet") or [{}]:
        table = session.tables.by_name.get(str(query.get("EntityName", "")))
        conditions = (query.get("Criteria") or {}).get("Conditions") or []
        if table is None or not conditions:
            raise invalid(f"{_PARAMETERS}BulkDelete needs a QuerySet with an EntityName and conditions.")
        with session.store.transaction():
            for row_id in _matching(session, table, conditions):
                delete_row(session, table, row_id)
    return str(uuid.uuid4())


def _matching(session: Session, table: Table, conditions: list[dict[str, Any]]) -> list[str]:
    where, parameters = [], []
    for condition in conditions:
        name, values = str(condition.get("AttributeName", "")), [v["Value"] for v in condition.get("Values", [])]
        if name not in table.by_wire or condition.get("Operator") not in ("In", "Equal"):
            raise invalid(f"{_PARAMETERS}The condition {json.dumps(condition)[:200]} is not supported.")
        where.append(f'"{name}" IN ({", ".join("?" * len(values))})')
        parameters += values
    rows = session.store.rows(
        f'SELECT "{table.primary_id}" FROM {table.source} WHERE {" AND ".join(where)}', parameters
    )
    return [str(row[0]) for row in rows]
