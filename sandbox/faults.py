"""Scripted faults and modes: kept in the store, so that they outlive a killed process as well."""

import codecs
import json
import threading
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.behaviours import BEHAVIOURS
from sandbox.dataverse_protection import problems as limit_problems
from sandbox.store import Store

DEFAULT_MODES: dict[str, Any] = {
    "import_seconds": 0,  # an import takes at least this long
    "lines_per_second": None,  # and applies at most so many rows a second
    "visibility_lag_seconds": 0,  # an accepted execution is "not found" for so long
    "unpack_seconds": 0,  # the start call answers so much later than it accepts
    "queue_seconds": 0,  # an accepted execution stays NotRun so long
    "parallel_starts": "fail",  # fail | queue | allow: a start while another package is still unpacked
    "repeat_execution_id": "reject",  # reject | same | twice
    "malformed_errors": False,  # GetExecutionErrors leaves quotes and line breaks unescaped
    "error_file_seconds": 0,  # the file of refused keys is ready so long after it was asked for
    "entry_numbers": "manual",  # manual: ours are kept | automatic: Finance draws its own
    "automatic_grouping": "token",  # token: rows that name the same entry share a number | row: each gets its own
    "number_format": "BRE######",  # of the number sequence; # is a digit
    "number_form": "any",  # any | check: a sender's number must have the form
    "number_continuous": False,  # a refused row draws no number
    "code_length": None,  # longest entry number, model, code or dimension value
    "derive_account_structure": True,  # a row may leave its account structure out
    "unknown_project": "create",  # create | reject
    "unknown_user_status": 403,  # 401 | 403 for a user whom Finance does not know
    "generation_seconds": 0,  # a virtual entity appears so long after it was made visible
    "service_protection": {},  # Dataverse's limits of a user: the documented ones, smaller ones, or null for none
    "flow_save_first": False,  # a flow goes on only after its definition was saved once
    "key_index_seconds": 0,  # a new alternate key can be used so much later
    "token_seconds": 3600,
    "code_seconds": 600,
    "refresh_token_seconds": 90 * 86400,
    "offline_access": "asked",  # asked: a refresh token only with that scope | always
    "replayed_assertion": "accept",  # accept | reject a client assertion whose jti was seen before
    "write_url_seconds": 3600,
    "write_url_permissions": "rcw",  # of upload addresses: r, c, w, d
    "blob_days": 7,  # blobs and unfinished uploads vanish after so many days
    "blob_store": None,  # {"blob_endpoint", "account", "key", "ca_file"}: another storage in place of our own
    "page_size": 10_000,  # Finance OData
    "finance_busy": 0,  # share of the calls to Finance OData that are answered with 429: 0.5 is every second one
    "finance_busy_seconds": 1,  # the Retry-After of those answers
    "enum_key_404": False,  # a key with an enumeration in it is not found, as seen on real environments
    "clock_seconds": 0,  # the clock of all services is so much ahead (minus: behind), in the Date of their answers
    "switched_off": [],  # rows of the fidelity checklist that are not played
}
IMPORT_FAULTS = (
    *("fail", "stuck", "drop_all", "drop_line", "double_line", "cent_off"),
    *("partial", "error_file", "canceled", "unknown", "flicker"),
)
CHOICES = {
    "repeat_execution_id": ("reject", "same", "twice"),
    "parallel_starts": ("fail", "queue", "allow"),
    "entry_numbers": ("manual", "automatic"),
    "automatic_grouping": ("token", "row"),
    "number_form": ("any", "check"),
    "unknown_project": ("create", "reject"),
    "offline_access": ("asked", "always"),
    "replayed_assertion": ("accept", "reject"),
}
HTTP_KINDS = (
    *("status", "reset", "refuse", "lost_answer", "body", "delay"),
    *("trickle", "truncate", "redirect", "unauthorized", "charset", "large"),
)
KINDS = (*HTTP_KINDS, "import")


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


class Faults:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._modes = {**DEFAULT_MODES, **json.loads(store.setting("modes") or "{}")}
        self._rules: list[dict[str, Any]] = json.loads(store.setting("faults") or "[]")

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

    def change(self, wanted: dict[str, Any]) -> list[str]:
        """Apply a PUT; the list names what is not understood, and then nothing was changed."""
        problems = _problems(wanted)
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


def _problems(wanted: dict[str, Any]) -> list[str]:
    known = {*DEFAULT_MODES, "faults", "reset"}
    problems = [f"Unknown key '{name}'. Known: {', '.join(sorted(known))}." for name in wanted if name not in known]
    if not isinstance(share := wanted.get("finance_busy", 0), int | Decimal) or not 0 <= share <= 1:
        problems.append("finance_busy is a share between 0 and 1.")
    for name, words in CHOICES.items():
        if wanted.get(name, words[0]) not in words:
            problems.append(f"{name} is {', '.join(words[:-1])} or {words[-1]}.")
    problems += limit_problems(wanted.get("service_protection"))
    problems += [f"There is no behaviour {name}." for name in wanted.get("switched_off", []) if name not in BEHAVIOURS]
    for rule in wanted.get("faults", []):
        extra = set(rule) - {*Fault.__dataclass_fields__, "after", "times"}
        if "call" not in rule or rule.get("kind") not in KINDS:
            problems.append(f"A fault needs a call and a kind ({', '.join(KINDS)}): {rule}")
        elif extra:
            problems.append(f"Unknown key in fault {rule}: {', '.join(sorted(extra))}")
        elif rule["kind"] == "charset" and not _is_codec(rule.get("charset", "utf-16")):
            problems.append(f"There is no character set {rule['charset']}.")
        elif rule["kind"] == "import" and rule.get("effect") not in IMPORT_FAULTS:
            problems.append(f"An import fault needs an effect: {', '.join(IMPORT_FAULTS)}.")
    return problems


def _is_codec(name: str) -> bool:
    try:
        codecs.lookup(str(name))
    except LookupError:
        return False
    return True
