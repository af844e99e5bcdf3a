"""Load reports: what was refused, as a page and as files, and the corrected files that come back."""

import io
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from bpp_portal.kernel.problems import Problem
from bpp_portal.kernel.roles import Right
from cubes import operations
from cubes.forms import CorrectionForm
from cubes.models import Cube, Load, LoadTable
from cubes.reporting import downloads
from cubes.reporting.errors import Chosen, RefusedPage, refused_page
from cubes.rules.loading import TableState

from .loading import kept
from .page import cube_context, open_cube

ERRORS_PER_PAGE = 100
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CHIPS = {
    TableState.LOADED: "success",
    TableState.PARTIAL: "warning",
    TableState.FAILED: "danger",
    TableState.SKIPPED: "neutral",
}


@require_safe
@login_required
def loads(request: HttpRequest, slug: str) -> HttpResponse:
    """What was loaded, and how much of it was refused."""
    cube = open_cube(request, slug, Right.LOAD_DATA)
    found = cube.loads.select_related("created_by", "snapshot")
    return render(request, "cubes/loads.html", cube_context(cube, "loads") | {"loads": found})


@require_safe
@login_required
def load_report(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """One load: its tables, and every refused value with file, line, column and reason."""
    cube, load = _open(request, slug, pk)
    return _page(request, cube, load, CorrectionForm(tables=_incomplete(load)), [])


@require_POST
@login_required
def correct(request: HttpRequest, slug: str, pk: int) -> HttpResponse:
    """Take corrected files; the answer is the report of the load that they complete."""
    cube, load = _open(request, slug, pk)
    form = CorrectionForm(request.POST, request.FILES, tables=_incomplete(load))
    problems: list[Problem] = []
    if form.is_valid():
        try:
            return redirect("cubes:load-report", cube.slug, _correct(request.user, load, form))
        except operations.LoadRefused as refused:
            problems = refused.problems
    return _page(request, cube, load, form, problems)


@require_safe
@login_required
def errors_file(request: HttpRequest, slug: str, pk: int, kind: str) -> HttpResponseBase:
    """The refused values, all or as filtered, as CSV or workbook for people."""
    _, load = _open(request, slug, pk)
    name = f"load-{load.pk}-errors.{kind}"
    if kind == "csv":
        return _csv(downloads.errors_csv(load, _chosen(request)), name)
    return _workbook(lambda file: downloads.errors_xlsx(load, _chosen(request), file), name)


@require_safe
@login_required
def records_file(request: HttpRequest, slug: str, pk: int) -> HttpResponseBase:
    """The refused records of a table in the layout of their file, to be corrected and sent back."""
    _, load = _open(request, slug, pk)
    table = get_object_or_404(load.tables, key=request.GET.get("table", ""))
    records = downloads.refused_records(load, table)
    if records is None:
        raise Http404
    suffix = downloads.records_suffix(table)
    name = f"{Path(table.file).stem}-refused{suffix}"
    if suffix == ".csv":
        return _csv(downloads.records_csv(records), name)
    return _workbook(lambda file: downloads.records_xlsx(records, file), name)


def _open(request: HttpRequest, slug: str, pk: int) -> tuple[Cube, Load]:
    cube = open_cube(request, slug, Right.LOAD_DATA)
    return cube, get_object_or_404(cube.loads.select_related("snapshot", "corrects"), pk=pk)


def _chosen(request: HttpRequest) -> Chosen:
    return Chosen(request.GET.get("column", ""), request.GET.get("reason", ""))


def _incomplete(load: Load) -> list[LoadTable]:
    """Tables whose refused records can be corrected still."""
    if load.corrections.exists():
        return []
    return [table for table in load.tables.all() if downloads.refused_records(load, table) is not None]


def _correct(actor: Any, load: Load, form: CorrectionForm) -> int:
    with tempfile.TemporaryDirectory() as folder:
        files = {
            key: kept(form.cleaned_data[field], Path(folder), field)
            for field, key in form.keys.items()
            if form.cleaned_data[field]
        }
        return int(operations.correct(actor=actor, load=load, files=files).pk)


def _page(request: HttpRequest, cube: Cube, load: Load, form: CorrectionForm, problems: list[Problem]) -> HttpResponse:
    chosen = _chosen(request)
    asked = request.GET.get("page", "1")
    number = max(int(asked), 1) if asked.isdecimal() and len(asked) < 9 else 1
    found = refused_page(load=load, chosen=chosen, start=(number - 1) * ERRORS_PER_PAGE, size=ERRORS_PER_PAGE)
    tables = [
        (table, CHIPS[TableState(table.state)], downloads.refused_records(load, table) is not None)
        for table in load.tables.all()
    ]
    context = {
        "load": load,
        "tables": tables,
        "counts": _counts(table.state for table, _, _ in tables),
        "page": _paged(found, number),
        "found": found,
        "chosen": chosen,
        "has_sheets": any(value.sheet for value in found.values),
        "form": form,
        "problems": problems,
        "corrections": load.corrections.all(),
    }
    status = 422 if problems or form.errors else 200
    return render(request, "cubes/load_report.html", cube_context(cube, "loads") | context, status=status)


def _counts(states: Any) -> list[tuple[str, int]]:
    """Tables processed, and how many of them came to each end."""
    found = Counter(states)
    return [("Tables processed", found.total()), *((str(state), found[state]) for state in TableState)]


def _paged(found: RefusedPage, number: int) -> Page[Any]:
    """The page that was read already, in a paginator that knows the number of all."""
    paginator = Paginator(range(found.count), ERRORS_PER_PAGE)
    return Page(found.values, min(number, paginator.num_pages), paginator)


def _csv(rows: Any, name: str) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(rows, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = _attachment(name)
    return answer


def _workbook(write: Callable[[IO[bytes]], None], name: str) -> FileResponse:
    file = io.BytesIO()
    write(file)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=name, content_type=WORKBOOK)


def _attachment(name: str) -> str:
    return content_disposition_header(as_attachment=True, filename=name) or ""
