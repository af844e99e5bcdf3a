"""Logical names, as Dataverse takes them: letters, digits and underscores."""

import re
from collections.abc import Collection

LONGEST = 100
_UNUSABLE = re.compile(r"[^a-z0-9_]+")


def logical_name(text: str) -> str:
    """`text` as a logical name: lower case, without what none can hold."""
    return _UNUSABLE.sub("", text.casefold())[:LONGEST]


def free_logical_name(text: str, taken: Collection[str]) -> str:
    """The logical name of `text`, numbered when it is taken, or when nothing of `text` is left after its prefix."""
    base = logical_name(text)
    folded = {name.casefold() for name in taken}
    if base not in folded and not base.endswith("_") and base:
        return base
    base = base[: LONGEST - 6]
    number = 1
    while f"{base}{number}" in folded:
        number += 1
    return f"{base}{number}"
