"""How metadata look on the wire: a table, a column with its type and options, a key, a relationship."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.dataverse.table import Collection, Column, Key, Table
from sandbox.identifiers import guid

_TYPE_NAMES = {"DateOnly": "DateTime", "Memo": "Memo"}
_LANGUAGE = 1033


def label(text: str) -> dict[str, Any]:
    if not text:
        return {"LocalizedLabels": [], "UserLocalizedLabel": None}
    one = {"Label": text, "LanguageCode": _LANGUAGE, "IsManaged": False}
    return {"LocalizedLabels": [one], "UserLocalizedLabel": one}


def definition(table: Table) -> dict[str, Any]:
    return {
        "MetadataId": guid("table", table.logical_name),
        "LogicalName": table.logical_name,
        "SchemaName": table.schema_name or table.logical_name,
        "EntitySetName": table.set_name,
        "LogicalCollectionName": table.set_name,
        "PrimaryIdAttribute": table.primary_id,
        "PrimaryNameAttribute": table.primary_name,
        "DisplayName": label(table.label),
        "DisplayCollectionName": label(f"{table.label}s"),
        "Description": label(""),
        "TableType": "Virtual" if table.entity else "Standard",
        "OwnershipType": "UserOwned" if "_ownerid_value" in table.by_wire else "OrganizationOwned",
        "ExternalName": table.entity or None,
        "IsPrivate": False,
        "IsCustomEntity": table.is_custom or bool(table.entity),
        "IsActivity": False,
        "IsIntersect": False,
        "IsManaged": not table.is_custom,
        "Attributes": [attribute(table)(column) for column in table.columns],
        "Keys": [key_shape(table, key, 0) for key in table.keys],
    }


def attribute(table: Table) -> Callable[[Column], dict[str, Any]]:
    def shaped(column: Column) -> dict[str, Any]:
        kind = _TYPE_NAMES.get(column.kind, column.kind)
        found: dict[str, Any] = {
            "@odata.type": f"#Microsoft.Dynamics.CRM.{_class(kind)}AttributeMetadata",
            "MetadataId": guid("column", table.logical_name, column.name),
            "LogicalName": column.name,
            "SchemaName": column.schema_name or column.name,
            "EntityLogicalName": table.logical_name,
            "AttributeType": kind,
            "AttributeTypeName": {"Value": f"{kind}Type"},
            "DisplayName": label(column.label or column.name),
            "Description": label(""),
            "RequiredLevel": {"Value": "ApplicationRequired" if column.required else "None"},
            "IsPrimaryId": column.name == table.primary_id,
            "IsPrimaryName": column.name == table.primary_name,
            "IsCustomAttribute": table.is_custom,
            "AttributeOf": column.column_of or None,
        }
        return found | _limits(column) | _choices(column)

    return shaped


def _class(kind: str) -> str:
    return {"Owner": "Lookup", "Uniqueidentifier": "UniqueIdentifier"}.get(kind, kind)


def _limits(column: Column) -> dict[str, Any]:
    if column.kind in ("String", "Memo"):
        return {"MaxLength": column.length or 4000, "FormatName": {"Value": "Text"}}
    if column.kind in ("Integer", "Decimal", "Double"):
        found: dict[str, Any] = {"MinValue": _number(column.minimum), "MaxValue": _number(column.maximum)}
        return found | ({"Precision": column.precision} if column.kind != "Integer" else {})
    if column.kind in ("DateOnly", "DateTime"):
        return {"Format": "DateOnly" if column.kind == "DateOnly" else "DateAndTime"}
    return {"Targets": [column.target]} if column.is_lookup else {}


def _number(text: str) -> Decimal | None:
    return Decimal(text) if text else None


def _choices(column: Column) -> dict[str, Any]:
    if column.kind not in ("Picklist", "State", "Status"):
        return {}
    options = [
        {"Value": option.value, "Label": label(option.label), "ExternalValue": option.external or None}
        for option in column.options
    ]
    return {"OptionSet": {"Name": column.name, "IsGlobal": False, "OptionSetType": column.kind, "Options": options}}


def key_shape(table: Table, key: Key, now: float) -> dict[str, Any]:
    """`EntityKeyIndexStatus` is Pending until the index is built."""
    return {
        "MetadataId": guid("key", table.logical_name, key.name),
        "LogicalName": key.name.lower(),
        "SchemaName": key.name,
        "DisplayName": label(key.name),
        "KeyAttributes": [re.sub(r"^_(.*)_value$", r"\1", name) for name in key.columns],
        "EntityKeyIndexStatus": "Pending" if now and key.active_at > now else "Active",
    }


def lookup_relation(table: Table, column: Column) -> dict[str, Any]:
    name = f"{column.target}_{table.logical_name}_{column.name}"
    return {
        "MetadataId": guid("relationship", name),
        "SchemaName": name,
        "RelationshipType": "OneToManyRelationship",
        "ReferencingEntity": table.logical_name,
        "ReferencingAttribute": column.name,
        "ReferencingEntityNavigationPropertyName": column.navigation or column.name,
        "ReferencedEntity": column.target,
        "ReferencedEntityNavigationPropertyName": name,
    }


def collection_relation(table: Table, collection: Collection) -> dict[str, Any]:
    return {
        "MetadataId": guid("relationship", collection.name),
        "SchemaName": collection.name,
        "RelationshipType": "ManyToManyRelationship",
        "Entity1LogicalName": table.logical_name,
        "Entity2LogicalName": collection.target,
        "IntersectEntityName": collection.through.removeprefix("dv_"),
    }


def column_of(table: Table, key: str) -> Column | None:
    """A column by `LogicalName='…'` or by its metadata id."""
    logical = key.removeprefix("LogicalName=").strip("'").lower()
    return next(
        (c for c in table.columns if c.name == logical or guid("column", table.logical_name, c.name) == key.lower()),
        None,
    )
