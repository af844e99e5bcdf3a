"""Who works on a load: claim, write under the fence, and keep the lease while a step runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F, Q

from bpp_portal.kernel.clock import database_now
from exports.models import DataverseLoad
from exports.operations.moving import LeaseLost
from exports.rules.dataverse_tables import ACTIVE


def claim(pk: int) -> DataverseLoad | None:
    """Take the load for a step, or None when it has ended, is not due, or is held by another."""
    now = database_now()
    won = due(now).filter(pk=pk).update(fence=F("fence") + 1, lease_until=now + lease())
    if not won:
        return None
    return DataverseLoad.objects.select_related("cube", "environment", "requested_by").get(pk=pk)


def due(now: Any) -> Any:
    """Loads that are under way, free and due."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    ready = Q(not_before__isnull=True) | Q(not_before__lte=now)
    return DataverseLoad.objects.filter(free, ready, state__in=[*ACTIVE])


def lease() -> timedelta:
    return timedelta(seconds=settings.EXPORT_LEASE)


def write(load: DataverseLoad, **fields: Any) -> None:
    """Write `fields` of a claimed load; raises LeaseLost when the fence moved on."""
    if not DataverseLoad.objects.filter(pk=load.pk, fence=load.fence).update(**fields):
        raise LeaseLost(load.pk)
    for name, value in fields.items():
        setattr(load, name, value)


@contextmanager
def heartbeat(load: DataverseLoad) -> Iterator[None]:
    """Extends the lease from a thread of its own while a long step runs."""
    ended = Event()

    def beat() -> None:
        try:
            while not ended.wait(settings.EXPORT_LEASE / 3):
                write(DataverseLoad(pk=load.pk, fence=load.fence), lease_until=database_now() + lease())
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
