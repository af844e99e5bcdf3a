"""Rings again for runs that are due: a lost, late or doubled wake-up never decides what becomes of an export."""

from datetime import timedelta

from django.db.models import F, Q

from bpp_portal.kernel.clock import database_now
from exports.models import Run
from exports.rules.states import FLOW_OF

from .stepping import ring

# A wake-up that nobody answered for this long is taken for lost.
UNANSWERED = timedelta(seconds=6)


def sweep() -> int:
    """Ring for every run that is due, free, and was not rung for just now. Returns how many."""
    now = database_now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    due = Q(not_before__isnull=True) | Q(not_before__lte=now)
    not_rung = Q(rung_at__isnull=True) | Q(rung_at__lt=now - UNANSWERED) | Q(rung_at__lt=F("not_before"))
    runs = Run.objects.filter(free, due, not_rung, state__in=[state.value for state in FLOW_OF])
    for run in runs:
        ring(run)
    return len(runs)


def working() -> bool:
    """Whether a step holds a lease that is being renewed: then the worker lives, however long its step takes."""
    return Run.objects.filter(lease_until__gt=database_now()).exists()
