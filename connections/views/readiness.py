"""The readiness page: every precondition in one line, what its absence causes, and a button that mends it."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from bpp_portal.kernel.roles import Right, has_right, require
from connections import operations, readiness_operations
from connections.chosen import chosen_environment
from connections.errors import ConnectionMissing, Refused, RemoteError
from connections.models import Environment
from connections.queries.readiness.remembered import remembered
from connections.rules.readiness import BY_KEY, Fix, Group, Precondition, Report, Row, State

# Every role holds one of these.
READS = (Right.READ_CUBES, Right.READ_RUNS, Right.MANAGE_CONNECTIONS)
FIXES = (Right.MANAGE_CONNECTIONS, Right.MANAGE_ENVIRONMENTS)
# Where a fix is done: the page of its own if this portal has it, else the administration.
PAGES = {
    Fix.FLOWS: ("Open flows", "flows"),
    Fix.CONNECTIONS: ("Open connections", "connections:list"),
    Fix.ENVIRONMENTS: ("Open environments", "connections:environments"),
}


@dataclass(frozen=True)
class GroupView:
    """One group of the page."""

    group: Group
    rows: tuple[Row, ...]

    @property
    def is_open(self) -> bool:
        return any(row.is_open for row in self.rows)

    @property
    def summary(self) -> str:
        counts = {state: sum(1 for row in self.rows if row.state is state) for state in State}
        words = [f"{counts[State.PASSED]} of {len(self.rows)} passed"]
        words += [f"{counts[State.NOT_CHECKED]} not checked"] if counts[State.NOT_CHECKED] else []
        return ", ".join(words)


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """The last result at once, with its time; the first visit starts a check."""
    require(request.user, *READS)
    return _render(request, "connections/readiness/page.html", _asked_entity(request.GET.get("legal_entity", "")))


@require_POST
@login_required
def check(request: HttpRequest) -> HttpResponse:
    """Ask everything again."""
    require(request.user, *READS)
    entity = _asked_entity(request.POST.get("legal_entity", ""))
    environment = _environment(request)
    if environment is None:
        return redirect("readiness:page")
    report = readiness_operations.check_again(environment=environment, legal_entity=entity, actor=request.user)
    return _answer(request, report.legal_entity)


@require_POST
@login_required
def fix(request: HttpRequest) -> HttpResponse:
    """Do what the row offers, then check again."""
    require(request.user, *FIXES)
    environment, row = _environment(request), BY_KEY.get(request.POST.get("key", ""))
    if environment is None or row is None or not row.fix.is_deed:
        raise Http404
    entity = _asked_entity(request.POST.get("legal_entity", ""))
    try:
        said = _mend(request, environment, row)
    except Refused as refused:
        return _answer(request, entity, "danger", " ".join(f"{p.message} {p.hint}".strip() for p in refused.problems))
    except ConnectionMissing as error:
        return _answer(request, entity, "danger", f"{error.cause} {error.hint}")
    except RemoteError as error:
        return _answer(
            request, entity, "danger", " ".join(filter(None, (f"{error.headline}.", error.cause, error.hint)))
        )
    readiness_operations.check_again(environment=environment, legal_entity=entity)
    return _answer(request, entity, "success", said)


def _mend(request: HttpRequest, environment: Environment, row: Precondition) -> str:
    """Carry the fix out; the sentence that says so."""
    if row.fix is Fix.MAKE_VISIBLE:
        readiness_operations.show_entity(actor=request.user, environment=environment, entity=row.target)
        return f"Dataverse makes {row.target} visible. That may take a minute; then check again."
    if row.fix is Fix.SET_VARIABLE:
        value = request.POST.get("value", "")
        readiness_operations.set_finance_url(actor=request.user, environment=environment, value=value)
        return f"{row.label} is set."
    operations.turn_on(actor=request.user, environment=environment, name=row.target)
    return f"{row.target} is on."


def _answer(request: HttpRequest, entity: str, kind: str = "", said: str = "") -> HttpResponse:
    """The report for htmx, else the page anew."""
    if request.headers.get("HX-Request"):
        return _render(request, "connections/readiness/report.html", entity, {"said": said, "said_kind": kind})
    if said:
        messages.add_message(request, messages.SUCCESS if kind == "success" else messages.ERROR, said)
    environment = request.POST.get("environment", "")
    query = {"environment": environment, "legal_entity": entity}
    return redirect(reverse("readiness:page", query={name: text for name, text in query.items() if text}))


def _render(request: HttpRequest, template: str, entity: str, more: dict[str, Any] | None = None) -> HttpResponse:
    environment = _environment(request)
    report = remembered(environment=environment, legal_entity=entity) if environment else None
    mine = report.seen_by(request.user.get_username()) if report else None
    context = {
        "environment": environment,
        "environment_of_check": environment,
        "report": mine,
        "groups": [GroupView(group, rows) for group, rows in mine.groups()] if mine else [],
        "legal_entity": mine.legal_entity if mine else entity,
        "legal_entities": _entities(environment, mine),
        "may_fix": any(has_right(request.user, right) for right in FIXES),
        "pages": _pages(request),
        "every_minutes": round(settings.READINESS_EVERY / 60),
        "area": "readiness",
    }
    return render(request, template, context | (more or {}))


def _pages(request: HttpRequest) -> dict[str, tuple[str, str]]:
    """Fix → label and address of the page where it is done, for those who may."""
    if not has_right(request.user, Right.MANAGE_CONNECTIONS):
        return {}
    return {kind.value: (label, reverse(name)) for kind, (label, name) in PAGES.items()}


def _entities(environment: Environment | None, report: Report | None) -> tuple[str, ...]:
    if report is not None and report.legal_entities:
        return report.legal_entities
    latest = remembered(environment=environment) if environment else None
    return latest.legal_entities if latest else ()


def _environment(request: HttpRequest) -> Environment | None:
    """The one that the page names, else the reader's."""
    return chosen_environment(request, asked=(request.POST or request.GET).get("environment", ""))


def _asked_entity(text: str) -> str:
    """A legal entity's code as it may be asked for; anything else counts as none."""
    return text if len(text) <= 20 and text.isprintable() else ""
