"""The export pane, as a partial for the sliding pane and as a full page."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from bpp_portal.kernel.problems import Problem
from bpp_portal.kernel.roles import Right, has_right, require
from connections.errors import RemoteError
from connections.queries import default_environment
from cubes import queries as cube_queries
from cubes.models import Cube
from cubes.rules.exploring import parse_slice
from cubes.rules.slices import ColumnRef, Slice
from exports.forms import FilterRow, PaneForm, acted, of_configuration, read_form
from exports.models import Export, Run
from exports.operations.requesting import ExportRefused, TokenReused, request_export, save_draft
from exports.queries.checking import cube_facts
from exports.queries.configurations import configuration_of
from exports.queries.pane import open_pane
from exports.rules.checking import check_cube


def _cube(request: HttpRequest, slug: str) -> Cube:
    """The cube for somebody who may export, or who may save drafts; 404 when it is absent or not for them."""
    require(request.user, Right.EXPORT, Right.SAVE_DRAFT)
    try:
        return cube_queries.cube_for(request.user, slug)
    except Cube.DoesNotExist:
        raise Http404 from None


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def pane(request: HttpRequest, slug: str) -> HttpResponse:
    """GET opens the pane, POST refreshes it, exports or saves a draft."""
    cube = _cube(request, slug)
    form = read_form(request.POST) if request.method == "POST" else _new_form(request, cube)
    if not form.reuse and not form.draft:
        require(request.user, Right.EXPORT)
    problems = check_cube(cube_facts(cube))
    snapshot = cube_queries.latest_snapshot(cube)
    if snapshot is None:
        problems = [*problems, Problem("BRE-NO-DATA", "This cube has no data. Load data, then export.", "cube")]
    if problems or snapshot is None:
        return _render(request, {"cube": cube, "blocked": problems}, status=409 if request.method == "POST" else 200)
    action = request.POST.get("action", "refresh")
    if action in ("export", "draft"):
        return _submit(request, cube, snapshot, form, action)
    form = acted(form, action)
    return _show(request, cube, snapshot, form, fresh=request.method != "POST")


def _new_form(request: HttpRequest, cube: Cube) -> PaneForm:
    if reuse := request.GET.get("reuse", ""):
        run = get_object_or_404(Run.objects.select_related("export"), entry_number=reuse, export__cube=cube)
        return of_configuration(configuration_of(run.export), reuse=reuse)
    if draft := request.GET.get("draft", ""):
        export = _draft(draft, cube)
        return of_configuration(configuration_of(export), draft=draft)
    return PaneForm(name=cube.name[:100], filters=_filters_of_view(request))


def _draft(number: str, cube: Cube) -> Export:
    if not number.isdigit():
        raise Http404
    return get_object_or_404(Export, pk=int(number), cube=cube, run__isnull=True)


def _filters_of_view(request: HttpRequest) -> tuple[FilterRow, ...]:
    """The filters of the Explore page, handed over in the address as `f`."""
    slice_, _ = parse_slice(request.GET.getlist("f"))
    return tuple(FilterRow(str(c.column), c.operator.value, c.values) for c in slice_.conditions)


def _submit(request: HttpRequest, cube: Cube, snapshot: Any, form: PaneForm, action: str) -> HttpResponse:
    reused = Export.objects.filter(run__entry_number=form.reuse, cube=cube).first() if form.reuse else None
    try:
        environment = default_environment()
        if action == "draft":
            draft = _draft(form.draft, cube) if form.draft else None
            export = save_draft(
                actor=request.user,
                cube=cube,
                environment=environment,
                chosen=form.configuration(),
                reused_from=reused,
                draft=draft,
            )
            messages.success(request, f"{export.name} is saved as a draft.")
            return _go(request, f"{reverse('exports:list')}?tab=drafts")
        run = request_export(
            actor=request.user,
            cube=cube,
            environment=environment,
            chosen=form.configuration(),
            client_token=form.token,
            reused_from=reused,
        )
    except ExportRefused as refusal:
        return _show(request, cube, snapshot, form, pressed=True, refused=refusal.problems)
    except TokenReused as refusal:
        return _show(request, cube, snapshot, form, refused=[Problem("BRE-SENT", str(refusal))], pressed=True)
    except RemoteError as error:
        return _show(request, cube, snapshot, form, refused=[error.problem()], pressed=True)
    return _go(request, reverse("exports:run", args=[run.entry_number]))


def _go(request: HttpRequest, address: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


def _show(
    request: HttpRequest,
    cube: Cube,
    snapshot: Any,
    form: PaneForm,
    *,
    fresh: bool = False,
    pressed: bool = False,
    refused: list[Problem] | None = None,
) -> HttpResponse:
    try:
        environment = default_environment()
    except RemoteError as error:
        return _render(request, {"cube": cube, "blocked": [error.problem()]})
    shown = open_pane(user=request.user, cube=cube, snapshot=snapshot, environment=environment, form=form, fresh=fresh)
    known = {problem.message for problem in shown.problems}
    problems = [*shown.problems, *(p for p in refused or [] if p.message not in known)]
    context = {
        "pane": shown,
        "cube": cube,
        "problems": problems if pressed or shown.form.budget_model else [],
        "blocking": bool(problems),
        "pressed": pressed,
        "may_export": has_right(request.user, Right.EXPORT),
    }
    return _render(request, context)


def _render(request: HttpRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    partial = request.headers.get("HX-Request") and not request.headers.get("HX-History-Restore-Request")
    context["in_pane"] = bool(partial) and request.headers.get("HX-Target", "") in ("pane", "pane-foot")
    context["area"] = "cubes"
    template = "exports/pane.html" if context["in_pane"] else "exports/pane_page.html"
    answer = render(request, template, context, status=200 if partial else status)
    answer["Vary"] = "HX-Request"
    return answer


@require_safe
@login_required
def values(request: HttpRequest, slug: str) -> HttpResponse:
    """Values of a column that contain what was typed, to choose from."""
    cube = _cube(request, slug)
    snapshot = cube_queries.latest_snapshot(cube)
    index = request.GET.get("row", "0")
    try:
        column = ColumnRef.parse(request.GET.get(f"filter-{index}-column", ""))
    except ValueError:
        column = None
    found = None
    if snapshot is not None and column is not None and str(column) in cube_facts(cube).columns:
        found = cube_queries.column_values(
            snapshot=snapshot,
            user=request.user,
            column=column,
            slice_=Slice(()),
            search=request.GET.get(f"filter-{index}-add", ""),
            limit=30,
        )
    return render(request, "exports/pane_values.html", {"found": found, "index": index})
