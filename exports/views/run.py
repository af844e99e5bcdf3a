"""The page of a run, its live part, and its lines as a file."""

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe
from django_htmx.http import HTMX_STOP_POLLING, trigger_client_event

from bpp_portal.kernel.formulas import neutral
from bpp_portal.kernel.roles import Right, has_right, require
from exports import frozen
from exports.models import Run
from exports.operations.requesting import may_stop
from exports.queries.run_page import CREATED, RunPage
from exports.rules.states import ACTIVE, CHIP_OF, State


def run_of(request: HttpRequest, number: str) -> Run:
    """The run for somebody who may read runs, or 404."""
    require(request.user, Right.READ_EXPORTS, Right.READ_RUNS)
    runs = Run.objects.select_related("export__cube", "snapshot", "requested_by", "environment")
    return get_object_or_404(runs, entry_number=number)


@require_safe
@login_required
def run_page(request: HttpRequest, number: str) -> HttpResponse:
    """How a run stands, what it sends, and the proof."""
    run = run_of(request, number)
    return render(request, "exports/run.html", _context(request, run))


@require_safe
@login_required
def live(request: HttpRequest, number: str) -> HttpResponse:
    """The part of the page that changes. 286 at the end, so that the page stops asking."""
    run = run_of(request, number)
    seen = request.GET.get("seen", "")
    context = _context(request, run) | {"live": True, "announce": _word(seen) != _word(run.state)}
    answer = render(request, "exports/run_live.html", context)
    if not run.is_active:
        answer.status_code = HTMX_STOP_POLLING
        if run.status is State.SUCCEEDED and seen in list(ACTIVE):
            text = f"Entry {run.entry_number}{context['page'].with_lines}"
            trigger_client_event(answer, "toast", {"kind": "success", "title": CREATED, "text": text})
    return answer


def _word(state: str) -> str:
    """What people read for a state; several states read the same."""
    return CHIP_OF[State(state)][1] if state in list(State) else ""


def _context(request: HttpRequest, run: Run) -> dict[str, Any]:
    page = RunPage(run, numbers=has_right(request.user, Right.READ_EXPORTS))
    search, outcome = request.GET.get("q", ""), request.GET.get("outcome", "")
    outcome = outcome if outcome in list(frozen.Outcome) else ""
    asked = request.GET.get("page", "1")
    number = max(int(asked), 1) if asked.isdecimal() and len(asked) < 9 else 1
    query = request.GET.copy()
    query.pop("seen", None)
    return {
        "page": page,
        "run": run,
        "environment": run.environment,
        "lines": page.lines(search=search, outcome=outcome, page=number),
        "search": search,
        "outcome": outcome,
        "line_page": number,
        "kept_query": query.urlencode(),
        "created_title": CREATED,
        "may_stop": has_right(request.user, Right.EXPORT) and may_stop(user=request.user, run=run),
    }


@require_safe
@login_required
def lines_csv(request: HttpRequest, number: str) -> StreamingHttpResponse:
    """The frozen lines as CSV; text that a spreadsheet would take for a formula gets an apostrophe before it."""
    require(request.user, Right.READ_EXPORTS)
    run = run_of(request, number)
    page = RunPage(run, numbers=True)
    if not page.has_lines:
        raise Http404
    answer = StreamingHttpResponse(_csv(run, page.segment_labels), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{run.entry_number}-lines.csv"'
    return answer


class _Echo:
    """A file for `csv.writer` that gives the text back."""

    def write(self, text: str) -> str:
        return text


def _csv(run: Run, labels: list[str]) -> Iterator[str]:
    write = csv.writer(_Echo()).writerow
    yield "\ufeff" + str(
        write(["Line", *map(neutral, labels), "Date", "Amount type", "Currency", "Amount", "Cube rows"])
    )
    segments = len(labels)
    for number, *cells in frozen.line_rows(run.folder, segments=segments):
        texts = [neutral(cell or "") for cell in cells[:segments]]
        day, kind, currency, amount, rows = cells[segments:]
        yield str(write([number, *texts, day, neutral(kind), neutral(currency), f"{amount:f}", rows]))
