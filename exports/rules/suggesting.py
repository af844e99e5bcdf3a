"""Which column a target most likely means: by the same name only; a person sees what was suggested and why."""

from collections.abc import Mapping, Sequence

from .checking import CubeFacts
from .configuration import AMOUNT, AMOUNT_TYPE, MAIN_ACCOUNT, Kind, Source, Target

ALIASES = {MAIN_ACCOUNT: ("mainaccount", "account"), AMOUNT_TYPE: ("amounttype", "accounttype")}


def _plain(name: str) -> str:
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def suggest(targets: Sequence[Target], cube: CubeFacts, keys: Mapping[str, str]) -> dict[str, Source]:
    """Target → source for targets that have a namesake in the cube. `keys`: dimension name → its key column."""
    by_name = {_plain(dimension): column for dimension, column in keys.items()}
    found = {}
    for target in targets:
        if target.kind is Kind.AMOUNT:
            if len(cube.drivers) == 1:
                found[AMOUNT] = Source(column=cube.drivers[0])
        elif target.kind in (Kind.DIMENSION, Kind.AMOUNT_TYPE):
            names = ALIASES.get(target.name, (_plain(target.name),))
            column = next((by_name[name] for name in names if name in by_name), None)
            if column and cube.columns.get(column) == "text":
                found[target.name] = Source(column=column)
    return found
