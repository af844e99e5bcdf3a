"""Writes the trail."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from . import chain
from .models import AuditEntry, AuditHead
from .origin import Origin, present

HEAD = 1


def record(
    *,
    actor: Any,
    verb: str,
    subject: str,
    detail: str = "",
    before: str = "",
    after: str = "",
    origin: Origin | None = None,
) -> AuditEntry:
    """Append one entry inside the caller's transaction, so that act and trail stand or fall together.

    `before` and `after` say what changed, one `name: value` a line or one word. Door and address are those of the
    request that is answered, unless `origin` is given. The head of the chain stays locked until the transaction ends:
    call this after every other lock is taken.
    """
    where = origin or present()
    content: dict[str, Any] = {
        "at": timezone.now(),
        "actor_id": actor.pk if actor else None,
        "actor_name": actor.get_username() if actor else "",
        "door": where.door.value,
        "ip": where.ip,
        "verb": verb,
        "subject": _text(subject)[:200],
        "detail": _text(detail),
        "before": _text(before),
        "after": _text(after),
    }
    with transaction.atomic():
        head, _ = AuditHead.objects.select_for_update().get_or_create(pk=HEAD)
        content["seq"] = head.seq + 1
        entry = AuditEntry.objects.create(**content, hash=chain.digest(head.hash, content))
        head.seq, head.hash = entry.seq, entry.hash
        head.save(update_fields=["seq", "hash"])
    return entry


def _text(text: str) -> str:
    """PostgreSQL stores neither NUL nor half a surrogate pair, and a trail that refuses an act helps nobody."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
