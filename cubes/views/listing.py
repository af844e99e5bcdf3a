"""The list of cubes."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from bpp_portal.kernel.roles import Right, require
from cubes import queries
from cubes.models import Cube, CubeDimension, Snapshot

TABS = (("", "All"), (Cube.Status.DRAFT.value, "Draft"), (Cube.Status.PUBLISHED.value, "Published"))
PER_PAGE = 50


@require_safe
@login_required
def cube_list(request: HttpRequest) -> HttpResponse:
    """Every cube that the reader may open, by status and name."""
    require(request.user, Right.READ_CUBES)
    search, status = request.GET.get("q", "").strip(), request.GET.get("status", "")
    found = queries.cubes_for(request.user).filter(name__icontains=search)
    counts = found.aggregate(
        all=Count("pk"),
        draft=Count("pk", filter=Q(status=Cube.Status.DRAFT)),
        published=Count("pk", filter=Q(status=Cube.Status.PUBLISHED)),
    )
    tabs = [{"value": value, "label": label, "count": counts[value or "all"]} for value, label in TABS]
    if status in Cube.Status.values:
        found = found.filter(status=status)
    page = Paginator(_with_last_snapshot(found), PER_PAGE).get_page(request.GET.get("page"))
    _add_dimension_names(list(page.object_list))
    _hide_facts(list(page.object_list), request.user)
    zone = timezone.get_current_timezone_name()
    context = {"page": page, "tabs": tabs, "search": search, "status": status, "zone": zone}
    return render(request, "cubes/list.html", context)


def _with_last_snapshot(cubes: QuerySet[Cube]) -> QuerySet[Cube]:
    last = Snapshot.objects.filter(cube=OuterRef("pk")).order_by("-number")
    return cubes.order_by("name").annotate(
        last_rows=Subquery(last.values("rows")[:1]),
        last_number=Subquery(last.values("number")[:1]),
        last_at=Subquery(last.values("created_at")[:1]),
    )


def _hide_facts(cubes: list[Cube], user: Any) -> None:
    """Of a cube that the reader sees a part of, the list does not tell what was loaded."""
    partly = queries.partly_visible(user=user)
    for cube in cubes:
        if cube.pk in partly:
            cube.last_rows = cube.last_number = cube.last_at = None  # type: ignore[attr-defined]


def _add_dimension_names(cubes: list[Cube]) -> None:
    uses = CubeDimension.objects.filter(cube__in=cubes).select_related("dimension")
    names: dict[int, list[str]] = {cube.pk: [] for cube in cubes}
    for use in uses:
        names[use.cube_id].append(use.dimension.name)
    for cube in cubes:
        cube.dimension_names = names[cube.pk]  # type: ignore[attr-defined]
