"""The page that opens a cube: pivot, filters, chart."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from bpp_portal.kernel.problems import Problem
from cubes import queries
from cubes.engine import AmountOverflow
from cubes.exploring import filters, tables
from cubes.exploring.looking import address_of, looking_at, parameters
from cubes.models import Cube, Snapshot
from cubes.rules.exploring import Looking, condition_text
from cubes.rules.shape import DataType
from cubes.rules.slices import Slice

from .page import cube_context, open_cube

MOST_PERIODS = 12
UNREAD = Problem("filter-unread", "A filter in the address cannot be read. It was left out; add it again.")


@require_safe
@login_required
def cube(request: HttpRequest, slug: str) -> HttpResponse:
    """Explore: exact sums of one driver by chosen columns, cut by filters that stand in the address."""
    cube = open_cube(request, slug)
    context = cube_context(cube, "explore", request.user)
    snapshot: Snapshot | None = context["snapshot"]
    page = reverse("cubes:cube", args=[slug])
    if snapshot is None:
        context["export_address"] = f"{page}export/"
        return render(request, "cubes/explore.html", context)
    looking, unread = looking_at(request.GET, cube, snapshot, request.user)
    adding = filters.Adding.of(request.GET, cube)
    if adding and adding.applied:
        return HttpResponseRedirect(address_of(page, looking, added=adding.condition()))
    problems = queries.slice_problems(cube=cube, slice_=looking.slice_)
    context |= _choices(cube, looking) | _addresses(page, looking) | filters.tokens(page, looking)
    context |= {"problems": problems + [UNREAD] * bool(unread), "pivot": None}
    context["all_rows"] = queries.visible_facts(snapshot=snapshot, user=request.user).rows
    context |= filters.form_context(adding, cube, snapshot, request.user, looking if not problems else None)
    if not problems:
        try:
            context |= _numbers(page, cube, snapshot, request.user, looking)
        except AmountOverflow as overflow:
            context["problems"] = overflow.problems
    return render(request, "cubes/explore.html", context)


def _choices(cube: Cube, looking: Looking) -> dict[str, Any]:
    return {
        "column_names": [str(column.ref) for column in queries.columns_of(cube)],
        "driver_names": [driver.name for driver in queries.drivers_of(cube)],
        "rows_name": str(looking.rows),
        "columns_name": str(looking.columns) if looking.columns else "",
        "driver_name": looking.driver,
        "filter_texts": [condition_text(condition) for condition in looking.slice_.conditions],
    }


def _addresses(page: str, looking: Looking) -> dict[str, Any]:
    filter_query = urlencode([("f", condition_text(one)) for one in looking.slice_.conditions])
    return {
        "add_address": f"{address_of(page, looking)}&adding=1",
        "clear_address": address_of(page, looking, slice_=Slice()),
        "close_address": address_of(page, looking),
        "export_address": f"{page}export/" + (f"?{filter_query}" if filter_query else ""),
        "kept_parameters": parameters(looking),
    }


def _numbers(page: str, cube: Cube, snapshot: Snapshot, user: Any, looking: Looking) -> dict[str, Any]:
    asked = {"snapshot": snapshot, "user": user, "driver": looking.driver, "slice_": looking.slice_}
    found = queries.explore(rows=looking.rows, columns=looking.columns, **asked)
    precision = next(one.precision for one in queries.drivers_of(cube) if one.name == looking.driver)
    shown = tables.pivot_view(found, page, looking)
    dates = [column.ref for column in queries.columns_of(cube) if column.data_type is DataType.DATE]
    context = {"pivot": shown, "precision": precision, "order_words": shown.order_words}
    context |= tables.chart_context(found)
    if dates and dates[0] != looking.rows:
        periods = queries.explore(rows=dates[0], columns=None, **asked)
        context |= {"period_name": str(dates[0]), "periods": tables.by_period(periods, MOST_PERIODS)}
    else:
        context["periods"] = ()
    return context
