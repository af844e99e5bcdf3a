"""Gives every request one correlation id, shown on error pages and written to the log."""

import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse


class CorrelationMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.correlation_id = uuid.uuid4().hex[:12]  # type: ignore[attr-defined]
        structlog.contextvars.bind_contextvars(correlation_id=request.correlation_id)  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Correlation-Id"] = request.correlation_id  # type: ignore[attr-defined]
        return response
