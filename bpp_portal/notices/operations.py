"""Tells people, marks what they have read, and sends the mails."""

import smtplib
from collections.abc import Iterable
from typing import Any

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone

from bpp_portal import queue

from .models import Notice

log = structlog.get_logger(__name__)


@transaction.atomic
def tell(
    *, users: Iterable[Any], topic: str, kind: str, word: str, text: str, detail: str = "", link: str = ""
) -> list[Notice]:
    """Tell each of `users` once, inside the caller's transaction; those who heard these words last are left out.

    `kind` and `word` are those of a chip, `link` an address within the portal. The mail is sent by the worker.
    """
    told = []
    for user in users:
        last = Notice.objects.filter(user=user, topic=topic).first()
        if not user.is_active or (last is not None and (last.word, last.text, last.detail) == (word, text, detail)):
            continue
        notice = Notice.objects.create(
            user=user, topic=topic, kind=kind, word=word, text=text[:300], detail=detail, link=link
        )
        told.append(notice)
        if settings.MAIL_IS_SET_UP and user.email:
            queue.ring("bpp_portal.notices.tasks.mail", notice.pk)
    return told


def mark_read(*, user: Any, pk: int | None = None) -> int:
    """Mark one notice of `user` read, or all of them; returns how many were unread."""
    unread = Notice.objects.filter(user=user, read_at__isnull=True)
    return (unread if pk is None else unread.filter(pk=pk)).update(read_at=timezone.now())


def mail(*, notice_id: int) -> bool:
    """Send the mail of a notice unless it was sent; a mail server that fails is logged, and the notice stays.

    It is marked before it leaves: a mail may be lost, never doubled.
    """
    if not Notice.objects.filter(pk=notice_id, mailed_at__isnull=True).update(mailed_at=timezone.now()):
        return False
    notice = Notice.objects.select_related("user").get(pk=notice_id)
    place = f"{settings.PORTAL_URL.rstrip('/')}{notice.link}" if settings.PORTAL_URL and notice.link else ""
    body = "\n\n".join(part for part in (notice.text, notice.detail, place) if part)
    subject = " ".join(f"BPP Portal: {notice.text}".split())
    try:
        send_mail(subject, f"{body}\n", settings.DEFAULT_FROM_EMAIL, [notice.user.email])
    except (OSError, smtplib.SMTPException, ValueError) as error:
        log.warning("mail not sent", notice=notice_id, error=type(error).__name__)
        return False
    return True
