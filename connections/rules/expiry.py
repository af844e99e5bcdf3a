"""How long a secret or certificate still holds, and from when on that is worth a warning."""

from dataclasses import dataclass
from datetime import date

WARNING_DAYS, DANGER_DAYS = 30, 7


@dataclass(frozen=True)
class Expiry:
    """`kind` is the chip's: success, warning, danger, or neutral when nobody entered a date."""

    what: str
    until: date | None
    kind: str
    text: str


def expiry_of(what: str, until: date | None, today: date) -> Expiry:
    """The countdown of `what` on `today`: warning from 30 days before `until`, danger from 7."""
    if until is None:
        return Expiry(what, None, "neutral", "No date entered")
    days = (until - today).days
    if days < 0:
        return Expiry(what, until, "danger", f"Expired {-days} {'day' if days == -1 else 'days'} ago")
    kind = "danger" if days <= DANGER_DAYS else "warning" if days <= WARNING_DAYS else "success"
    left = "today" if days == 0 else "in 1 day" if days == 1 else f"in {days} days"
    return Expiry(what, until, kind, f"Expires {left}")
