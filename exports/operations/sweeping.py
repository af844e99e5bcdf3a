"""Rings again for runs that are due: a lost, late or doubled wake-up never decides what becomes of an export."""

from exports.models import Run
from exports.rules.states import FLOW_OF

from . import leasing
from .stepping import ring


def sweep() -> int:
    """Ring for every run that is due, free, and was not rung for just now. Returns how many."""
    runs = leasing.unanswered(Run.objects.filter(state__in=[state.value for state in FLOW_OF]))
    for run in runs:
        ring(run)
    return len(runs)


def working() -> bool:
    """Whether a run is in a step."""
    return leasing.working(Run.objects.all())
