"""The body of an action, held against its declaration before anything of the action is done."""

from typing import Any

from sandbox.action_declarations import ACTIONS
from sandbox.wire import finance_error

_DECLARED = {action.name: dict(action.parameters) for action in ACTIONS}


def check(action: str, asked: dict[str, Any]) -> None:
    """400 for a parameter that the action does not have, or of another type. Every one may be missing or null."""
    declared = _DECLARED.get(action)
    if declared is None:
        return
    for name, value in asked.items():
        if name not in declared:
            raise finance_error(
                400,
                "An error has occurred.",
                f"The parameter '{name}' in the request payload is not a valid parameter for the operation '{action}'.",
            )
        if value is not None and not _fits(declared[name], value):
            raise finance_error(
                400,
                "An error has occurred.",
                f"Cannot convert the value of the parameter '{name}' to the expected type 'Edm.{declared[name]}'.",
            )


def _fits(kind: str, value: Any) -> bool:
    if kind == "Int32":
        return isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31
    if kind == "String":
        return isinstance(value, str) and not any("\ud800" <= sign <= "\udfff" for sign in value)
    return isinstance(value, bool)
