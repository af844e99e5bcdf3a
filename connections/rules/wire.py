"""How values travel: dates, yes and no, enums, delimiters, literals, and the time to wait."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

LONGEST_WAIT = 3600.0
FORMATTED = "@OData.Community.Display.V1.FormattedValue"
_NO_DATE = date(1900, 1, 1)

DELIMITERS: Mapping[str, str] = {
    "Hyphen": "-",
    "Period": ".",
    "Underscore": "_",
    "Bar": "|",
    "DoubleHyphen": "--",
    "DoublePeriod": "..",
    "DoubleUnderscore": "__",
    "DoubleBar": "||",
    "Tilde": "~",
    "DoubleTilde": "~~",
}

_NO_YES: Mapping[int, str] = {0: "No", 1: "Yes"}
_FORMATS = (
    "DataEntityDefaultDimensionFormat",
    "DataEntityLedgerDimensionFormat",
    "DataEntityBudgetDimensionFormat",
    "DataEntityBudgetPlanningDimensionFormat",
)
_BUDGET_TYPES = (
    *("Blank", "OriginalBudget", "Transfer", "Amendment", "Encumbrance", "PreEncumbrance", "CarryForwardBudget"),
    *("Project", "FixedAsset", "SalesForecast", "PurchForecast"),
)
# Field → Finance's own number → member. Formats are numbered from 17 in Finance, from 0 where only they are listed.
ENUMS: Mapping[str, Mapping[int, str]] = {
    "Stopped": _NO_YES,
    "IsDefaultCode": _NO_YES,
    "IsActive": _NO_YES,
    "BudgetType": {**dict(enumerate(_BUDGET_TYPES)), 12: "Apportionment", 13: "PreliminaryBudget"},
    "DimensionFormatType": {**dict(enumerate(_FORMATS)), **dict(enumerate(_FORMATS, start=17))},
    "DimensionSegmentDelimiter": dict(enumerate(DELIMITERS)),
}
_OTHER_LABELS = {"revision": "Amendment", "demandforecast": "SalesForecast", "supplyforecast": "PurchForecast"}


def day_of(value: str | None) -> date | None:
    """The date of a wire value, whatever its time and zone; None for nothing and for 1900-01-01, which is no bound."""
    if not value:
        return None
    day = date.fromisoformat(value[:10])
    return None if day == _NO_DATE else day


def literal(text: str) -> str:
    """`text` as an OData string literal."""
    return "'" + text.replace("'", "''") + "'"


def text_of(row: Mapping[str, Any], field: str) -> str:
    """A text field exactly as it is; nothing is the empty text."""
    value = row.get(field)
    return "" if value is None else str(value)


def virtual_value(row: Mapping[str, Any], field: str) -> str:
    """Finance's `field` from the row of a virtual entity, as text; an enum as its member's name.

    An enum may come as its name or as an option number. Those numbers are the environment's own, so the label beside
    it decides. Without a label that is known, what remains of the number in its thousand is Finance's number.
    """
    name = f"mserp_{field.lower()}"
    value = row.get(name)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    members = ENUMS.get(field)
    if members is None or not isinstance(value, int):
        return text_of(row, name)
    label = "".join(filter(str.isalnum, text_of(row, name + FORMATTED))).lower()
    by_label = {member.lower(): member for member in members.values()} | _OTHER_LABELS
    return by_label.get(label) or members.get(value % 1000, str(value))


def seconds_to_wait(header: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for: a number or a date, an hour at most; None when it says nothing."""
    text = (header or "").strip()
    if re.fullmatch(r"\d{1,12}(\.\d+)?", text):
        return min(float(text), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT)


def reason_in(content: Any) -> str:
    """What the other side says in its error body; empty when it says nothing usable."""
    if not isinstance(content, dict):
        return ""
    error = content.get("error", content)
    if isinstance(error, str):
        return readable(f"{error}: {content.get('error_description', '')}")
    if not isinstance(error, dict):
        return ""
    inner = error.get("innererror")
    text = inner.get("message", "") if isinstance(inner, dict) else ""
    return readable(str(text).rsplit("Error: ", 1)[-1] or str(error.get("message") or error.get("Message") or ""))


def readable(text: str) -> str:
    """`text` cut to what a page can show, signatures and tokens taken out."""
    text = re.sub(r"(?i)\b(sig|token|secret|code|password)=[^&\s\"']+", r"\1=(hidden)", text)
    text = re.sub(r"(?i)bearer\s+[\w.~+/-]+=*", "Bearer (hidden)", text)
    return " ".join(text.split())[:500]
