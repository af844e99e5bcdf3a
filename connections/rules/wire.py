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

_MEMBERS = (
    *("No", "Yes", *DELIMITERS),
    *("Blank", "OriginalBudget", "Transfer", "Amendment", "Encumbrance", "PreEncumbrance", "CarryForwardBudget"),
    *("Project", "FixedAsset", "SalesForecast", "PurchForecast", "Apportionment", "PreliminaryBudget"),
    *("DataEntityDefaultDimensionFormat", "DataEntityLedgerDimensionFormat"),
    *("DataEntityBudgetDimensionFormat", "DataEntityBudgetPlanningDimensionFormat"),
)
# Finance's labels of these three differ from their names.
MEMBER_OF_LABEL: Mapping[str, str] = {
    **{member.lower(): member for member in _MEMBERS},
    "revision": "Amendment",
    "demandforecast": "SalesForecast",
    "supplyforecast": "PurchForecast",
}


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


def enum_of(row: Mapping[str, Any], field: str) -> str:
    """The member name of an enum. Finance sends it as such; a virtual entity sends a number beside its label.

    The numbers differ between environments, so the label decides.
    """
    value = row.get(field)
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, int) and field + FORMATTED in row:
        label = text_of(row, field + FORMATTED)
        return MEMBER_OF_LABEL.get(_letters(label), label)
    return "" if value is None else str(value)


def _letters(label: str) -> str:
    return "".join(filter(str.isalnum, label)).lower()


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
