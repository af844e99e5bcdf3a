"""Reads the trail and checks its chain."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date

from bpp_portal.kernel.roles import Right, has_right

from .chain import Break, Head, first_break
from .models import AuditEntry, AuditHead
from .operations import HEAD

NEWEST = 500
# Acts whose details tell of a cube's data: how much was loaded, which values were granted.
OF_CUBE_DATA = frozenset({"load", "grant values to read", "grant values to edit", "revoke values"})


@dataclass(frozen=True)
class Asked:
    """The filters of the trail, as they stand in its address."""

    who: str = ""
    verb: str = ""
    subject: str = ""
    since: date | None = None
    until: date | None = None
    number: int = 0

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Asked":
        """Read from an address; what cannot be read is left out."""
        number = query.get("number", "")
        return cls(
            who=query.get("who", ""),
            verb=query.get("verb", ""),
            subject=query.get("q", "").replace("\0", "").strip(),
            since=_day(query.get("since", "")),
            until=_day(query.get("until", "")),
            number=int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0,
        )

    @property
    def filters(self) -> bool:
        """Whether anything narrows the trail."""
        return any((self.who, self.verb, self.subject, self.since, self.until, self.number))


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _start_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def veiled_for(user: Any) -> frozenset[str]:
    """Verbs whose details `user` does not read: those of cube data, unless dimension security hides nothing."""
    return frozenset() if has_right(user, Right.MAINTAIN_SECURITY) else OF_CUBE_DATA


def entries(asked: Asked, veiled: frozenset[str] = frozenset()) -> QuerySet[AuditEntry]:
    """The entries of the filters, newest first; the dates are days of the present time zone, both included. Details of
    `veiled` verbs are not searched."""
    found = AuditEntry.objects.select_related("actor").order_by("-seq")
    if asked.who:
        found = found.filter(actor_name="" if asked.who == "-" else asked.who)
    if asked.verb:
        found = found.filter(verb=asked.verb)
    if asked.subject:
        in_detail = found.filter(detail__icontains=asked.subject).exclude(verb__in=veiled)
        found = found.filter(subject__icontains=asked.subject) | in_detail
    if asked.since:
        found = found.filter(at__gte=_start_of(asked.since))
    if asked.until:
        found = found.filter(at__lt=_start_of(asked.until) + timedelta(days=1))
    if asked.number:
        found = found.filter(seq=asked.number)
    return found


def choices() -> dict[str, list[str]]:
    """The names and verbs that occur; the empty name is the portal itself."""
    rows = AuditEntry.objects.order_by()
    return {
        "people": sorted(rows.values_list("actor_name", flat=True).distinct()),
        "verbs": sorted(rows.values_list("verb", flat=True).distinct()),
    }


def head() -> Head | None:
    """Where the portal stopped writing; None when nothing was ever written."""
    row = AuditHead.objects.filter(pk=HEAD).first()
    return Head(row.seq, row.hash) if row else None


def check_chain(*, anchors: Iterable[Head] = ()) -> Break | None:
    """The first break of the whole chain, None when it holds."""
    stopped = head()
    rows: Any = _up_to(stopped).order_by("seq").iterator(chunk_size=2000)
    return first_break((row.link for row in rows), head=stopped, anchors=anchors) or _past_the_head()


def check_newest(count: int = NEWEST) -> Break | None:
    """The first break among the newest `count` entries: cheap enough for every page."""
    stopped = head()
    rows = list(_up_to(stopped).order_by("-seq")[: count + 1])[::-1]
    after = Head(rows[0].seq, rows[0].hash) if len(rows) > count else None
    links = [row.link for row in rows]
    return first_break(links[1:] if after else links, head=stopped, after=after) or _past_the_head()


def _up_to(stopped: Head | None) -> QuerySet[AuditEntry]:
    """What stood there when the head was read: others may append while the chain is checked."""
    rows = AuditEntry.objects.all()
    return rows.filter(seq__lte=stopped.seq) if stopped else rows


def _past_the_head() -> Break | None:
    last = AuditEntry.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
    stopped = head()  # after the entries, so that one which is appended meanwhile is none too many
    if stopped is None or last <= stopped.seq:
        return None
    return Break(stopped.seq + 1, f"entry {stopped.seq + 1} was added past the head of the chain")
