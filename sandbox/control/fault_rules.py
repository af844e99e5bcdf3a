"""What a scripted fault may say, and the sentences for one that says something else."""

import codecs
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sandbox.control.modes import LARGEST, Check, choice, number, or_null, text, truth, whole

IMPORT_FAULTS = (
    *("fail", "stuck", "drop_all", "drop_line", "double_line", "cent_off"),
    *("partial", "error_file", "canceled", "unknown", "flicker"),
)
HTTP_KINDS = (
    *("status", "reset", "refuse", "lost_answer", "body", "delay"),
    *("trickle", "truncate", "redirect", "unauthorized", "charset", "large"),
)
KINDS = (*HTTP_KINDS, "import")
IMPORT_CALLS = ("ImportFromPackage", "*")  # every import counts as ImportFromPackage, whichever call brought it


@dataclass(frozen=True)
class Fault:
    """One hit of a rule: what is to happen to this call."""

    call: str
    kind: str
    status: int = 503
    retry_after: str | None = None
    body: str = ""
    content_type: str = ""
    seconds: float = 0.0
    act: bool = False  # do what was asked, then answer with the fault
    effect: str = ""  # kind "import": what becomes of the import
    rows: int = 0  # effect "partial": so many rows are refused
    bytes_per_second: int = 1  # kind "trickle"
    after_bytes: int = 0  # kind "truncate": so much of the body arrives
    location: str = "https://login.example/"  # kind "redirect"
    charset: str = "utf-16"  # kind "charset": a codec by Python's name
    megabytes: int = 10  # kind "large"
    user: str = ""  # only calls of this user (sign-in or its part before the @) or application id
    contains: str = ""  # only calls with this text in their address or body


def _codec(name: str, value: Any) -> list[str]:
    try:
        codecs.lookup(value)
    except (LookupError, TypeError, ValueError):
        return [f"There is no character set {value}."]
    return []


CHECKS: dict[str, Check] = {
    "call": text,
    "kind": choice(*KINDS),
    "status": whole(200, 599),  # an answer below 200 would not be the last one
    "retry_after": or_null(text),
    "body": text,
    "content_type": text,
    "seconds": number(),
    "act": truth,
    "effect": choice(*IMPORT_FAULTS, ""),
    "rows": whole(0),
    "bytes_per_second": whole(1),
    "after_bytes": whole(0),
    "location": text,
    "charset": _codec,
    "megabytes": whole(0, 10_000),
    "user": text,
    "contains": text,
    "after": whole(0),
    "times": or_null(whole(0, LARGEST)),
}


def rule_problems(rules: Any, calls: Collection[str] | None) -> list[str]:
    """What is wrong with the rules of a PUT; `calls` are the known names, None when they are not checked."""
    if not isinstance(rules, list):
        return ["faults is a list of rules."]
    return [problem for rule in rules for problem in _of_rule(rule, calls)]


def _of_rule(rule: Any, calls: Collection[str] | None) -> list[str]:
    if not isinstance(rule, dict) or not isinstance(rule.get("call"), str) or rule.get("kind") not in KINDS:
        return [f"A fault needs a call and a kind ({', '.join(KINDS)}): {rule}"]
    extra = set(rule) - set(CHECKS)
    if extra:
        return [f"Unknown key in fault {rule}: {', '.join(sorted(extra))}"]
    problems = [line for name, value in rule.items() for line in CHECKS[name](name, value)]
    if calls is not None and rule["call"] not in (*calls, "*"):
        problems.append(f"There is no call {rule['call']}. Known: *, {', '.join(sorted(calls))}.")
    if rule["kind"] == "import":
        if rule.get("effect") not in IMPORT_FAULTS:
            problems.append(f"An import fault needs an effect: {', '.join(IMPORT_FAULTS)}.")
        if rule["call"] not in IMPORT_CALLS:
            problems.append(f"An import fault is for the call {IMPORT_CALLS[0]} (however the import was started) or *.")
    return problems
