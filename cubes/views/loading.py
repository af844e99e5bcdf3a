"""Uploads of definitions and data, and publishing."""

import tempfile
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from bpp_portal.kernel.problems import Problem
from bpp_portal.kernel.roles import Right, require
from cubes import operations
from cubes.forms import DataForm, DefinitionForm
from cubes.models import Cube
from cubes.rules.loading import Mode

from .page import open_cube, open_whole_cube

IMPORT_TEXTS = {
    "heading": "Import definition",
    "before": "before this can be imported",
    "verb": "Import definition",
    "explanation": (
        "A cube with its dimensions and drivers, as JSON of Business performance planning. It becomes a draft."
    ),
    "offers_dataverse": False,
}
LOAD_TEXTS = {
    "heading": "Load data",
    "before": "before this can be loaded",
    "verb": "Load data",
    "explanation": (
        "The files become a new snapshot; earlier ones stay. A dimension without a file keeps its members. "
        "What cannot be loaded is named in the load report, nothing is trimmed, dropped or rounded in silence."
    ),
    "offers_dataverse": True,
}


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def import_definition(request: HttpRequest) -> HttpResponse:
    """Upload the definition of a cube."""
    require(request.user, Right.MAINTAIN_CUBES)
    form = DefinitionForm(request.POST or None, request.FILES or None)
    problems: list[Problem] = []
    if request.method == "POST" and form.is_valid():
        try:
            imported = _import(request.user, form.cleaned_data["definition"])
        except operations.CubeRefused as refused:
            problems = refused.problems
        else:
            messages.success(request, f"The definition of {imported.cube.name} was imported as a draft.")
            for reused in imported.reused:
                (messages.warning if reused.differences else messages.info)(request, str(reused))
            return redirect("cubes:cube", imported.cube.slug)
    context = {"form": form, "problems": problems, "cube": None, "back": reverse("cubes:list")}
    return render(request, "cubes/upload.html", context | IMPORT_TEXTS, status=422 if problems or form.errors else 200)


def _import(actor: Any, file: "UploadedFile[Any]") -> operations.Imported:
    try:
        text = file.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        message = "Error parsing JSON: the file is not UTF-8 text. Save it as UTF-8 and import it again."
        raise operations.CubeRefused([Problem("definition-unreadable", message, "definition")]) from None
    return operations.import_definition(actor=actor, text=text, origin=file.name or "")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def load(request: HttpRequest, slug: str) -> HttpResponse:
    """Upload facts and members; the answer is the load report."""
    cube = open_whole_cube(request, slug, Right.LOAD_DATA)
    names = [dimension.name for dimension in cube.shape().every_dimension]
    form = DataForm(request.POST or None, request.FILES or None, dimensions=names)
    problems: list[Problem] = []
    if request.method == "POST" and form.is_valid():
        try:
            return redirect("cubes:load-report", cube.slug, _load(request.user, cube, form))
        except operations.LoadRefused as refused:
            problems = refused.problems
            for problem in problems:
                if problem.field in ("mode", "numbers", "dates"):
                    form.add_error(problem.field, problem.message)
    context = {"form": form, "problems": problems, "cube": cube, "back": reverse("cubes:cube", args=[slug])}
    return render(request, "cubes/upload.html", context | LOAD_TEXTS, status=422 if problems or form.errors else 200)


def _load(actor: Any, cube: Cube, form: DataForm) -> int:
    """Load the uploaded files and return the number of the report."""
    with tempfile.TemporaryDirectory() as folder:
        facts = kept(form.cleaned_data["facts"], Path(folder), "facts")
        members = {
            name: kept(form.cleaned_data[field], Path(folder), field)
            for field, name in form.members.items()
            if form.cleaned_data[field]
        }
        report = operations.load(
            actor=actor,
            cube=cube,
            facts=facts,
            dimensions=members,
            allow_partial=form.cleaned_data["partial"],
            mode=Mode(form.cleaned_data["mode"] or Mode.REPLACE),
            notations=form.notations,
        )
    return int(report.pk)


def kept(file: "UploadedFile[Any]", folder: Path, name: str) -> operations.Source:
    """The upload as a file of the server's own naming; only its ending is the sender's."""
    path = folder / f"{name}{Path(file.name or '').suffix.lower()}"
    with path.open("wb") as target:
        for chunk in file.chunks():
            target.write(chunk)
    return operations.Source(path, file.name or name)


@require_POST
@login_required
def publish(request: HttpRequest, slug: str) -> HttpResponse:
    """Publish a draft."""
    cube = open_cube(request, slug, Right.MAINTAIN_CUBES)
    operations.publish(actor=request.user, cube=cube)
    messages.success(request, f"{cube.name} is published. It can be exported now.")
    return redirect("cubes:cube", slug)
