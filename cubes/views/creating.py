"""Cubes made by hand out of dimensions that exist."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from bpp_portal.kernel.problems import Problem
from bpp_portal.kernel.roles import Right, require
from cubes import operations
from cubes.forms_definition import NewCubeForm


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def from_dimensions(request: HttpRequest) -> HttpResponse:
    """Name, dimensions and drivers of a new draft."""
    require(request.user, Right.MAINTAIN_CUBES)
    form = NewCubeForm(request.POST or None)
    problems: list[Problem] = []
    if request.method == "POST" and form.is_valid():
        try:
            cube = _create(request.user, form.cleaned_data)
        except operations.CubeRefused as refused:
            problems = refused.problems
        else:
            messages.success(request, f"{cube.name} was created as a draft.")
            return redirect("cubes:review", cube.slug)
    context = {
        "form": form,
        "problems": problems,
        "dimensions": form.fields["dimensions"].queryset.prefetch_related("columns"),  # type: ignore[attr-defined]
        "chosen": request.POST.getlist("dimensions"),
    }
    return render(request, "cubes/new_from_dimensions.html", context, status=422 if problems or form.errors else 200)


def _create(actor: Any, chosen: dict[str, Any]) -> Any:
    return operations.create_from_dimensions(
        actor=actor,
        name=chosen["name"],
        dimensions=list(chosen["dimensions"]),
        drivers=chosen["drivers"],
        precision=chosen["precision"],
    )
