"""Who works on a row: claim it, write under the fence of the claim, keep the lease while a step runs, give it free."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event, Thread
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection
from django.db.models import F, Q, QuerySet

from bpp_portal.kernel.clock import database_now
from exports.models.leased import Leased

T = TypeVar("T", bound=Leased)
# A wake-up that nobody answered for this long is taken for lost.
UNANSWERED = timedelta(seconds=6)


class LeaseLost(Exception):
    """Somebody else took the work over; stop at once, without any further effect."""


def due(found: QuerySet[T], now: datetime) -> QuerySet[T]:
    """Those of `found` that nobody holds and whose time has come."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    return found.filter(free, Q(not_before__isnull=True) | Q(not_before__lte=now))


def unanswered(found: QuerySet[T]) -> QuerySet[T]:
    """Those of `found` that are due and were not rung for just now."""
    now = database_now()
    lost = Q(rung_at__isnull=True) | Q(rung_at__lt=now - UNANSWERED) | Q(rung_at__lt=F("not_before"))
    return due(found, now).filter(lost)


def working(found: QuerySet[T]) -> bool:
    """Whether a step of one holds a lease that is being renewed: then the worker lives, however long its step takes."""
    return found.filter(lease_until__gt=database_now()).exists()


def claim(found: QuerySet[T], pk: int) -> T | None:
    """Take the row of `found` for one step; None when it is not among them, not due, or held by another."""
    now = database_now()
    won = due(found, now).filter(pk=pk).update(fence=F("fence") + 1, lease_until=now + _lease())
    return found.filter(pk=pk).first() if won else None


def write(row: Leased, **fields: Any) -> None:
    """Write `fields` of a claimed row; raises LeaseLost when the fence moved on."""
    if not same_claim(row).update(**fields):
        raise LeaseLost(row.pk)
    for name, value in fields.items():
        setattr(row, name, value)


def same_claim(row: T) -> QuerySet[T]:
    """The row while its claim holds, else nothing."""
    return type(row)._default_manager.filter(pk=row.pk, fence=row.fence)


def renew(row: Leased) -> None:
    """Extend the lease; raises LeaseLost when the fence moved on."""
    write(row, lease_until=database_now() + _lease())


def release(row: Leased) -> None:
    """Give the row free for the next step."""
    same_claim(row).update(lease_until=None)


@contextmanager
def heartbeat(row: Leased) -> Iterator[None]:
    """Extends the lease from a thread of its own while a long step runs."""
    ended = Event()
    held = type(row)(fence=row.fence)
    held.pk = row.pk

    def beat() -> None:
        try:
            while not ended.wait(settings.EXPORT_LEASE / 3):
                renew(held)
        except LeaseLost:
            pass  # the next write of the step itself meets the same loss and stops it
        finally:
            connection.close()

    thread = Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _lease() -> timedelta:
    return timedelta(seconds=settings.EXPORT_LEASE)
