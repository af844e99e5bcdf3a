"""The append-only trail of who did what."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models
from django.urls import reverse

from . import chain
from .origin import Door


class TrailIsAppendOnly(TypeError):
    """Somebody tried to change or delete an entry of the trail: a defect, never a person's mistake."""

    def __init__(self) -> None:
        super().__init__("entries of the audit trail are only ever added")


class AppendOnly(models.QuerySet["AuditEntry"]):
    def _refused(self, *_: Any, **__: Any) -> NoReturn:
        raise TrailIsAppendOnly

    update = delete = bulk_update = bulk_create = update_or_create = _refused


class AuditEntry(models.Model):
    """One act of a person or of the portal itself (`actor` empty), chained to the entry before it by its hash.

    `audit.operations.record` is the only writer. The database refuses changes as well, by triggers of a migration: a
    later migration that alters this table has to make them anew on SQLite, which copies the table and loses them.
    """

    seq = models.PositiveBigIntegerField("number", unique=True)
    at = models.DateTimeField(db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", verbose_name="who"
    )
    actor_name = models.CharField(max_length=150, blank=True)
    door = models.CharField(max_length=10, blank=True, choices=Door)
    ip = models.CharField("address", max_length=45, blank=True)
    verb = models.CharField(max_length=60, db_index=True)
    subject = models.CharField(max_length=200, db_index=True)
    detail = models.TextField(blank=True)
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    hash = models.CharField(max_length=64)

    objects = AppendOnly.as_manager()

    class Meta:
        ordering = ["-seq"]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TrailIsAppendOnly
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TrailIsAppendOnly

    def get_absolute_url(self) -> str:
        return f"{reverse('audit:trail')}?number={self.seq}"

    @property
    def link(self) -> chain.Link:
        """The entry as the chain sees it."""
        return chain.Link(self.seq, {name: getattr(self, name) for name in chain.COVERED}, self.hash)


class AuditHead(models.Model):
    """The one row that says where the chain ends. Whoever appends holds its lock until the act is committed."""

    seq = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=chain.GENESIS)

    def __str__(self) -> str:
        return f"entry {self.seq}"
