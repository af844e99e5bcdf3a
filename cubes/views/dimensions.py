"""All dimensions, and which cubes use them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from bpp_portal.kernel.roles import Right, require
from cubes import operations
from cubes.models import Dimension

PER_PAGE = 50


@require_safe
@login_required
def dimension_list(request: HttpRequest) -> HttpResponse:
    """Dimensions with their columns; one that nothing uses can be deleted."""
    require(request.user, Right.MAINTAIN_CUBES)
    search = request.GET.get("q", "").strip()
    found = Dimension.objects.filter(name__icontains=search).prefetch_related(
        "columns__linked_to__dimension", "columns__column_set__dimension", "cube_dimensions__cube"
    )
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "cubes/dimensions.html", {"page": page, "search": search})


@require_POST
@login_required
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a dimension that no cube uses."""
    require(request.user, Right.MAINTAIN_CUBES)
    dimension = get_object_or_404(Dimension, pk=pk)
    try:
        operations.delete_dimension(actor=request.user, dimension=dimension)
    except operations.CubeRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{dimension.name} is deleted.")
    return redirect("cubes:dimensions")
