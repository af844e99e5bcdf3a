"""Work that one worker holds at a time."""

from django.db import models


class Leased(models.Model):
    """A row that a worker claims for a step. `fence` grows with every claim; who holds an older one writes nothing.

    `lease_until` is when a claim lapses, `not_before` when the next step is due, `rung_at` when the worker was last
    woken for it; all on the database's clock.
    """

    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)
    rung_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True
