"""What every request gets: a correlation id, and a check that a page acts for the person it was made for."""

import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

ANOTHER_READER = 409


class CorrelationMiddleware:
    """One correlation id per request, shown on error pages and written to the log."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.correlation_id = uuid.uuid4().hex[:12]  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(correlation_id=request.correlation_id)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Correlation-Id"] = request.correlation_id  # type: ignore[attr-defined]
        return response


class ReaderMiddleware:
    """A page that outlived its sign-in is told so: the sign-in page in place of a part of it would lose what was typed.

    Before the CSRF check, whose refusal would say less. A page names its reader in the header `X-Reader`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "HX-Request" in request.headers:
            if not request.user.is_authenticated:
                return render(request, "401.html", status=401)
            if request.headers.get("X-Reader", str(request.user.pk)) != str(request.user.pk):
                return render(request, "409.html", status=ANOTHER_READER)
        return self.get_response(request)
