"""Scripted faults and modes: kept in the store, so that they outlive a killed process as well."""

import json
import threading
from collections.abc import Callable, Collection
from typing import Any

from sandbox.control.behaviours import BEHAVIOURS
from sandbox.control.fault_rules import HTTP_KINDS, KINDS, Fault, rule_problems
from sandbox.control.modes import DEFAULT_MODES, mode_problems
from sandbox.store import Store

__all__ = ["DEFAULT_MODES", "HTTP_KINDS", "Fault", "Faults"]


class Faults:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._modes = {**DEFAULT_MODES, **_fitting(json.loads(store.setting("modes") or "{}"))}
        rules = json.loads(store.setting("faults") or "[]")
        self._rules: list[dict[str, Any]] = [rule for rule in rules if not rule_problems([rule], None)]
        self.changed: Callable[[], None] = lambda: None  # called after each change, before its PUT is answered

    def mode(self, name: str) -> Any:
        return self._modes[name]

    def plays(self, behaviour: str) -> bool:
        """Whether this row of the fidelity checklist is played; it is unless a test switched it off."""
        if behaviour not in BEHAVIOURS:
            raise KeyError(behaviour)
        return behaviour not in self._modes["switched_off"]

    def describe(self) -> dict[str, Any]:
        with self._lock:
            return {**self._modes, "faults": [dict(rule) for rule in self._rules]}

    def change(self, wanted: dict[str, Any], calls: Collection[str] | None = None) -> list[str]:
        """Apply a PUT; the list names what is not understood, and then nothing was changed.

        `calls` are the names that a fault may be scripted for; None takes every name.
        """
        problems = _problems(wanted, calls)
        if problems:
            return problems
        with self._lock:
            if wanted.get("reset"):
                self._modes, self._rules = dict(DEFAULT_MODES), []
            self._modes.update({name: wanted[name] for name in DEFAULT_MODES if name in wanted})
            if "faults" in wanted:
                # Seconds came as exact decimals; a wait is a float, as it is after the store was read again.
                self._rules = json.loads(json.dumps(wanted["faults"], default=float))
            self._keep()
        self.changed()
        return []

    @property
    def looks_inside(self) -> bool:
        """Whether a rule asks for what stands in a call, so that the gate has to read it first."""
        return any(rule.get("contains") for rule in self._rules)

    def hit(self, call: str, *, kinds: tuple[str, ...] = KINDS, user: str = "", text: bytes = b"") -> Fault | None:
        """The fault that this call meets, counted. `after` calls pass, then `times` meet it (null: every one).

        `user` is who calls, `text` address and body: a rule that names either counts and meets only such calls.
        """
        with self._lock:
            for rule in self._rules:
                if rule["call"] not in (call, "*") or rule["kind"] not in kinds or not _aims(rule, user, text):
                    continue
                if rule.get("after", 0) > 0:
                    rule["after"] -= 1
                    self._keep()
                    continue
                times = rule.get("times", 1)
                if times == 0:
                    continue
                if times is not None:
                    rule["times"] = times - 1
                    self._keep()
                known = {name: rule[name] for name in Fault.__dataclass_fields__ if name in rule}
                return Fault(**known)
        return None

    def _keep(self) -> None:
        self._store.keep_setting("modes", json.dumps(self._modes, default=float))
        self._store.keep_setting("faults", json.dumps(self._rules, default=float))


def _aims(rule: dict[str, Any], user: str, text: bytes) -> bool:
    """Whether the rule is for this caller and this text."""
    wanted = str(rule.get("user") or "").lower()
    if wanted and wanted not in (user.lower(), user.lower().partition("@")[0]):
        return False
    return str(rule.get("contains") or "").encode() in text


def _fitting(stored: dict[str, Any]) -> dict[str, Any]:
    """The modes of an older store that still fit what they may be set to."""
    return {name: value for name, value in stored.items() if name in DEFAULT_MODES and not mode_problems({name: value})}


def _problems(wanted: dict[str, Any], calls: Collection[str] | None) -> list[str]:
    known = {*DEFAULT_MODES, "faults", "reset"}
    problems = [f"Unknown key '{name}'. Known: {', '.join(sorted(known))}." for name in wanted if name not in known]
    if not isinstance(wanted.get("reset", False), bool):
        problems.append("reset is true or false.")
    return problems + mode_problems(wanted) + rule_problems(wanted.get("faults", []), calls)
