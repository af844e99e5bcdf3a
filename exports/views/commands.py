"""Commands on a run."""

from django.http import HttpRequest, HttpResponse


def cancel_run(request: HttpRequest, number: str) -> HttpResponse:
    raise NotImplementedError


def retry_run(request: HttpRequest, number: str) -> HttpResponse:
    raise NotImplementedError
