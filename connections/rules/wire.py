"""How values travel: dates, yes and no, enums, delimiters, literals, and the time to wait."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Any

from .secrets import readable

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


def json_of(body: bytes) -> Any:
    """The JSON text of an answer with exact numbers. JSON is UTF-8, whatever a header says of it.

    Raises ValueError for everything that is not JSON, other character sets, NaN and boundless nesting included.
    """
    try:
        return json.loads(body.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_number)
    except (RecursionError, InvalidOperation):
        raise ValueError("not JSON that can be read") from None


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number of JSON")


def day_of(value: Any) -> date | None:
    """The date of a wire value, whatever its time and zone; None for nothing and for 1900-01-01, which is no bound.

    Raises ValueError for anything else. The client has read the dates of every row once: later readers are safe.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str) or (len(value) > 10 and value[10] not in "T "):
        raise ValueError("not a date")
    day = date.fromisoformat(value[:10])
    return None if day == _NO_DATE else day


def amount_of(value: Any) -> Decimal:
    """A number exactly as it came, of 20 digits at most before the point. Raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("not an amount")
    amount = Decimal(value)
    if not amount.is_finite() or not -40 < amount.adjusted() < 20:
        raise ValueError("not an amount")
    return amount


def whole_of(value: Any) -> int:
    """A whole number of at most 64 bits (`3` and `3.0` are). Raises ValueError for anything else."""
    amount = amount_of(value)
    if amount != amount.to_integral_value() or abs(amount) >= 2**63:
        raise ValueError("not a whole number")
    return int(amount)


DATE_FIELDS = frozenset({"ActiveFrom", "ActiveTo", "StartDate", "EndDate", "Date", "EntryDate", "DefaultDate"})


def selected(row: Any, fields: Sequence[str]) -> dict[str, Any]:
    """The asked `fields` of a row; one that was left out is None. What is read from it later may rely on its dates.

    Raises ValueError when it is no row, or a date in it is none.
    """
    if not isinstance(row, dict):
        raise ValueError("not a row")
    for name in DATE_FIELDS.intersection(fields):
        day_of(row.get(name))
    return {name: row.get(name) for name in fields}


def blob_address(value: str) -> str:
    """The address in the JSON text that GetAzureWriteUrl answers with. Raises ValueError when there is none."""
    content = json_of(value.encode("utf-8", "replace"))
    address = content.get("BlobUrl") if isinstance(content, dict) else None
    if not isinstance(address, str) or not address:
        raise ValueError("no address")
    return address


def enum_literal(type_name: str, member: str) -> str:
    """An enum member as Finance's filters want it: Microsoft.Dynamics.DataEntities.NoYes'Yes'."""
    return f"Microsoft.Dynamics.DataEntities.{type_name}{literal(member)}"


def by_key(**key: str) -> str:
    """A filter for one row by its text keys: with an enum in it, an address by key is 404 on some environments."""
    return " and ".join(f"{name} eq {literal(value)}" for name, value in key.items())


def literal(text: str) -> str:
    """`text` as an OData string literal."""
    return "'" + text.replace("'", "''") + "'"


def text_of(row: Mapping[str, Any], field: str) -> str:
    """A text field exactly as it is; nothing, and what is no value at all, is the empty text."""
    value = row.get(field)
    return "" if value is None or isinstance(value, dict | list) else str(value)


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
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return min(max((moment - now).total_seconds(), 0.0), LONGEST_WAIT)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def reason_in(content: Any) -> str:
    """What the other side says in its error body; empty when it says nothing usable."""
    if not isinstance(content, dict):
        return ""
    error = content.get("error", content)
    if isinstance(error, str):
        return readable(f"{error}: {text_of(content, 'error_description')}")
    if not isinstance(error, dict):
        return ""
    inner = error.get("innererror")
    text = text_of(inner, "message") if isinstance(inner, dict) else ""
    return readable(text.rsplit("Error: ", 1)[-1] or text_of(error, "message") or text_of(error, "Message"))
