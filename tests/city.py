"""The city's own file, recounted with csv and Decimal: what must stand in Finance. No code of the product."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path

CITY = Path(__file__).parents[1] / "samples" / "oakland" / "facts.csv"
Key = tuple[str, str, str, str]


def city_rows(keep: Callable[[dict[str, str]], bool] = lambda row: True) -> list[dict[str, str]]:
    """The complete records of the file that `keep` keeps."""
    with CITY.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["amount"] and keep(row)]


def recomputed(rows: Iterable[dict[str, str]]) -> dict[Key, Decimal]:
    """(dimension value, date, type, currency) → sum."""
    found: dict[Key, Decimal] = defaultdict(Decimal)
    for row in rows:
        value = "|".join((row["account_category"], row["department"], row["fund_code"]))
        found[value, "2021-07-01", row["account_type"], "USD"] += Decimal(row["amount"])
    return dict(found)


def fire_police_finance(row: dict[str, str]) -> bool:
    return row["account_type"] == "Expense" and row["department"] in ("Fire", "Police", "Finance")
