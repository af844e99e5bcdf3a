"""Many rows of one table in one call. On standard tables such a call is carried out as a whole, or not at all."""

from collections.abc import Mapping, Sequence
from typing import Any

from .dataverse import DataverseClient
from .errors import InDoubt
from .odata import object_of
from .rules.dataverse import Table

MOST = 1000


def create(client: DataverseClient, table: Table, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Create the rows; returns their ids in the same order. InDoubt when the answer was lost: all stand, or none."""
    answer = _call(client, table, "CreateMultiple", rows, repeatable=False)
    ids = object_of(answer, repeatable=False).get("Ids")
    if not isinstance(ids, list) or len(ids) != len(rows):
        raise InDoubt("Dataverse did not name the rows it created.")
    return [str(one) for one in ids]


def update(client: DataverseClient, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Change rows that exist; each names its id in the table's id column. Saying the same twice does no harm."""
    _call(client, table, "UpdateMultiple", rows, repeatable=True)


def upsert(client: DataverseClient, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Change or create rows by id column, or by alternate key in `@odata.id`. Dataverse does not say which was what."""
    _call(client, table, "UpsertMultiple", rows, repeatable=True)


def _call(
    client: DataverseClient, table: Table, message: str, rows: Sequence[Mapping[str, Any]], *, repeatable: bool
) -> Any:
    if not 0 < len(rows) <= MOST:
        raise ValueError(f"between 1 and {MOST} rows in one call, not {len(rows)}")
    kind = f"Microsoft.Dynamics.CRM.{table.logical_name}"
    body = {"Targets": [{"@odata.type": kind, **row} for row in rows]}
    url = client.service.address(f"{table.set_name}/Microsoft.Dynamics.CRM.{message}")
    return client.service.call("POST", url, body=body, refuse=client.refuse, repeatable=repeatable)
