"""What a Dataverse table is: columns, alternate keys, navigation, and the SQL that stores and shows it."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

from sandbox.entities import Field

# kind of a column → the type that filters and readers know, and the type of the stored cell
_TYPES = {
    "String": ("String", "TEXT COLLATE NOCASE"),
    "Memo": ("String", "TEXT COLLATE NOCASE"),
    "Uniqueidentifier": ("Guid", "TEXT COLLATE NOCASE"),
    "Lookup": ("Guid", "TEXT COLLATE NOCASE"),
    "Owner": ("Guid", "TEXT COLLATE NOCASE"),
    "Integer": ("Int32", "INTEGER"),
    "BigInt": ("Int64", "INTEGER"),
    "Picklist": ("Int32", "INTEGER"),
    "State": ("Int32", "INTEGER"),
    "Status": ("Int32", "INTEGER"),
    "Boolean": ("Boolean", "INTEGER"),
    "Decimal": ("Decimal", "TEXT COLLATE DECIMAL"),
    "Double": ("Decimal", "TEXT COLLATE DECIMAL"),
    "DateTime": ("DateTimeOffset", "TEXT"),
    "DateOnly": ("Date", "TEXT"),
}
_LOGICAL = re.compile(r"^[a-z][a-z0-9_]{0,127}$")


@dataclass(frozen=True)
class Option:
    value: int
    label: str
    external: str = ""  # the member's name in Finance, for the enums of virtual tables


@dataclass(frozen=True)
class Column:
    """`sql` makes a computed column, which is never written; `column_of` names the lookup whose name it shows."""

    name: str
    kind: str = "String"
    target: str = ""  # logical name of the table that a lookup points at
    navigation: str = ""
    options: tuple[Option, ...] = ()
    schema_name: str = ""
    label: str = ""
    length: int = 0
    precision: int | None = None
    minimum: str = ""
    maximum: str = ""
    required: bool = False
    sql: str = ""
    column_of: str = ""

    @property
    def is_lookup(self) -> bool:
        return self.kind in ("Lookup", "Owner")

    @property
    def wire(self) -> str:
        """The name of the property on the wire, and of the stored cell."""
        return f"_{self.name}_value" if self.is_lookup else self.name

    @property
    def field(self) -> Field:
        return Field(self.wire, _TYPES[self.kind][0], False)

    @property
    def ddl(self) -> str:
        return f'"{self.wire}" {_TYPES[self.kind][1]}'

    def label_of(self, value: Any) -> str | None:
        return next((option.label for option in self.options if option.value == value), None)


@dataclass(frozen=True)
class Key:
    """An alternate key; its index is good from `active_at` on."""

    name: str
    columns: tuple[str, ...]
    active_at: float = 0.0


@dataclass(frozen=True)
class Collection:
    """A collection of related rows: those of `target` whose `column` points here, or linked through a third table."""

    name: str
    target: str
    column: str
    through: str = ""


@dataclass(frozen=True)
class Table:
    logical_name: str
    set_name: str
    storage: str
    label: str
    columns: tuple[Column, ...]
    primary_name: str = ""
    keys: tuple[Key, ...] = ()
    collections: tuple[Collection, ...] = ()
    schema_name: str = ""
    entity: str = ""  # of a virtual table: the entity's name in Finance
    is_custom: bool = False

    @cached_property
    def primary_id(self) -> str:
        return next(column.name for column in self.columns if column.kind == "Uniqueidentifier")

    @cached_property
    def by_wire(self) -> Mapping[str, Column]:
        return {column.wire: column for column in self.columns}

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        return {column.wire: column.field for column in self.columns}

    @cached_property
    def navigations(self) -> Mapping[str, Column]:
        """Single-valued navigation properties, by their name in lower case: clients write them in any casing."""
        return {(c.navigation or c.name).lower(): c for c in self.columns if c.is_lookup}

    @property
    def type_name(self) -> str:
        return f"Microsoft.Dynamics.CRM.{self.logical_name}"

    @property
    def stored(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if not column.sql)

    @cached_property
    def source(self) -> str:
        """What a SELECT reads from: the stored table, with its computed columns."""
        computed = [f'{column.sql} AS "{column.wire}"' for column in self.columns if column.sql]
        if self.entity:
            return f'(SELECT {", ".join(computed)} FROM "{self.storage}" t)'
        return f'(SELECT {", ".join(["t.*", *computed])} FROM "{self.storage}" t)' if computed else f'"{self.storage}"'

    def ddl(self) -> list[str]:
        columns = [column.ddl for column in self.stored]
        made = [
            f'CREATE TABLE IF NOT EXISTS "{self.storage}" ({", ".join(columns)}, "versionnumber" INTEGER, '
            f'PRIMARY KEY ("{self.primary_id}"))'
        ]
        return made + [self.index(key) for key in self.keys]

    def index(self, key: Key) -> str:
        columns = ", ".join(f'"{name}"' for name in key.columns)
        return f'CREATE UNIQUE INDEX IF NOT EXISTS "{self.storage}_{key.name}" ON "{self.storage}" ({columns})'

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    def changed(self, **changes: Any) -> "Table":
        return replace(self, **changes)


@lru_cache(maxsize=256)
def from_json(text: str) -> Table:
    found = json.loads(text)
    return Table(
        **{
            **found,
            "columns": tuple(
                Column(**{**column, "options": tuple(Option(**option) for option in column["options"])})
                for column in found["columns"]
            ),
            "keys": tuple(Key(**{**key, "columns": tuple(key["columns"])}) for key in found["keys"]),
            "collections": tuple(Collection(**collection) for collection in found["collections"]),
        }
    )


def is_logical_name(text: str) -> bool:
    return bool(_LOGICAL.match(text))


def plural(logical_name: str) -> str:
    """The set name that Dataverse gives a table: company → companies, address → addresses, cube → cubes."""
    if logical_name.endswith("y") and logical_name[-2:-1] not in tuple("aeiou"):
        return f"{logical_name[:-1]}ies"
    return f"{logical_name}es" if logical_name.endswith(("s", "x", "z", "ch", "sh")) else f"{logical_name}s"


def name_column(lookup: Column, target: Table) -> str:
    """SQL that shows the primary name of the row a lookup of `t` points at."""
    return (
        f'(SELECT n."{target.primary_name}" FROM "{target.storage}" n '
        f'WHERE n."{target.primary_id}" = t."{lookup.wire}") COLLATE NOCASE'
    )
