"""One id for each call beyond the border, which carries the id of what the portal was doing."""

import uuid
from collections.abc import Mapping
from typing import Any

SOURCES = ("run_id", "correlation_id")
_DIGITS = 12


def client_request_id(context: Mapping[str, Any]) -> str:
    """A GUID, as the services want it. Its last twelve digits are those of the run, else of the request, if one is
    known: whoever has the portal's id finds the calls in the logs of the other side.
    """
    fresh = uuid.uuid4().hex
    for source in SOURCES:
        digits = "".join(c for c in str(context.get(source, "")).lower() if c in "0123456789abcdef")
        if len(digits) >= _DIGITS:
            fresh = fresh[:-_DIGITS] + digits[-_DIGITS:]
            break
    return str(uuid.UUID(fresh))
