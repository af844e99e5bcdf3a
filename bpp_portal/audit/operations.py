"""Writes the trail."""

from typing import Any

from .models import AuditEntry


def record(*, actor: Any, verb: str, subject: str, detail: str = "") -> AuditEntry:
    """Add one row to the trail, inside the caller's transaction, so that act and trail stand or fall together."""
    return AuditEntry.objects.create(actor=actor, verb=verb, subject=subject[:200], detail=detail)
