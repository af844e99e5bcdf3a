"""`$filter`, `$select` and `$expand` over definitions, which take less than rows do."""

from collections.abc import Callable
from typing import Any

from odata_query import ast

from sandbox.dataverse.session import Session, invalid, not_supported
from sandbox.odata import QueryError, _tree


def listed(session: Session, items: list[dict[str, Any]], name: str) -> dict[str, Any]:
    condition = _condition(session.call.query.get("$filter", ""))
    shown = [_selected(session, item) for item in items if condition(item)]
    return {"@odata.context": f"{session.base}/$metadata#{name}", "value": shown}


def single(session: Session, item: dict[str, Any], name: str) -> dict[str, Any]:
    return {"@odata.context": f"{session.base}/$metadata#{name}/$entity", **_selected(session, item)}


def _selected(session: Session, item: dict[str, Any]) -> dict[str, Any]:
    expand = session.call.query.get("$expand", "")
    names = [name.strip() for name in session.call.query.get("$select", "").split(",") if name.strip()]
    # real metadata have many more properties: a name that is not held here is no error
    expanded = ("Attributes", "Keys", "OptionSet")
    return {
        key: value
        for key, value in item.items()
        if (key in expand if key in expanded else not names or key in (*names, "@odata.type", "MetadataId"))
    }


def _condition(text: str) -> Callable[[dict[str, Any]], bool]:
    """A filter over metadata: comparisons only; functions are not offered there. Raises 501 for one."""
    if not text:
        return lambda item: True
    try:
        tree = _tree(text)
    except QueryError as error:
        raise invalid(str(error)) from None
    return lambda item: bool(_evaluated(tree, item))


def _evaluated(node: ast._Node, item: dict[str, Any]) -> Any:
    match node:
        case ast.BoolOp(op=ast.And()):
            return _evaluated(node.left, item) and _evaluated(node.right, item)
        case ast.BoolOp():
            return _evaluated(node.left, item) or _evaluated(node.right, item)
        case ast.UnaryOp(op=ast.Not()):
            return not _evaluated(node.operand, item)
        case ast.Compare(comparator=ast.Eq()):
            return _evaluated(node.left, item) == _evaluated(node.right, item)
        case ast.Compare(comparator=ast.NotEq()):
            return _evaluated(node.left, item) != _evaluated(node.right, item)
        case ast.Identifier():
            return _property(item, node.name)
        case ast.Attribute(owner=ast.Identifier(name=owner)):
            held = _property(item, owner)
            return held.get(node.attr) if isinstance(held, dict) else None
        case ast.Boolean():
            return node.val.lower() == "true"
        case ast.Integer():
            return int(node.val)
        case ast.Null():
            return None
        case ast.String() | ast.GUID():
            return node.val
        case ast.Call(func=ast.Identifier(name=name)):
            raise not_supported(f"The '{name}' function isn't supported for Metadata Entities.")
    raise not_supported("This filter isn't supported for Metadata Entities.")


def _property(item: dict[str, Any], name: str) -> Any:
    if name not in item:
        raise invalid(f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.MetadataBase'.")
    return item[name]
