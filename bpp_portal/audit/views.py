"""The page of the audit trail."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from bpp_portal.kernel.roles import Right, require

from . import queries

PER_PAGE = 50


@require_safe
@login_required
def trail(request: HttpRequest) -> HttpResponse:
    """Who did what, newest first, with filters and the state of the chain."""
    require(request.user, Right.READ_AUDIT)
    asked = queries.Asked.of(request.GET)
    veiled = queries.veiled_for(request.user)
    context = {
        "asked": asked,
        "veiled": veiled,
        "page": Paginator(queries.entries(asked, veiled), PER_PAGE).get_page(request.GET.get("page")),
        "head": queries.head(),
        "broken": queries.check_newest(),
        "newest": queries.NEWEST,
        "zone": timezone.get_current_timezone_name(),
        **queries.choices(),
    }
    return render(request, "audit/trail.html", context)
