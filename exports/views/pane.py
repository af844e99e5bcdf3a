"""The export pane, as a partial for the sliding pane and as a full page."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods, require_safe

from bpp_portal.kernel.roles import Right, require
from cubes import queries as cube_queries
from cubes.models import Cube
from cubes.rules.exploring import parse_slice
from cubes.rules.slices import ColumnRef, Slice
from exports.forms import FilterRow, PaneForm, of_configuration, read_form
from exports.models import Export, Run
from exports.queries.checking import cube_facts
from exports.queries.configurations import configuration_of

from .filling import Filling, cube_of
from .kept import kept_form, login_keeping_form

SUGGESTIONS = 30


@require_http_methods(["GET", "HEAD", "POST"])
@login_keeping_form
def pane(request: HttpRequest, slug: str) -> HttpResponse:
    """GET opens the pane, POST refreshes it, exports or saves a draft."""
    cube = cube_of(request, slug)
    reuse = (request.POST or request.GET).get("reuse", "")
    draft = (request.POST or request.GET).get("draft", "")
    if not reuse and not draft:
        require(request.user, Right.EXPORT)  # a reviewer starts from what somebody exported, or from a draft
    reused = _reused(reuse, cube) if reuse else None
    saved = draft_of(draft, cube) if draft else None
    if request.method == "POST":
        form = read_form(request.POST)
    elif kept := kept_form(request):
        form = kept
    elif source := reused or saved:
        form = of_configuration(
            configuration_of(source), reuse=reuse, draft=draft, environment=str(source.environment_id)
        )
    else:
        form = PaneForm(name=cube.name[:100], filters=_filters_of_view(request))
    filling = Filling(request, cube, "exports/pane_page.html", "exports/pane.html", reused, saved)
    return filling.answer(form)


def _reused(number: str, cube: Cube) -> Export:
    return get_object_or_404(Run.objects.select_related("export"), entry_number=number, export__cube=cube).export


def draft_of(number: str, cube: Cube) -> Export:
    """The draft of `cube` with this number, or 404."""
    if not number.isdecimal():
        raise Http404
    return get_object_or_404(Export, pk=int(number), cube=cube, run__isnull=True)


def _filters_of_view(request: HttpRequest) -> tuple[FilterRow, ...]:
    """The filters of the Explore page, handed over in the address as `f`."""
    slice_, _ = parse_slice(request.GET.getlist("f"))
    return tuple(FilterRow(str(c.column), c.operator.value, c.values) for c in slice_.conditions)


@require_safe
@login_required
def values(request: HttpRequest, slug: str) -> HttpResponse:
    """Values of a column that contain what was typed, to choose from."""
    cube = cube_of(request, slug)
    snapshot = cube_queries.latest_snapshot(cube)
    index = request.GET.get("row", "0")
    column = request.GET.get(f"filter-{index}-column", "")
    found = None
    if snapshot is not None and column in cube_facts(cube).columns:
        found = cube_queries.column_values(
            snapshot=snapshot,
            user=request.user,
            column=ColumnRef.parse(column),
            slice_=Slice(()),
            search=request.GET.get(f"filter-{index}-add", ""),
            limit=SUGGESTIONS,
        )
    return render(request, "exports/pane/values.html", {"found": found, "index": index})
