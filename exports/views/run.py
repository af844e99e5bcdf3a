"""The run page."""

from django.http import HttpRequest, HttpResponse


def run_page(request: HttpRequest, number: str) -> HttpResponse:
    raise NotImplementedError


def live(request: HttpRequest, number: str) -> HttpResponse:
    raise NotImplementedError


def lines_csv(request: HttpRequest, number: str) -> HttpResponse:
    raise NotImplementedError
