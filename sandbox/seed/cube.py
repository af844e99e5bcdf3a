"""A published cube: three dimensions of the seed's own values, and one fact for each combination of them."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sandbox.dataverse.definitions import custom_table, save
from sandbox.dataverse.table import Column, Key, Table, name_column
from sandbox.identifiers import guid
from sandbox.store import Store

MOMENT = "2021-06-01T08:00:00Z"
DIMENSIONS = ("account", "department", "fund")
FUNDS = 12  # 39 accounts × 27 departments × 12 funds = 12,636 facts, three pages


def dimension(name: str) -> Table:
    columns = (
        Column("msdyn_name", length=200, label="Name", required=True),
        Column("msdyn_description", length=200, label="Description"),
        *((Column("msdyn_accounttype", length=100, label="Account type"),) if name == "account" else ()),
    )
    return custom_table(
        f"msdyn_xpnadim_{name}",
        columns,
        "msdyn_name",
        label=name.capitalize(),
        keys=(Key("NameKey", ("msdyn_name",)),),
    )


def cube(name: str, dimensions: Sequence[Table]) -> Table:
    columns: list[Column] = [Column(f"msdyn_xpnacube_{name}_name", length=200, label="Name")]
    for target in dimensions:
        lookup = Column(target.logical_name, "Lookup", target=target.logical_name, label=target.label)
        readable = Column(
            f"{target.logical_name}name", sql=name_column(lookup, target), column_of=lookup.name, label=target.label
        )
        columns += [lookup, readable]
    columns += [
        Column("msdyn_date", "DateOnly", label="Date"),
        Column("msdyn_amount", "Decimal", label="Amount", precision=2, minimum="-100000000000", maximum="100000000000"),
    ]
    return custom_table(
        f"msdyn_xpnacube_{name}",
        tuple(columns),
        f"msdyn_xpnacube_{name}_name",
        label=f"{name} cube",
        keys=(Key("DimensionSetAltKey", tuple(f"_{target.logical_name}_value" for target in dimensions)),),
    )


def fill(store: Store) -> None:
    tables = [dimension(name) for name in DIMENSIONS]
    facts = cube("opexplan", tables)
    for table in (*tables, facts):
        save(store, table)
    accounts = store.rows(
        "SELECT MainAccountId, Name, MainAccountType FROM MainAccounts WHERE ChartOfAccounts = 'Shared' ORDER BY 1"
    )
    members = {
        name: store.rows(
            "SELECT DimensionValue, Description FROM FinancialDimensionValues "
            "WHERE LegalEntityId = 'USMF' AND FinancialDimension = ? ORDER BY 1",
            (name.capitalize(),),
        )
        for name in DIMENSIONS[1:]
    }
    with store.transaction() as connection:
        _insert(connection, tables[0], ("msdyn_name", "msdyn_description", "msdyn_accounttype"), map(tuple, accounts))
        for table, rows in zip(tables[1:], members.values(), strict=True):
            _insert(connection, table, ("msdyn_name", "msdyn_description"), map(tuple, rows))
        names = (facts.primary_id, *facts.keys[0].columns, "msdyn_date", "msdyn_amount", *_SYSTEM)
        marks = ", ".join("?" * len(names))
        columns = ", ".join(f'"{name}"' for name in names)
        values = _facts(
            tuple(row[0] for row in accounts),
            tuple(row[0] for row in members["department"]),
            tuple(row[0] for row in members["fund"][:FUNDS]),
        )
        connection.executemany(f'INSERT INTO "{facts.storage}" ({columns}) VALUES ({marks})', values)


_SYSTEM = ("createdon", "modifiedon", "statecode", "statuscode", "versionnumber")
_SYSTEM_VALUES = (MOMENT, MOMENT, 0, 1, 1)


def _insert(connection: Any, table: Table, names: Sequence[str], rows: Any) -> None:
    columns = (table.primary_id, *names, *_SYSTEM)
    text = ", ".join(f'"{name}"' for name in columns)
    connection.executemany(
        f'INSERT INTO "{table.storage}" ({text}) VALUES ({", ".join("?" * len(columns))})',
        [(guid(table.logical_name, row[0]), *row, *_SYSTEM_VALUES) for row in rows],
    )


@lru_cache(maxsize=2)
def _facts(accounts: tuple[str, ...], departments: tuple[str, ...], funds: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """One fact for each combination: id, links, month and amount follow from its place, the same in every store."""
    linked = [
        [guid(f"msdyn_xpnadim_{name}", value) for value in values]
        for name, values in zip(DIMENSIONS, (accounts, departments, funds), strict=True)
    ]
    combinations = [(a, d, f) for a in linked[0] for d in linked[1] for f in linked[2]]
    return [
        (
            guid("fact", str(place)),
            *combination,
            f"{2021 + (place % 12 + 6) // 12}-{(place % 12 + 6) % 12 + 1:02}-01",
            f"{place * 7919 % 1_000_000}.{place % 100:02}",
            *_SYSTEM_VALUES,
        )
        for place, combination in enumerate(combinations)
    ]
