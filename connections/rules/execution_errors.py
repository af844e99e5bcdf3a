"""What GetExecutionErrors answers: a list of refused records that is usually not valid JSON."""

import re

from .execution import ExecutionError
from .secrets import storable, without_secrets
from .wire import json_of, text_of

_LABELS = ("RecordId", "Field", "ErrorMessage")
_LONGEST_NAME = 200
_RECORD = re.compile(r'\{\s*"RecordId"\s*:\s*(?:"|(?=[\d-]))')
_FIELD = re.compile(r'"?\s*,\s*"Field"\s*:\s*"')
_MESSAGE = re.compile(r'"\s*,\s*"ErrorMessage"\s*:\s*"')
_TAIL = re.compile(r'"\s*\}\s*(?:,|\])?\s*\Z')


def execution_errors_of(text: str) -> tuple[ExecutionError, ...]:
    """The refused records in what GetExecutionErrors answers: a JSON list, or what Finance makes of one.

    Finance does not escape quotes and line breaks inside its messages. Text that is no JSON is cut at the known
    labels; text without any label but not empty is one message, so that nothing Finance said is lost.
    """
    try:
        rows = json_of(storable(text).encode()) if text.strip() else []
    except ValueError:
        rows = None
    if isinstance(rows, dict):
        rows = [rows]
    if isinstance(rows, list):
        return tuple(_error(*(text_of(row, name) for name in _LABELS)) for row in rows if isinstance(row, dict))
    return parse_execution_errors(text)


def parse_execution_errors(text: str) -> tuple[ExecutionError, ...]:
    """The same from text that is not valid JSON, cut at the known labels. Never raises."""
    starts = list(_RECORD.finditer(text))
    if not starts:
        return (_error("", "", text.strip()),) if text.strip() not in ("", "[]", "null") else ()
    ends = [start.start() for start in starts[1:]] + [len(text)]
    return tuple(_one(text[start.end() : end]) for start, end in zip(starts, ends, strict=True))


def _one(part: str) -> ExecutionError:
    """One record, from behind its first label to where the next record begins."""
    named = _FIELD.search(part)
    if named is None:
        return _error("", "", _without_tail(part))
    told = _MESSAGE.search(part, named.end())
    if told is None:
        return _error(part[: named.start()], "", _without_tail(part[named.end() :]))
    return _error(part[: named.start()], part[named.end() : told.start()], _without_tail(part[told.end() :]))


def _without_tail(message: str) -> str:
    """Cut what closes a record and leads to the next one: `"},` or `"}]`; a text that was cut off has none."""
    return _TAIL.sub("", message)


def _error(record_id: str, field: str, message: str) -> ExecutionError:
    """Fit to be stored: names cut to their column, no secret, nothing that a database refuses."""
    return ExecutionError(
        storable(record_id)[:_LONGEST_NAME], storable(field)[:_LONGEST_NAME], storable(without_secrets(message))
    )
