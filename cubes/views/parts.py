"""Snapshots of a cube."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bpp_portal.kernel.roles import Right

from .page import cube_context, open_whole_cube


@require_safe
@login_required
def snapshots(request: HttpRequest, slug: str) -> HttpResponse:
    """Every version of the data with its exact totals and hash."""
    cube = open_whole_cube(request, slug, Right.MAINTAIN_CUBES)
    found = cube.snapshots.select_related("load__created_by").prefetch_related("totals__driver")
    context = {"snapshots": found, "drivers": cube.shape().drivers}
    return render(request, "cubes/snapshots.html", cube_context(cube, "snapshots", request.user) | context)
