"""The definition of a cube: seen, taken home, reviewed, published, and given further drivers."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from bpp_portal.kernel.problems import Problem
from bpp_portal.kernel.roles import Right
from cubes import operations, queries
from cubes.forms_definition import DriverForm, ReviewForm
from cubes.models import Cube
from cubes.rules.definition_text import definition_text
from cubes.rules.reviewing import missing_for_export

from .page import cube_context, open_cube


@require_safe
@login_required
def definition(request: HttpRequest, slug: str) -> HttpResponse:
    """Dimensions with their columns and types, and the drivers."""
    cube = open_cube(request, slug, Right.MAINTAIN_CUBES)
    return render(
        request, "cubes/definition.html", cube_context(cube, "definition", request.user) | {"shape": cube.shape()}
    )


@require_safe
@login_required
def definition_json(request: HttpRequest, slug: str) -> HttpResponse:
    """The definition as a file that can be imported again."""
    cube = open_cube(request, slug, Right.MAINTAIN_CUBES)
    answer = HttpResponse(definition_text(cube.definition()), content_type="application/json; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{cube.slug}.json"'
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def review(request: HttpRequest, slug: str) -> HttpResponse:
    """What publishing makes; only the name can be changed here."""
    cube = open_cube(request, slug, Right.MAINTAIN_CUBES)
    if cube.is_published:
        messages.info(request, f"{cube.name} is published, and its definition is protected.")
        return redirect("cubes:definition", slug)
    form = ReviewForm(request.POST or None, initial={"name": cube.name})
    problems: list[Problem] = []
    if request.method == "POST" and form.is_valid():
        try:
            published = operations.publish(actor=request.user, cube=cube, name=form.cleaned_data["name"])
        except operations.CubeRefused as refused:
            problems = refused.problems
        else:
            messages.success(request, f"{published.name} is published. {_next_step(published)}")
            return redirect("cubes:cube", slug)
    context = cube_context(cube, "definition", request.user) | _reviewed(cube) | {"form": form, "problems": problems}
    return render(request, "cubes/review.html", context, status=422 if problems or form.errors else 200)


def _next_step(cube: Cube) -> str:
    if cube.is_classic:
        return "It can be explored and loaded; classic cubes have no export."
    return "It can be exported now." if queries.latest_snapshot(cube) else "Load data before you export."


def _reviewed(cube: Cube) -> dict[str, Any]:
    shape, snapshot = cube.shape(), queries.latest_snapshot(cube)
    uses = cube.cube_dimensions.select_related("dimension").prefetch_related("dimension__cube_dimensions__cube")
    others = {
        use.dimension.name: [one.cube.name for one in use.dimension.cube_dimensions.all() if one.cube_id != cube.pk]
        for use in uses
    }
    return {
        "shape": shape,
        "missing": missing_for_export(shape, classic=cube.is_classic, loaded=snapshot is not None),
        "tables": [(dimension, others.get(dimension.name, [])) for dimension in shape.every_dimension],
    }


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def add_driver(request: HttpRequest, slug: str) -> HttpResponse:
    """A further driver, loaded or calculated, also of a published cube."""
    cube = open_cube(request, slug, Right.MAINTAIN_CUBES)
    form = DriverForm(request.POST or None)
    problems: list[Problem] = []
    if request.method == "POST" and form.is_valid():
        try:
            driver = operations.add_driver(actor=request.user, cube=cube, **form.cleaned_data)
        except operations.CubeRefused as refused:
            problems = refused.problems
        else:
            filled = "" if form.cleaned_data["formula"] else " It is 0 for every record until the next load fills it."
            messages.success(request, f"{driver.name} is a driver of {cube.name}.{filled}")
            return redirect("cubes:definition", slug)
    context = cube_context(cube, "definition", request.user) | {"form": form, "problems": problems}
    return render(request, "cubes/driver.html", context, status=422 if problems or form.errors else 200)
