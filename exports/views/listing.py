"""All budget register entry exports."""

from typing import Any

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
    if "HX-Request" in request.headers and "rows" in request.GET:
        return _rows_again(request, asked, _numbers(request.GET["rows"]))
    drafts = asked.tab == listing.DRAFTS and listing.may_see_drafts(user)
    found = listing.drafts_for(user=user, asked=asked) if drafts else listing.runs_of_tab(user=user, asked=asked)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    runs = [run for run in page if isinstance(run, Run)]
    context = {
        "tabs": listing.tabs_for(user=user, asked=asked),
        "page": page,
        "drafts": drafts,
        "created": listing.CREATED,
        "zone": timezone.get_current_timezone_name(),
        "address": request.get_full_path(),
        **listing.choices(user=user),
        **_table(request, asked, runs),
    }
    return render(request, "exports/list.html", context)


def _rows_again(request: HttpRequest, asked: listing.Asked, shown: list[int]) -> HttpResponse:
    """The rows that a page already shows, for its refresh: nothing moves under the pointer."""
    runs = listing.runs_again(shown=shown)
    newer = 0 if request.GET.get("page") else listing.newer_than(user=request.user, asked=asked, shown=shown)
    return render(request, "exports/list_runs.html", _table(request, asked, runs) | {"newer": newer})


def _table(request: HttpRequest, asked: listing.Asked, runs: list[Run]) -> dict[str, Any]:
    user = request.user
    rows = listing.rows_of(runs, user=user, chosen=request.GET.getlist("chosen"))
    return {
        "asked": asked,
        "rows": rows,
        "shown": ",".join(str(run.pk) for run in runs),
        "refresh": REFRESH_SECONDS if any(row.active for row in rows) else 0,
        "numbers": has_right(user, Right.READ_EXPORTS),
        "may_reuse": has_right(user, Right.EXPORT) or has_right(user, Right.SAVE_DRAFT),
        "currency": listing.only_currency(rows),
        "cube": cubes_for(user).filter(slug=asked.cube).first() if asked.cube else None,
    }


def _numbers(text: str) -> list[int]:
    parts = text.split(",")[:PER_PAGE]
    return [int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 19]
