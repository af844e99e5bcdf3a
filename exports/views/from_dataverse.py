"""Loads of a cube from Dataverse: the form, the page that shows how far it is, and its two commands."""

from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HTMX_STOP_POLLING

from bpp_portal.kernel.problems import Problem
from bpp_portal.kernel.roles import Right
from connections.chosen import chosen_environment
from connections.models import Environment
from cubes.models import Cube
from cubes.rules.loading import MODE_WORDS, Mode
from cubes.views.page import open_whole_cube
from exports.models import DataverseLoad
from exports.operations import from_dataverse
from exports.rules.dataverse_tables import ACTIVE, Extent, LoadState

CHIPS = {
    LoadState.QUEUED: ("neutral", "Queued"),
    LoadState.READING: ("info", "Reading"),
    LoadState.LOADING: ("info", "Loading"),
    LoadState.DONE: ("success", "Completed"),
    LoadState.FAILED: ("danger", "Failed"),
    LoadState.STOPPED: ("neutral", "Stopped"),
}
TEXTS = {
    "heading": "Load from Dataverse",
    "before": "before this can be loaded",
    "verb": "Load from Dataverse",
    "explanation": (
        "The tables of the cube are read with your own Dataverse connection, page by page, and become a new snapshot. "
        "You can leave the page; an interruption goes on where it stopped."
    ),
    "offers_connections": True,
}


class FromDataverseForm(forms.Form):
    """Where the rows come from, which of them, and what becomes of the data that stand."""

    environment = forms.ModelChoiceField(Environment.objects.order_by("id"), empty_label=None)
    extent = forms.ChoiceField(
        label="Rows",
        choices=[
            (Extent.CHANGED.value, "Rows changed since the last load, else all"),
            (Extent.ALL.value, "All rows"),
        ],
        initial=Extent.CHANGED.value,
        help_text="Changed rows overwrite by key. Rows deleted in Dataverse leave the cube only when all are read.",
    )
    mode = forms.ChoiceField(
        label="All rows go in by",
        choices=[(mode.value, words) for mode, words in MODE_WORDS.items()],
        initial=Mode.REPLACE.value,
        required=False,
    )
    partial = forms.BooleanField(
        label="Load what fits even when more than one record in ten is refused", required=False
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def load(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a load; the answer is the page that shows how far it is."""
    cube = open_whole_cube(request, slug, Right.LOAD_DATA)
    running = DataverseLoad.objects.filter(cube=cube, state__in=list(ACTIVE)).first()
    if running and request.method != "POST":
        return redirect("dataverse:status", slug, running.pk)
    sent = request.POST if request.method == "POST" else None
    form = FromDataverseForm(sent, initial={"environment": chosen_environment(request)})
    problems: list[Problem] = []
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("dataverse:status", slug, _request(request.user, cube, form).pk)
        except from_dataverse.LoadNotRequested as refused:
            problems = refused.problems
            form.add_error("environment", " ".join(f"{one.message} {one.hint}".strip() for one in problems))
    context = {"form": form, "problems": problems, "cube": cube, "back": reverse("cubes:load", args=[slug])}
    return render(request, "cubes/upload.html", context | TEXTS, status=422 if problems or form.errors else 200)


def _request(actor: Any, cube: Cube, form: FromDataverseForm) -> DataverseLoad:
    chosen = form.cleaned_data
    return from_dataverse.request_load(
        actor=actor,
        cube=cube,
        environment=chosen["environment"],
        extent=Extent(chosen["extent"]),
        mode=Mode(chosen["mode"] or Mode.REPLACE),
        allow_partial=chosen["partial"],
    )


@require_safe
@login_required
def status(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """How a load stands: its tables, rows and pages so far, what it waits for, and its report at the end."""
    return render(request, "exports/from_dataverse/page.html", _context(request, _open(request, slug, pk)))


@require_safe
@login_required
def live(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """The part of the page that changes. 286 at the end, so that the page stops asking."""
    found = _open(request, slug, pk)
    answer = render(request, "exports/from_dataverse/live.html", _context(request, found))
    if not found.is_active:
        answer.status_code = HTMX_STOP_POLLING
    return answer


@require_POST
@login_required
def stop(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Stop a load that is under way."""
    from_dataverse.stop(actor=request.user, load=_open(request, slug, pk))
    return redirect("dataverse:status", slug, pk)


@require_POST
@login_required
def go_on(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Let one's own failed load go on where it stopped."""
    try:
        from_dataverse.go_on(actor=request.user, load=_open(request, slug, pk))
    except from_dataverse.LoadNotRequested:
        return redirect("dataverse:load", slug)
    return redirect("dataverse:status", slug, pk)


def _open(request: HttpRequest, slug: str, pk: int) -> DataverseLoad:
    cube = open_whole_cube(request, slug, Right.LOAD_DATA)
    loads = DataverseLoad.objects.filter(cube=cube).select_related(
        "cube", "environment", "requested_by", "report__snapshot"
    )
    return get_object_or_404(loads, pk=pk)


def _context(request: HttpRequest, found: DataverseLoad) -> dict[str, Any]:
    kind, word = CHIPS[LoadState(found.state)]
    if found.report and found.report.snapshot is None:
        kind, word = "danger", "Not loaded"
    return {
        "cube": found.cube,
        "load": found,
        "kind": kind,
        "word": word,
        "tables": list(found.tables.all()),
        "nothing_changed": found.state == LoadState.DONE and found.report is None,
        "may_go_on": found.state == LoadState.FAILED and found.requested_by_id == request.user.pk,
    }
