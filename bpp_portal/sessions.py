"""How long a sign-in lasts: without use, and at all. A disabled account's sessions end at once, everywhere."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.models import Session
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

BEGAN, SEEN = "signed_in_at", "seen_at"
TOLERANCE = 60  # seconds; the session is not written at every request
ENDED = "You were signed out: a sign-in ends after {hours:g} hours{why}. Sign in again to go on."


@receiver(user_logged_in)
def begin(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    if hasattr(request, "session"):
        request.session[BEGAN] = request.session[SEEN] = time.time()


@receiver(post_save, sender=User)
def end_when_disabled(sender: Any, instance: User, **_: Any) -> None:
    if not instance.is_active:
        end_all(instance)


def end_all(user: User) -> int:
    """Delete every session of `user`, so that none comes back to life with the account; how many there were."""
    keys = [row.pk for row in Session.objects.iterator() if row.get_decoded().get(SESSION_KEY) == str(user.pk)]
    Session.objects.filter(pk__in=keys).delete()
    return len(keys)


class SessionLimits:
    """Signs out whose time is over; ReaderMiddleware then tells a page that it outlived its sign-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if SESSION_KEY in request.session:
            self._check(request)
        return self.get_response(request)

    def _check(self, request: HttpRequest) -> None:
        now, session = time.time(), request.session
        began, seen = session.setdefault(BEGAN, now), session.setdefault(SEEN, now)
        if now - began > settings.SESSION_ABSOLUTE_SECONDS:
            self._end(request, settings.SESSION_ABSOLUTE_SECONDS, "")
        elif now - seen > settings.SESSION_IDLE_SECONDS:
            self._end(request, settings.SESSION_IDLE_SECONDS, " without use")
        elif now - seen > TOLERANCE:
            session[SEEN] = now

    def _end(self, request: HttpRequest, seconds: float, why: str) -> None:
        logout(request)
        messages.info(request, ENDED.format(hours=seconds / 3600, why=why))
