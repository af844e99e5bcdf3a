"""Error pages: what happened, what to do, a code and the correlation id, in the frame of every other page.

Below the API's address the same is said as JSON.
"""

import logging
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from bpp_portal.context import looks
from bpp_portal.kernel.roles import RIGHTS, Right, RightMissing, Role
from exports.models import Run
from exports.rules.states import ACTIVE

log = logging.getLogger(__name__)
API = "/api/"


def administrators() -> list[str]:
    """Names of the people who may give a role; at most three."""
    roles = [role.value for role in Role if Right.MANAGE_USERS in RIGHTS[role]]
    people = get_user_model().objects.filter(is_active=True, groups__name__in=roles).distinct()
    return [person.get_full_name() or person.get_username() for person in people.order_by("username")[:3]]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API):
        return JsonResponse({"detail": "The request cannot be read."}, status=400)
    return render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    missing = isinstance(exception, RightMissing)
    if request.path.startswith(API):
        return JsonResponse({"detail": str(exception) if missing else "You may not do this."}, status=403)
    context = {"refusal": str(exception) if missing else "", "administrators": administrators()}
    return render(request, "403.html", context, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API):
        return JsonResponse({"detail": "Not found."}, status=404)
    return render(request, "404.html", status=404)


def failed(request: HttpRequest) -> HttpResponse:
    """The page after an unexpected failure. When the database itself failed, a bare page without the reader's frame."""
    if request.path.startswith(API):
        number = getattr(request, "correlation_id", "")
        return JsonResponse({"detail": "Something went wrong.", "correlation_id": number}, status=500)
    try:
        return render(request, "500.html", {"runs_go_on": _has_active_run(request)}, status=500)
    except Exception:
        log.exception("the error page could not be rendered in its frame")
        bare: dict[str, Any] = {
            "reader": None,
            "can": {},
            "environment": None,
            "messages": (),
            "correlation_id": getattr(request, "correlation_id", ""),
            **looks(request),
        }
        return HttpResponse(render_to_string("500.html", bare), status=500)


def _has_active_run(request: HttpRequest) -> bool:
    states = [state.value for state in ACTIVE]
    return Run.objects.filter(requested_by=request.user.pk, state__in=states).exists()
