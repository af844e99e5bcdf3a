"""Reuse configuration."""

from django.http import HttpRequest, HttpResponse


def draft(request: HttpRequest, pk: int) -> HttpResponse:
    raise NotImplementedError


def reuse(request: HttpRequest, number: str) -> HttpResponse:
    raise NotImplementedError
