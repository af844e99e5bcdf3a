"""$metadata (CSDL 4.0) and the service document of Finance, made from the declarations of the sets."""

from functools import cache
from xml.etree import ElementTree as ET

from starlette.responses import Response

from sandbox import access
from sandbox.data_management.action_declarations import ACTIONS, BOUND_TO, ENTITY_STATUS, ENTITY_STATUS_FIELDS, Action
from sandbox.entities import EntitySet, Field, Navigation
from sandbox.enums import ENUM_MEMBERS, NAMESPACE
from sandbox.finance.rows import odata_answer
from sandbox.finance.sets import FINANCE_SETS
from sandbox.literals import edm_type
from sandbox.wire import Call

_EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM = "http://docs.oasis-open.org/odata/ns/edm"
_CORE = "Org.OData.Core.V1"
_CORE_ADDRESS = "https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Core.V1.xml"


def document(call: Call) -> Response:
    """GET /data/$metadata."""
    access.finance_user(call)
    return Response(csdl(), 200, {"content-type": "application/xml; charset=utf-8"})


def service(call: Call) -> Response:
    """GET /data: the names and addresses of all sets."""
    access.finance_user(call)
    sets = [{"name": name, "kind": "EntitySet", "url": name} for name in sorted(FINANCE_SETS)]
    return odata_answer(call, {"@odata.context": f"{call.world.finance_url}/data/$metadata", "value": sets})


@cache
def csdl() -> bytes:
    """The document, built once: the declarations do not change while the program runs."""
    root = ET.Element("edmx:Edmx", {"Version": "4.0", "xmlns:edmx": _EDMX})
    reference = ET.SubElement(root, "edmx:Reference", {"Uri": _CORE_ADDRESS})
    ET.SubElement(reference, "edmx:Include", {"Namespace": _CORE, "Alias": "Core"})
    schema = ET.SubElement(ET.SubElement(root, "edmx:DataServices"), "Schema", {"Namespace": NAMESPACE, "xmlns": _EDM})
    for name, members in ENUM_MEMBERS.items():
        enum = ET.SubElement(schema, "EnumType", {"Name": name})
        for member, value in members.items():
            ET.SubElement(enum, "Member", {"Name": member, "Value": str(value)})
    for entity_set in FINANCE_SETS.values():
        _entity_type(schema, entity_set)
    _actions(schema)
    _container(schema)
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _entity_type(schema: ET.Element, entity_set: EntitySet) -> None:
    element = ET.SubElement(schema, "EntityType", {"Name": entity_set.type_name})
    key = ET.SubElement(element, "Key")
    for name in entity_set.keys:
        ET.SubElement(key, "PropertyRef", {"Name": name})
    computed = entity_set.computed.split()
    for field in entity_set.fields.values():
        _property(element, field, is_computed=field.name in computed)
    for navigation in entity_set.navigations.values():
        _navigation(element, navigation)


def _property(element: ET.Element, field: Field, *, is_computed: bool) -> None:
    attributes = {"Name": field.name, "Type": edm_type(field)}
    if not field.is_nullable:
        attributes["Nullable"] = "false"
    if attributes["Type"] == "Edm.Decimal":
        attributes["Scale"] = "variable"
    made = ET.SubElement(element, "Property", attributes)
    if is_computed:
        ET.SubElement(made, "Annotation", {"Term": f"{_CORE}.Computed", "Bool": "true"})


def _navigation(element: ET.Element, navigation: Navigation) -> None:
    target = f"{NAMESPACE}.{FINANCE_SETS[navigation.target].type_name}"
    kind = f"Collection({target})" if navigation.is_collection else target
    ET.SubElement(element, "NavigationProperty", {"Name": navigation.name, "Type": kind})


def _actions(schema: ET.Element) -> None:
    status = ET.SubElement(schema, "ComplexType", {"Name": ENTITY_STATUS})
    for name, kind in ENTITY_STATUS_FIELDS:
        ET.SubElement(status, "Property", {"Name": name, "Type": f"Edm.{kind}"})
    bound = f"Collection({NAMESPACE}.{FINANCE_SETS[BOUND_TO].type_name})"
    for action in ACTIONS:
        element = ET.SubElement(schema, "Action", {"Name": action.name, "IsBound": "true"})
        ET.SubElement(element, "Parameter", {"Name": "bindingParameter", "Type": bound, "Nullable": "false"})
        for one in action.parameters:
            nullable = {} if one.is_nullable else {"Nullable": "false"}
            ET.SubElement(element, "Parameter", {"Name": one.name, "Type": one.type} | nullable)
        ET.SubElement(element, "ReturnType", {"Type": _returned(action)})


def _returned(action: Action) -> str:
    return f"Collection({NAMESPACE}.{ENTITY_STATUS})" if action.returns == "Collection" else f"Edm.{action.returns}"


def _container(schema: ET.Element) -> None:
    container = ET.SubElement(schema, "EntityContainer", {"Name": "Resources"})
    for entity_set in FINANCE_SETS.values():
        element = ET.SubElement(
            container, "EntitySet", {"Name": entity_set.name, "EntityType": f"{NAMESPACE}.{entity_set.type_name}"}
        )
        for navigation in entity_set.navigations.values():
            ET.SubElement(element, "NavigationPropertyBinding", {"Path": navigation.name, "Target": navigation.target})
