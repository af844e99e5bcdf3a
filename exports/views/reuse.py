"""Reuse configuration: an earlier export beside the cube as it is now; and drafts."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from bpp_portal.kernel.roles import Right, require
from exports.forms import of_configuration, read_form
from exports.models import Export, Run
from exports.queries.configurations import configuration_of
from exports.queries.reusing import compare

from .filling import Filling, cube_of
from .kept import kept_form, login_keeping_form


@require_http_methods(["GET", "HEAD", "POST"])
@login_keeping_form
def reuse(request: HttpRequest, number: str) -> HttpResponse:
    """The configuration of run `number`, what of it still fits, and what it would send now."""
    require(request.user, Right.EXPORT, Right.SAVE_DRAFT)
    run = get_object_or_404(Run.objects.select_related("export__cube", "snapshot", "requested_by"), entry_number=number)
    cube = cube_of(request, run.export.cube.slug)
    earlier = configuration_of(run.export)
    if request.method == "POST":
        form = read_form(request.POST)
    else:
        form = kept_form(request) or of_configuration(earlier, reuse=number, environment=str(run.environment_id))
    context = {"run": run, "earlier": earlier, "area": "exports"}
    filling = Filling(
        request,
        cube,
        template="exports/reuse.html",
        partial="exports/reuse_form.html",
        reused=run.export,
        context=context,
        beside=lambda pane: {"reuse": compare(run=run, earlier=earlier, pane=pane)},
    )
    return filling.answer(form)


@require_safe
@login_required
def draft(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft opens in its cube's pane."""
    require(request.user, Right.EXPORT, Right.SAVE_DRAFT)
    export = get_object_or_404(Export.objects.select_related("cube"), pk=pk, run__isnull=True)
    return redirect(f"{reverse('pane:open', args=[export.cube.slug])}?draft={export.pk}")
