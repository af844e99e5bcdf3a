"""What the client reads from Dataverse's own tables, as plain values. `…_of` raises ValueError for any other row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .wire import FORMATTED, text_of, whole_of

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class WhoAmI:
    user_id: str
    organization_id: str
    business_unit_id: str


@dataclass(frozen=True)
class Variable:
    """An environment variable; `value_id` is empty while only the default is set."""

    definition_id: str
    value_id: str
    current: str
    default: str

    @property
    def value(self) -> str:
        """What counts: the current value, else the default."""
        return (self.current or self.default).strip()


@dataclass(frozen=True)
class CatalogEntity:
    """One row of "Available finance and operations entities"."""

    row_id: str
    physical_name: str
    display_name: str
    visible: bool


@dataclass(frozen=True)
class CloudFlow:
    """One cloud flow as Dataverse keeps it. `state`: 0 off, 1 on, 2 suspended; `client_data` is its definition.

    `changed_at` is when anything of it was last changed there; None when Dataverse did not say.
    """

    row_id: str
    name: str
    state: int
    owner_id: str
    client_data: str
    owner_name: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True)
class ConnectionSlot:
    """A connection reference: the flow's slot; `connection_id` is empty until somebody connects."""

    row_id: str
    logical_name: str
    display_name: str
    connector_id: str
    connection_id: str


@dataclass(frozen=True)
class Table:
    """One table: logical name, its set in addresses, the names of its primary id and primary name columns."""

    logical_name: str
    set_name: str
    id_column: str
    name_column: str


@dataclass(frozen=True)
class Definition:
    """A table with its columns (logical name → type) and the columns of each alternate key that is in force."""

    table: Table
    columns: Mapping[str, str]
    keys: tuple[frozenset[str], ...]


def guid(row: Mapping[str, Any], field: str) -> str:
    """A row's id in lower case; it goes into addresses, so nothing else is taken. Raises ValueError."""
    value = text_of(row, field).lower()
    if not _GUID.fullmatch(value):
        raise ValueError(f"{field} is not an id")
    return value


def who_of(row: Mapping[str, Any]) -> WhoAmI:
    return WhoAmI(guid(row, "UserId"), guid(row, "OrganizationId"), guid(row, "BusinessUnitId"))


VALUES = "environmentvariabledefinition_environmentvariablevalue"


def variable_of(row: Mapping[str, Any]) -> Variable:
    found = row.get(VALUES)
    first = found[0] if isinstance(found, list) and found else None
    value: Mapping[str, Any] = first if isinstance(first, dict) else {}
    return Variable(
        definition_id=guid(row, "environmentvariabledefinitionid"),
        value_id=guid(value, "environmentvariablevalueid") if value else "",
        current=text_of(value, "value"),
        default=text_of(row, "defaultvalue"),
    )


def catalog_entity_of(row: Mapping[str, Any]) -> CatalogEntity:
    return CatalogEntity(
        row_id=guid(row, "mserp_financeandoperationsentityid"),
        physical_name=text_of(row, "mserp_physicalname"),
        display_name=text_of(row, "mserp_displayname"),
        visible=row.get("mserp_hasbeengenerated") is True,
    )


def cloud_flow_of(row: Mapping[str, Any]) -> CloudFlow:
    return CloudFlow(
        row_id=guid(row, "workflowid"),
        name=text_of(row, "name"),
        state=whole_of(row.get("statecode")),
        owner_id=text_of(row, "_ownerid_value"),
        client_data=text_of(row, "clientdata"),
        owner_name=text_of(row, f"_ownerid_value{FORMATTED}"),
        changed_at=_moment_of(row.get("modifiedon")),
    )


def _moment_of(value: Any) -> datetime | None:
    """Only shown, so what is no instant counts as none."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def connection_slot_of(row: Mapping[str, Any]) -> ConnectionSlot:
    return ConnectionSlot(
        row_id=guid(row, "connectionreferenceid"),
        logical_name=text_of(row, "connectionreferencelogicalname"),
        display_name=text_of(row, "connectionreferencedisplayname"),
        connector_id=text_of(row, "connectorid"),
        connection_id=text_of(row, "connectionid"),
    )


def table_of(row: Mapping[str, Any]) -> Table:
    table = Table(*(text_of(row, name) for name in TABLE_FIELDS))
    if not table.set_name.isidentifier() or not table.id_column:
        raise ValueError("not a table")
    return table


def definition_of(row: Mapping[str, Any]) -> Definition:
    columns = {text_of(item, "LogicalName"): text_of(item, "AttributeType") for item in _items(row, "Attributes")}
    keys = [item for item in _items(row, "Keys") if item.get("EntityKeyIndexStatus") == "Active"]
    return Definition(
        table_of(row), columns, tuple(frozenset(map(str, key.get("KeyAttributes") or ())) for key in keys)
    )


def _items(row: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = row.get(name)
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ValueError(f"{name} is no list")
    return found


TABLE_FIELDS = ("LogicalName", "EntitySetName", "PrimaryIdAttribute", "PrimaryNameAttribute")
