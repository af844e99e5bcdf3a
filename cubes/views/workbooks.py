"""Create from Excel: workbooks, sheets, columns, review. Every page is a form that keeps what it is told."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from bpp_portal.kernel.problems import Problem
from bpp_portal.kernel.roles import Right, require
from cubes import operations
from cubes.models import WorkbookImport
from cubes.operations import workbooks as working
from cubes.rules.workbooks import checking
from cubes.rules.workbooks.plan import Plan, from_json
from cubes.rules.workbooks.profile import SheetProfile
from cubes.wizard.posted import posted_columns, posted_sheets
from cubes.wizard.reviewing import review_context
from cubes.wizard.shown import ROLES, columns_context, link_names, sheet_views

STEPS = (("sheets", "Sheets"), ("columns", "Columns"), ("review", "Review"))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def upload(request: HttpRequest) -> HttpResponse:
    """Choose the workbooks."""
    require(request.user, Right.MAINTAIN_CUBES)
    problems: list[Problem] = []
    if request.method == "POST":
        files = [
            working.Upload(file.name or "", file.size or 0, file.chunks()) for file in request.FILES.getlist("files")
        ]
        if not files:
            problems = [Problem("files-missing", "Choose the workbooks.", "files")]
        else:
            try:
                item = working.start(actor=request.user, files=files)
            except operations.CubeRefused as refused:
                problems = refused.problems
            else:
                for text in checking.file_warnings([(file.name, file.size) for file in files]):
                    messages.warning(request, text)
                return redirect("cubes:excel-sheets", item.key)
    mine = WorkbookImport.objects.filter(owner_id=request.user.pk)
    context = {"problems": problems, "mine": mine, "warned": checking.FILES_RECOMMENDED, "most": checking.MOST_BYTES}
    return render(request, "cubes/excel_upload.html", context, status=422 if problems else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def sheets(request: HttpRequest, key: UUID) -> HttpResponse:
    """Which sheet is the fact, which are dimensions."""
    item, profiles = _open(request, key)
    plan, known, problems = from_json(item.plan), working.known_dimensions(), []
    if request.method == "POST":
        plan = posted_sheets(plan, request.POST, profiles, known)
        working.change(item=item, plan=plan)
        problems = checking.sheet_problems(plan, profiles)
        if not problems:
            return redirect("cubes:excel-columns", key)
    context = {"views": sheet_views(plan, profiles, known), "roles": ROLES}
    return _page(request, item, "sheets", problems, context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def columns(request: HttpRequest, key: UUID) -> HttpResponse:
    """Relationships, primary name columns, drivers, types, linked columns."""
    item, profiles = _open(request, key)
    plan, known, problems = from_json(item.plan), working.known_dimensions(), []
    if checking.sheet_problems(plan, profiles):
        return redirect("cubes:excel-sheets", key)
    if request.method == "POST":
        plan = posted_columns(plan, request.POST, link_names(plan, known), known)
        working.change(item=item, plan=plan)
        problems = _unfit(plan, profiles, known)
        if not problems:
            return redirect("cubes:excel-review", key)
    return _page(request, item, "columns", problems, columns_context(plan, profiles, known))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def review(request: HttpRequest, key: UUID) -> HttpResponse:
    """What will be made; only the name can be changed here."""
    item, profiles = _open(request, key)
    plan, known = from_json(item.plan), working.known_dimensions()
    if checking.sheet_problems(plan, profiles) or _unfit(plan, profiles, known):
        return redirect("cubes:excel-columns", key)
    problems: list[Problem] = []
    if request.method == "POST":
        try:
            working.rename(item=item, name=request.POST.get("name", ""))
            return _create(request, item)
        except operations.CubeRefused as refused:
            problems = [Problem(one.code, one.message, "name") for one in refused.problems]
    context = review_context(plan, profiles, known) | {"name": request.POST.get("name", plan.name)}
    return _page(request, item, "review", problems, context)


def _create(request: HttpRequest, item: WorkbookImport) -> HttpResponse:
    with_data = request.POST.get("action") == "load"
    cube, report, problems = working.create(actor=request.user, item=item, with_data=with_data)
    messages.success(request, f"{cube.name} was created as a draft. Review it, then publish it.")
    for problem in problems:
        messages.error(request, f"The data was not loaded: {problem.message}")
    if report is not None:
        return redirect("cubes:load-report", cube.slug, report.pk)
    return redirect("cubes:review", cube.slug)


@require_POST
@login_required
def discard(request: HttpRequest, key: UUID) -> HttpResponse:
    """Forget the workbooks."""
    item, _ = _open(request, key)
    working.discard(item=item)
    messages.info(request, "The workbooks and your answers are gone.")
    return redirect("cubes:list")


def _open(request: HttpRequest, key: UUID) -> tuple[WorkbookImport, list[SheetProfile]]:
    """The import of this person; somebody else's is as if it were absent."""
    require(request.user, Right.MAINTAIN_CUBES)
    item = WorkbookImport.objects.filter(key=key, owner_id=request.user.pk).first()
    if item is None or not item.path.is_dir():
        raise Http404
    return item, working.profiles_of(item)


def _unfit(plan: Plan, profiles: list[SheetProfile], known: list[str]) -> list[Problem]:
    problems = checking.column_problems(plan, profiles, known)
    if problems:
        return problems
    try:
        working.checked_definition(plan)
    except operations.CubeRefused as refused:
        return [Problem(one.code, one.message, "use-0") for one in refused.problems]
    return []


def _page(
    request: HttpRequest, item: WorkbookImport, step: str, problems: list[Problem], context: dict[str, Any]
) -> HttpResponse:
    first_of = {problem.field: problem for problem in reversed(problems)}
    frame = {"item": item, "step": step, "steps": STEPS, "problems": problems, "first_of": first_of}
    return render(request, f"cubes/excel_{step}.html", frame | context, status=422 if problems else 200)
