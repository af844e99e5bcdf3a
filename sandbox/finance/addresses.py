"""Addresses below /data: a set, one row by its key, and what hangs on it."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from sandbox.entities import EntitySet
from sandbox.finance.sets import FINANCE_SETS
from sandbox.literals import LiteralError, from_address, in_address
from sandbox.wire import Call, WireError, finance_error

_QUOTED = r"'(?:[^']|'')*'"
_RESOURCE = re.compile(rf"(?P<set>\w+)(?:\((?P<key>(?:[^'()]|{_QUOTED})*)\))?(?:/(?P<rest>.+))?", re.DOTALL)
_PART = re.compile(rf"\s*(?:(?P<name>\w+)\s*=\s*)?(?P<value>(?:[\w.]+)?{_QUOTED}|[^,'=]+?)\s*(?:,|$)")


@dataclass(frozen=True)
class Resource:
    """What an address means. `key`: property → stored value, or None for the whole set; `rest`: what follows."""

    entity_set: EntitySet
    key: dict[str, str] | None
    rest: str


def resource(call: Call) -> Resource:
    """The resource of a call; 404 for what is not there, 400 for a key that is incomplete or badly written."""
    match = _RESOURCE.fullmatch(call.parts["resource"])
    entity_set = FINANCE_SETS.get(match["set"]) if match else None
    if match is None or entity_set is None:
        raise not_found(call)
    key = None if match["key"] is None else _key(entity_set, match["key"])
    return Resource(entity_set, key, match["rest"] or "")


def _key(entity_set: EntitySet, text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None or match.end() == position:
            raise finance_error(400, f"Bad Request - Error in query syntax: '{text}'.")
        name = match["name"] or entity_set.keys[0]
        if name not in entity_set.keys or name in parts:
            raise finance_error(400, f"'{name}' is not part of the key of '{entity_set.type_name}', or given twice.")
        parts[name] = match["value"]
        position = match.end()
    if len(parts) != len(entity_set.keys):
        raise finance_error(
            400,
            "The number of keys specified in the URI does not match number of key properties for the resource "
            f"'{entity_set.name}'.",
        )
    try:
        return {name: from_address(entity_set.fields[name], parts[name]) for name in entity_set.keys}
    except LiteralError as error:
        raise finance_error(400, str(error)) from None


def address_of(call: Call, entity_set: EntitySet, row: dict[str, object]) -> str:
    """The address of a row by its key."""
    parts = (f"{name}={in_address(entity_set.fields[name], row[name])}" for name in entity_set.keys)
    return f"{call.world.finance_url}/data/{entity_set.name}({quote(','.join(parts), safe=chr(39) + '=,:')})"


def not_found(call: Call) -> WireError:
    """The answer of the routing layer, before OData: a bare message."""
    return WireError(404, {"Message": f"No HTTP resource was found that matches the request URI '{call.path}'."})


def not_allowed(call: Call) -> WireError:
    return WireError(405, {"Message": f"The requested resource does not support http method '{call.method}'."})
