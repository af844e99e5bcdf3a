"""What a person was told; nobody reads what others were told."""

from typing import Any

from django.db.models import QuerySet

from .models import Notice


def notices_of(*, user: Any, unread: bool = False) -> QuerySet[Notice]:
    """The notices of `user`, newest first."""
    found = Notice.objects.filter(user=user)
    return found.filter(read_at__isnull=True) if unread else found


def unread_count(*, user: Any) -> int:
    return notices_of(user=user, unread=True).count()
