"""All budget register entry exports."""

from django.http import HttpRequest, HttpResponse


def export_list(request: HttpRequest) -> HttpResponse:
    raise NotImplementedError
