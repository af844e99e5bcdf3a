"""What is set up in a Dataverse environment for the write-back: visible entities, cloud flows, connections, roles."""

from collections.abc import Iterable, Mapping, Sequence

from . import http
from .dataverse import DataverseClient, read_as
from .errors import Busy, RemoteError
from .rules.dataverse import (
    CatalogEntity,
    CloudFlow,
    ConnectionSlot,
    catalog_entity_of,
    cloud_flow_of,
    connection_slot_of,
    guid,
)
from .rules.entities import VIRTUAL_ENTITIES
from .rules.flows import FLOWS
from .rules.wire import literal, text_of

_CATALOG = "mserp_financeandoperationsentities"
_LOCKED = "failed to acquire lock"
_CLOUD_FLOW = 5
_COLUMNS = "workflowid,name,category,statecode,_ownerid_value,modifiedon"
_DEFINED = f"{_COLUMNS},clientdata"
_TEXT = 100000000
FlowsThere = Mapping[str, CloudFlow]


def create_variable(client: DataverseClient, schema_name: str, display_name: str) -> None:
    """Create an environment variable of type Text, without a value. InDoubt when the answer was lost: look again."""
    body = {"schemaname": schema_name, "displayname": display_name, "type": _TEXT}
    create(client, "environmentvariabledefinitions", body)


def create(client: DataverseClient, table_set: str, row: Mapping[str, object]) -> None:
    """Make one row. InDoubt when the answer was lost: look again before you repeat it."""
    url = client.service.address(table_set)
    client.service.call("POST", url, body=row, refuse=client.refuse, repeatable=False)


def catalog(client: DataverseClient) -> dict[str, CatalogEntity]:
    """The entities of the write-back that Finance offers, by their physical name."""
    options = {
        "$select": "mserp_financeandoperationsentityid,mserp_physicalname,mserp_displayname,mserp_hasbeengenerated",
        "$filter": " or ".join(f"mserp_physicalname eq {literal(name)}" for name in VIRTUAL_ENTITIES),
    }
    rows = client.service.rows(_CATALOG, options, refuse=client.refuse)
    return {entity.physical_name: entity for entity in (read_as(catalog_entity_of, row) for row in rows)}


def catalog_entity(client: DataverseClient, physical_name: str) -> CatalogEntity | None:
    """A Finance entity in "Available finance and operations entities"; None when Finance offers none of that name."""
    found = catalog_entities(client, [physical_name])
    return found[0] if found else None


def catalog_entities(client: DataverseClient, physical_names: Sequence[str]) -> list[CatalogEntity]:
    """Those of these Finance entities that Finance offers to the environment, visible or not."""
    options = {
        "$select": "mserp_financeandoperationsentityid,mserp_physicalname,mserp_displayname,mserp_hasbeengenerated",
        "$filter": " or ".join(f"mserp_physicalname eq {literal(name)}" for name in physical_names),
    }
    rows = client.service.rows(_CATALOG, options, refuse=client.refuse)
    return [read_as(catalog_entity_of, row) for row in rows]


def make_visible(client: DataverseClient, entity: CatalogEntity) -> None:
    """Ask for the virtual table; it appears some time later. Raises Busy while another one is being made."""

    def refuse(answer: http.Answer) -> RemoteError:
        if _LOCKED in answer.reason:
            return Busy(None, answer.reason)
        return client.refuse(answer)

    client.change(f"{_CATALOG}({entity.row_id})", {"mserp_hasbeengenerated": True}, refuse=refuse)


def cloud_flows(client: DataverseClient, name: str = "") -> list[CloudFlow]:
    """The cloud flows of the environment, or those of this name."""
    return _cloud_flows(client, [name] if name else [], _DEFINED)


def documented_flows(client: DataverseClient, names: Iterable[str] = FLOWS, *, defined: bool = True) -> FlowsThere:
    """Those of the write-back's flows that the client sees, by name; without `defined`, their definition is left out.

    An environment may hold hundreds of other flows with long definitions: they are not asked for.
    """
    return {flow.name: flow for flow in _cloud_flows(client, list(names), _DEFINED if defined else _COLUMNS)}


def _cloud_flows(client: DataverseClient, names: Sequence[str], columns: str) -> list[CloudFlow]:
    named = " or ".join(f"name eq {literal(name)}" for name in names)
    options = {"$select": columns, "$filter": f"category eq {_CLOUD_FLOW}" + (f" and ({named})" if named else "")}
    return [read_as(cloud_flow_of, row) for row in client.service.rows("workflows", options, refuse=client.refuse)]


def change_flow(
    client: DataverseClient,
    flow: CloudFlow,
    *,
    owner_id: str = "",
    is_on: bool | None = None,
    client_data: str = "",
) -> None:
    """Give the flow another owner (a system user's id), turn it on or off, save its definition: what is named."""
    body: dict[str, object] = {}
    if owner_id:
        body["ownerid@odata.bind"] = f"systemusers({owner_id})"
    if is_on is not None:
        body["statecode"] = int(is_on)
    if client_data:
        body["clientdata"] = client_data
    if body:
        client.change(f"workflows({flow.row_id})", body)


def connection_slots(client: DataverseClient) -> list[ConnectionSlot]:
    """The connection references of the environment: the slots of its flows."""
    columns = "connectionreferenceid,connectionreferencelogicalname,connectionreferencedisplayname,connectorid"
    options = {"$select": f"{columns},connectionid"}
    rows = client.service.rows("connectionreferences", options, refuse=client.refuse)
    return [read_as(connection_slot_of, row) for row in rows]


def connect_slot(client: DataverseClient, slot: ConnectionSlot, connection_id: str) -> None:
    """Let the reference name a connection, or none with the empty text."""
    client.change(f"connectionreferences({slot.row_id})", {"connectionid": connection_id or None})


def user_id(client: DataverseClient, account: str) -> str:
    """The id of the enabled system user who signs in as `account`; empty when Dataverse knows none."""
    where = f"(domainname eq {literal(account)} or internalemailaddress eq {literal(account)}) and isdisabled eq false"
    options = {"$select": "systemuserid", "$filter": where}
    rows = client.service.rows("systemusers", options, refuse=client.refuse)
    return read_as(lambda row: guid(row, "systemuserid"), rows[0]) if rows else ""


def account_of_user(client: DataverseClient, row_id: str) -> str:
    """The sign-in of the system user with this id; empty for a team, and for whom Dataverse does not know."""
    options = {"$select": "domainname,internalemailaddress", "$filter": f"systemuserid eq {row_id}"}
    rows = client.service.rows("systemusers", options, refuse=client.refuse)
    return next((text_of(row, "domainname") or text_of(row, "internalemailaddress") for row in rows), "")


def roles_of(client: DataverseClient, user_id: str) -> list[str]:
    """The names of a system user's roles."""
    path = f"systemusers({user_id})/systemuserroles_association"
    rows = client.service.rows(path, {"$select": "name"}, refuse=client.refuse)
    return sorted(text_of(row, "name") for row in rows)
