"""Snapshots and load reports of a cube."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from bpp_portal.kernel.roles import Right

from .page import cube_context, open_cube

ERRORS_PER_PAGE = 100


@require_safe
@login_required
def snapshots(request: HttpRequest, slug: str) -> HttpResponse:
    """Every version of the data with its exact totals and hash."""
    cube = open_cube(request, slug, Right.MAINTAIN_CUBES)
    found = cube.snapshots.select_related("load__created_by").prefetch_related("totals__driver")
    context = {"snapshots": found, "drivers": cube.shape().drivers}
    return render(request, "cubes/snapshots.html", cube_context(cube, "snapshots") | context)


@require_safe
@login_required
def loads(request: HttpRequest, slug: str) -> HttpResponse:
    """What was loaded, and how much of it was refused."""
    cube = open_cube(request, slug, Right.LOAD_DATA)
    found = cube.loads.select_related("created_by", "snapshot")
    return render(request, "cubes/loads.html", cube_context(cube, "loads") | {"loads": found})


@require_safe
@login_required
def load_report(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One load: every refused value with file, line, column and reason."""
    cube = open_cube(request, slug, Right.LOAD_DATA)
    load = get_object_or_404(cube.loads.select_related("snapshot"), pk=pk)
    page = Paginator(load.errors.all(), ERRORS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"load": load, "page": page, "has_sheets": load.errors.exclude(sheet="").exists()}
    return render(request, "cubes/load_report.html", cube_context(cube, "loads") | context)
