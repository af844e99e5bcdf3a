"""The shape of the entity sets that the sandbox serves: names, keys, types, navigation, as the wire contract has them.

A set is declared as text: `*` marks a key, `:Type` a type other than String; a navigation property is
`Name>TargetSet(own=theirs,…)`, with `*` after the set when it leads to many rows.
Each set is one table (or view) whose columns carry the OData names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from sandbox.enums import ENUMS

__all__ = ["DELIMITERS", "ENUMS", "LABELS", "NO_DATE", "EntitySet", "Field", "Navigation", "default_of"]

LABELS = {
    "Amendment": "Revision",
    "SalesForecast": "Demand forecast",
    "PurchForecast": "Supply forecast",
    "OriginalBudget": "Original budget",
    "CarryForwardBudget": "Carry-forward budget",
    "FixedAsset": "Fixed asset",
}
DELIMITERS = {
    "Hyphen": "-",
    "Period": ".",
    "Underscore": "_",
    "Bar": "|",
    "DoubleHyphen": "--",
    "DoublePeriod": "..",
    "DoubleUnderscore": "__",
    "DoubleBar": "||",
    "Tilde": "~",
    "DoubleTilde": "~~",
}
NO_DATE = "1900-01-01T00:00:00Z"
DEFAULTS: dict[str, str | int | None] = {
    "String": "",
    "Decimal": "0",
    "Line": 0,
    "DateTimeOffset": NO_DATE,
    "Int32": 0,
    "Int64": 0,
    "Boolean": 0,
    "Binary": None,
}
COLUMN_TYPES = {
    "Decimal": "TEXT COLLATE DECIMAL",
    "Line": "INTEGER",
    "DateTimeOffset": "TEXT",
    "Int32": "INTEGER",
    "Int64": "INTEGER",
    "Boolean": "INTEGER",
    "Binary": "TEXT",
}
_NAVIGATION = re.compile(r"(?P<name>\w+)>(?P<target>\w+)(?P<many>\*?)\((?P<pairs>[^)]*)\)")


@dataclass(frozen=True)
class Field:
    name: str
    type: str
    is_key: bool

    @property
    def is_enum(self) -> bool:
        return self.type in ENUMS

    @property
    def is_nullable(self) -> bool:
        """Texts, enumerations and binaries can be null, unless they are part of the key; numbers and dates cannot."""
        return not self.is_key and (self.is_enum or self.type in ("String", "Binary"))

    @property
    def column(self) -> str:
        return f'"{self.name}" {COLUMN_TYPES.get(self.type, "TEXT COLLATE NOCASE")}'


@dataclass(frozen=True)
class Navigation:
    name: str
    target: str  # an entity set
    is_collection: bool
    pairs: tuple[tuple[str, str], ...]  # (own property, property of the target)


@dataclass(frozen=True)
class EntitySet:
    name: str
    entity: str  # the name of the entity inside Finance, as error messages use it
    label: str
    declaration: str
    hidden: str = ""  # columns that are stored and never shown over OData
    view: str = ""  # the SELECT of a set that is not a table of its own
    navigation: str = ""
    computed: str = ""  # properties that only Finance sets

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        return {field.name: field for field in map(_field, self.declaration.split())}

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(field.name for field in self.fields.values() if field.is_key)

    @cached_property
    def navigations(self) -> Mapping[str, Navigation]:
        found = (
            Navigation(
                match["name"],
                match["target"],
                bool(match["many"]),
                tuple((own, theirs or own) for own, _, theirs in (p.partition("=") for p in match["pairs"].split(","))),
            )
            for match in _NAVIGATION.finditer(self.navigation)
        )
        return {one.name: one for one in found}

    @property
    def type_name(self) -> str:
        """The entity type: the singular of the set."""
        return self.name[:-3] + "y" if self.name.endswith("ies") else self.name.removesuffix("s")

    @property
    def is_company_scoped(self) -> bool:
        return "dataAreaId" in self.fields

    @property
    def columns(self) -> tuple[Field, ...]:
        return (*self.fields.values(), *map(_field, self.hidden.split()))

    def ddl(self) -> str:
        if self.view:
            return f'DROP VIEW IF EXISTS "{self.name}"; CREATE VIEW "{self.name}" AS {self.view};'
        columns = ", ".join(field.column for field in self.columns)
        keys = ", ".join(f'"{key}"' for key in self.keys)
        return f'CREATE TABLE IF NOT EXISTS "{self.name}" ({columns}, PRIMARY KEY ({keys}));'


def _field(text: str) -> Field:
    name, _, type_name = text.partition(":")
    return Field(name.rstrip("*"), type_name or "String", name.endswith("*"))


def default_of(field: Field) -> str | int | None:
    return ENUMS[field.type][0] if field.is_enum else DEFAULTS.get(field.type, "")
