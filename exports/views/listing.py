"""All budget register entry exports."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from bpp_portal.kernel.roles import Right, has_right, require
from cubes.queries import cubes_for
from exports.models import Run
from exports.queries import listing

PER_PAGE = 50
REFRESH_SECONDS = 5


@require_safe
@login_required
def export_list(request: HttpRequest) -> HttpResponse:
    """Every export of every cube, or of one: runs with their state, and drafts."""
    require(request.user, Right.READ_EXPORTS, Right.READ_RUNS)
    asked = listing.Asked.of(request.GET)
    user = request.user
    drafts = asked.tab == listing.DRAFTS and listing.may_see_drafts(user)
    found = listing.drafts_for(user=user, asked=asked) if drafts else listing.runs_of_tab(user=user, asked=asked)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    rows = [] if drafts else listing.rows_of([run for run in page if isinstance(run, Run)])
    context = {
        "asked": asked,
        "tabs": listing.tabs_for(user=user, asked=asked),
        "page": page,
        "rows": rows,
        "drafts": drafts,
        "numbers": has_right(user, Right.READ_EXPORTS),
        "cube": cubes_for(user).filter(slug=asked.cube).first() if asked.cube else None,
        "refresh": REFRESH_SECONDS if any(row.active for row in rows) else 0,
        "created": listing.CREATED,
        "zone": timezone.get_current_timezone_name(),
        "address": request.get_full_path(),
        **listing.choices(user=user),
    }
    return render(request, "exports/list.html", context)
