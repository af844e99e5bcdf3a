"""One check of an environment at a time: who runs it, and what it knows so far, for others to look on."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from bpp_portal.kernel.clock import database_now
from connections.models import Environment, ReadinessAnswer, ReadinessProgress
from connections.queries.readiness.sheet import Sheet

# After this long without a word whoever ran the check is taken for gone.
HELD = timedelta(seconds=30)
RENEWED_EVERY = 5.0
ASKED_AGAIN_AFTER = 0.1


class Progress:
    """Writes down what a check knows so far, from the thread that may use the database."""

    def __init__(self, environment: Environment, holder: str) -> None:
        self._mine = ReadinessProgress.objects.filter(environment=environment, holder=holder)
        self._environment, self._told = environment, frozenset[tuple[str, str, str]]()
        self._renewed = time.monotonic()

    def __call__(self, sheet: Sheet) -> None:
        rows = sheet.answered()
        known = frozenset((row.key, row.state.value, row.found) for row in rows)
        if known == self._told and time.monotonic() - self._renewed < RENEWED_EVERY:
            return
        answers = [
            ReadinessAnswer(
                progress_id=self._environment.pk,
                key=row.key,
                state=row.state.value,
                found=row.found,
                seconds=row.seconds,
            )
            for row in rows
            if (row.key, row.state.value, row.found) not in self._told
        ]
        with transaction.atomic():
            if not self._mine.update(held_until=database_now() + HELD):
                return
            ReadinessAnswer.objects.bulk_create(
                answers,
                update_conflicts=True,
                unique_fields=["progress", "key"],
                update_fields=["state", "found", "seconds"],
            )
        self._told, self._renewed = known, time.monotonic()


@contextmanager
def alone(environment: Environment) -> Iterator[tuple[Progress, bool]]:
    """Waits until nobody else checks `environment`; yields where to tell, and whether there was somebody else."""
    ReadinessProgress.objects.get_or_create(environment=environment)
    holder, waited = str(uuid.uuid4()), False
    while not _claim(environment, holder):
        waited = True
        time.sleep(ASKED_AGAIN_AFTER)
    try:
        yield Progress(environment, holder), waited
    finally:
        ReadinessProgress.objects.filter(environment=environment, holder=holder).update(holder="", held_until=None)


@transaction.atomic
def _claim(environment: Environment, holder: str) -> bool:
    now = database_now()
    free = Q(held_until__isnull=True) | Q(held_until__lt=now)
    won = ReadinessProgress.objects.filter(free, environment=environment).update(holder=holder, held_until=now + HELD)
    if won:
        ReadinessAnswer.objects.filter(progress_id=environment.pk).delete()
    return bool(won)
