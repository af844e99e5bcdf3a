"""Finance's catalogue beside OData: /Metadata/DataEntities, PublicEntities, PublicEnumerations (contract 3.4)."""

import re
from typing import Any

from starlette.responses import Response

from sandbox import access
from sandbox.data_management.action_declarations import ACTIONS, BOUND_TO, Action
from sandbox.entities import EntitySet, Field
from sandbox.enums import ENUM_MEMBERS
from sandbox.finance.addresses import not_found
from sandbox.finance.rows import odata_answer
from sandbox.finance.sets import FINANCE_SETS
from sandbox.finance.writes import WRITERS
from sandbox.literals import edm_type
from sandbox.wire import Call

_ADDRESS = re.compile(r"(?P<name>\w+)(?:\((?:\w+=)?'(?P<key>\w+)'\))?")


def handle(call: Call) -> Response:
    """GET /Metadata/<catalogue>, or one of its rows by name."""
    access.finance_user(call)
    match = _ADDRESS.fullmatch(call.parts["catalogue"])
    describe = CATALOGUES.get(match["name"]) if match else None
    if match is None or describe is None:
        raise not_found(call)
    context = f"{call.world.finance_url}/Metadata/$metadata#{match['name']}"
    rows = describe()
    if match["key"] is None:
        return odata_answer(call, {"@odata.context": context, "value": rows})
    found = next((row for row in rows if row["Name"] == match["key"]), None)
    if found is None:
        raise not_found(call)
    return odata_answer(call, {"@odata.context": f"{context}/$entity", **found})


def _data_entities() -> list[dict[str, Any]]:
    return [
        {
            "Name": entity_set.entity,
            "PublicEntityName": entity_set.type_name,
            "PublicCollectionName": entity_set.name,
            "LabelId": None,
            "LabelText": entity_set.label,
            "DataServiceEnabled": True,
            "DataManagementEnabled": True,
            "EntityCategory": "Transaction" if name in WRITERS else "Master",
            "IsReadOnly": name not in WRITERS,
        }
        for name, entity_set in FINANCE_SETS.items()
    ]


def _public_entities() -> list[dict[str, Any]]:
    return [
        {
            "Name": entity_set.type_name,
            "EntitySetName": name,
            "LabelId": None,
            "IsReadOnly": name not in WRITERS,
            "ConfigurationEnabled": True,
            "Properties": [_property(entity_set, field) for field in entity_set.fields.values()],
            "NavigationProperties": _navigations(entity_set),
            "PropertyGroups": [],
            "Actions": [_action(action) for action in ACTIONS] if name == BOUND_TO else [],
        }
        for name, entity_set in FINANCE_SETS.items()
    ]


def _property(entity_set: EntitySet, field: Field) -> dict[str, Any]:
    computed = field.name in entity_set.computed.split()
    return {
        "Name": field.name,
        "TypeName": edm_type(field),
        "DataType": "Enum" if field.is_enum else edm_type(field).removeprefix("Edm."),
        "LabelId": None,
        "IsKey": field.is_key,
        "IsMandatory": field.is_key,
        "ConfigurationEnabled": True,
        "AllowEdit": entity_set.name in WRITERS and not field.is_key and not computed,
        "AllowEditOnCreate": entity_set.name in WRITERS and not computed,
        "IsDimension": False,
    }


def _navigations(entity_set: EntitySet) -> list[dict[str, Any]]:
    return [
        {
            "Name": one.name,
            "RelatedEntity": FINANCE_SETS[one.target].type_name,
            "Cardinality": "Multiple" if one.is_collection else "Single",
            "Constraints": [{"Property": own, "ReferencedProperty": theirs} for own, theirs in one.pairs],
        }
        for one in entity_set.navigations.values()
    ]


def _action(action: Action) -> dict[str, Any]:
    return {
        "Name": action.name,
        "BindingKind": "BoundToEntitySet",
        "Parameters": [
            {"Name": one.name, "Type": {"TypeName": one.type, "IsCollection": False}} for one in action.parameters
        ],
        "ReturnType": {"TypeName": f"Edm.{action.returns}", "IsCollection": action.returns == "Collection"},
    }


def _public_enumerations() -> list[dict[str, Any]]:
    return [
        {
            "Name": name,
            "LabelId": None,
            "Members": [
                {"Name": member, "Value": value, "LabelId": None, "ConfigurationEnabled": True}
                for member, value in members.items()
            ],
        }
        for name, members in ENUM_MEMBERS.items()
    ]


CATALOGUES = {
    "DataEntities": _data_entities,
    "PublicEntities": _public_entities,
    "PublicEnumerations": _public_enumerations,
}
