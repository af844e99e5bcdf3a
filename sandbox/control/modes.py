"""The modes: each with its default and with what it may be set to."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.control.behaviours import BEHAVIOURS
from sandbox.dataverse.protection import problems as limit_problems

Check = Callable[[str, Any], list[str]]  # name and value of a mode → sentences about what is wrong with it
LARGEST = 10**12
_BLOB_STORE = ("blob_endpoint", "account", "key", "ca_file")


def is_number(value: Any) -> bool:
    """A finite number; JSON's true, NaN and Infinity are none."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool) and math.isfinite(value)


def number(low: float = 0, high: float = LARGEST) -> Check:
    def check(name: str, value: Any) -> list[str]:
        if is_number(value) and low <= value <= high:
            return []
        return [f"{name} is a number from {low} to {high}."]

    return check


def whole(low: int = 0, high: int = LARGEST) -> Check:
    def check(name: str, value: Any) -> list[str]:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return []
        return [f"{name} is a whole number from {low} to {high}."]

    return check


def truth(name: str, value: Any) -> list[str]:
    return [] if isinstance(value, bool) else [f"{name} is true or false."]


def text(name: str, value: Any) -> list[str]:
    return [] if isinstance(value, str) else [f"{name} is a text."]


def or_null(check: Check) -> Check:
    return lambda name, value: [] if value is None else [f"{line[:-1]}, or null." for line in check(name, value)]


def choice(*words: Any) -> Check:
    def check(name: str, value: Any) -> list[str]:
        if type(value) in {type(word) for word in words} and value in words:
            return []
        return [f"{name} is {', '.join(map(str, words[:-1]))} or {words[-1]}."]

    return check


def _letters(name: str, value: Any) -> list[str]:
    if isinstance(value, str) and value and set(value) <= set("rcwd"):
        return []
    return [f"{name} is one or more of the letters r, c, w, d."]


def _behaviours(name: str, value: Any) -> list[str]:
    if not isinstance(value, list):
        return [f"{name} is a list of behaviours: {', '.join(BEHAVIOURS)}."]
    return [f"There is no behaviour {one}." for one in value if one not in BEHAVIOURS]


def _protection(name: str, value: Any) -> list[str]:
    wrong = limit_problems(value)
    if wrong or value is None:
        return wrong
    return [line for key, limit in value.items() for line in number()(f"{name}.{key}", limit)]


def _blob_store(name: str, value: Any) -> list[str]:
    if value is None:
        return []
    is_named = isinstance(value, dict) and set(_BLOB_STORE[:3]) <= set(value) <= set(_BLOB_STORE)
    if is_named and all(isinstance(one, str) for one in value.values()):
        return []
    return [f"{name} is null or an object with the texts {', '.join(_BLOB_STORE)}."]


@dataclass(frozen=True)
class Mode:
    default: Any
    check: Check


_LIFE = number(-LARGEST)  # a life in seconds; below zero: over before it began
MODES: dict[str, Mode] = {
    "import_seconds": Mode(0, number()),  # an import takes at least this long
    "lines_per_second": Mode(None, or_null(number(0.001))),  # and applies at most so many rows a second
    "visibility_lag_seconds": Mode(0, number()),  # an accepted execution is "not found" for so long
    "unpack_seconds": Mode(0, number()),  # the start call answers so much later than it accepts
    "queue_seconds": Mode(0, number()),  # an accepted execution stays NotRun so long
    # a start while another package is still unpacked
    "parallel_starts": Mode("fail", choice("fail", "queue", "allow")),
    "repeat_execution_id": Mode("reject", choice("reject", "same", "twice")),
    "malformed_errors": Mode(False, truth),  # GetExecutionErrors leaves quotes and line breaks unescaped
    "error_line_hint": Mode(False, truth),  # a message of GetExecutionErrors begins with the line of the file
    "error_file_seconds": Mode(0, number()),  # the file of refused keys is ready so long after it was asked for
    # manual: ours are kept; automatic: Finance draws its own
    "entry_numbers": Mode("manual", choice("manual", "automatic")),
    # token: rows that name the same entry share a number; row: each gets its own
    "automatic_grouping": Mode("token", choice("token", "row")),
    "number_format": Mode("BRE######", text),  # of the number sequence; # is a digit
    "number_form": Mode("any", choice("any", "check")),  # check: a sender's number must have the form
    "number_continuous": Mode(False, truth),  # a refused row draws no number
    "code_length": Mode(None, or_null(whole(1))),  # longest entry number, model, code or dimension value
    "derive_account_structure": Mode(True, truth),  # a row may leave its account structure out
    "unknown_project": Mode("create", choice("create", "reject")),
    "unknown_user_status": Mode(403, choice(401, 403)),  # for a user whom Finance does not know
    "generation_seconds": Mode(0, number()),  # a virtual entity appears so long after it was made visible
    # Dataverse's limits of a user: the documented ones, smaller ones, or null for none
    "service_protection": Mode({}, _protection),
    "flow_save_first": Mode(False, truth),  # a flow goes on only after its definition was saved once
    "flag_early": Mode(False, truth),  # the catalog shows a virtual entity as generated before it can be read
    "key_index_seconds": Mode(0, number()),  # a new alternate key can be used so much later
    "token_seconds": Mode(3600, _LIFE),
    "code_seconds": Mode(600, _LIFE),
    "refresh_token_seconds": Mode(90 * 86400, _LIFE),
    "offline_access": Mode("asked", choice("asked", "always")),  # asked: a refresh token only with that scope
    # a client assertion whose jti was seen before
    "replayed_assertion": Mode("accept", choice("accept", "reject")),
    "write_url_seconds": Mode(3600, _LIFE),
    "write_url_permissions": Mode("rcw", _letters),  # of upload addresses
    "blob_days": Mode(7, number()),  # blobs and unfinished uploads vanish after so many days
    "blob_store": Mode(None, _blob_store),  # another storage in place of our own
    "page_size": Mode(10_000, whole(1)),  # Finance OData
    # share of the calls to Finance OData that are answered with 429: 0.5 is every second one
    "finance_busy": Mode(0, number(0, 1)),
    "finance_busy_seconds": Mode(1, number()),  # the Retry-After of those answers
    "host_check": Mode(True, truth),  # each service answers under its own host name only
    # the clock of all services is so much ahead (minus: behind), in the Date of their answers
    "clock_seconds": Mode(0, _LIFE),
    # of https: closed refuses connections, other certificate shows one of a strange authority
    "listener": Mode("open", choice("open", "closed", "other certificate")),
    "enum_key_404": Mode(False, truth),  # a key with an enumeration in it is not found, as seen on real environments
    "switched_off": Mode([], _behaviours),  # rows of the fidelity checklist that are not played
}
DEFAULT_MODES: dict[str, Any] = {name: mode.default for name, mode in MODES.items()}


def mode_problems(wanted: dict[str, Any]) -> list[str]:
    """What is wrong with the modes of a PUT; other keys are not looked at."""
    return [line for name, value in wanted.items() if name in MODES for line in MODES[name].check(name, value)]
