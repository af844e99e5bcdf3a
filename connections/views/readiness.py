"""The readiness page: every precondition in one line, what its absence causes, and a button that mends it."""

import time
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from bpp_portal.kernel.roles import Right, has_right, require
from connections import operations
from connections.chosen import chosen_environment
from connections.errors import Refused, RemoteError
from connections.models import Environment
from connections.queries import environments
from connections.queries.readiness.remembered import remembered
from connections.queries.readiness.running import Running, running
from connections.rules.readiness import BY_KEY, Fix, Group, Precondition, Report, Row, State

from .page import told

# Every role holds one of these.
READS = (Right.READ_CUBES, Right.READ_RUNS, Right.MANAGE_CONNECTIONS)
FIXES = (Right.MANAGE_CONNECTIONS, Right.MANAGE_ENVIRONMENTS)
# Where a fix is done: the page of its own if this portal has it, else the administration.
PAGES = {
    Fix.FLOWS: ("Open flows", "flows"),
    Fix.CONNECTIONS: ("Open connections", "connections:list"),
    Fix.ENVIRONMENTS: ("Open environments", "connections:environments"),
}

REPORT = "connections/readiness/report.html"
KINDS = {State.FAILS: "danger", State.WARNING: "warning", State.PASSED: "success", State.NOT_CHECKED: "info"}
LEVELS = {"success": messages.SUCCESS, "warning": messages.WARNING, "info": messages.INFO}
# A check that was started from a page and was not heard of for this long will not come; seconds.
GIVEN_UP_AFTER = 15


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


@dataclass(frozen=True)
class Scene:
    """What the page is about: one of the environments (None: there is none), and the legal entity asked for."""

    environment: Environment | None
    environments: tuple[Environment, ...]
    legal_entity: str

    @property
    def query(self) -> str:
        """The same page again; the only environment need not be named."""
        named = {"environment": self.environment.pk} if self.environment and len(self.environments) > 1 else {}
        values = named | ({"legal_entity": self.legal_entity} if self.legal_entity else {})
        return f"?{urlencode(values)}" if values else ""


@require_safe
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """The last result at once, with its time; the first visit starts a check."""
    require(request.user, *READS)
    return _render(request, "connections/readiness/page.html", _scene(request))


@require_safe
@login_required
def live(request: HttpRequest) -> HttpResponse:
    """How far the running check got, for whoever looks on; once it has ended, the report.

    `begin` starts one, unless one runs: the answer holds the request that does it. `begun` (seconds since the epoch)
    says that one was started from this page then: until it is heard of, nothing changes.
    """
    require(request.user, *READS)
    scene, now = _scene(request), int(time.time())
    if scene.environment is None:
        return _render(request, REPORT, scene)
    going = running(environment=scene.environment)
    if "begin" in request.GET:
        return _progress(request, scene, going or Running({}), 0 if going else now)
    begun = request.GET.get("begun", "")
    since = int(begun) if begun.isdecimal() and len(begun) <= 12 else 0
    if going:
        return _progress(request, scene, going, since)
    report = remembered(environment=scene.environment, legal_entity=scene.legal_entity)
    if since <= now < since + GIVEN_UP_AFTER and (report is None or report.checked_at.timestamp() < since):
        return HttpResponse(status=204)
    return _render(request, REPORT, scene)


@require_POST
@login_required
def check(request: HttpRequest) -> HttpResponse:
    """Ask everything again, or with `key` about one precondition and what it waits for."""
    require(request.user, *READS)
    scene, about = _scene(request), BY_KEY.get(request.POST.get("key", ""))
    if scene.environment is None:
        return redirect("readiness:page")
    asked: dict[str, Any] = {"environment": scene.environment, "legal_entity": scene.legal_entity}
    if about is None:
        report = operations.check_again(**asked, actor=request.user, join=True)
        return _answer(request, replace(scene, legal_entity=report.legal_entity))
    report = operations.check_row(**asked, key=about.key, actor=request.user)
    row = report.seen_by(request.user.get_username()).row(about.key)
    said = f"Checked again: {about.label}. {row.state.value}: {row.found}"
    return _answer(request, replace(scene, legal_entity=report.legal_entity), KINDS[row.state], said)


@require_POST
@login_required
def fix(request: HttpRequest) -> HttpResponse:
    """Do what the row offers, then check again."""
    require(request.user, *FIXES)
    scene, row = _scene(request), BY_KEY.get(request.POST.get("key", ""))
    if scene.environment is None or row is None or not row.fix.is_deed:
        raise Http404
    try:
        said = _mend(request, scene.environment, row)
    except Refused as refused:
        return _answer(request, scene, "danger", " ".join(f"{p.message} {p.hint}".strip() for p in refused.problems))
    except RemoteError as error:
        return _answer(request, scene, "danger", told(error))
    operations.check_again(environment=scene.environment, legal_entity=scene.legal_entity)
    return _answer(request, scene, "success", said)


def _mend(request: HttpRequest, environment: Environment, row: Precondition) -> str:
    """Carry the fix out; the sentence that says so."""
    if row.fix is Fix.MAKE_VISIBLE:
        operations.make_visible(actor=request.user, environment=environment, entity=row.target)
        return f"Dataverse makes {row.target} visible. That may take a minute; then check again."
    if row.fix is Fix.SET_VARIABLE:
        value = request.POST.get("value", "")
        operations.set_finance_url(actor=request.user, environment=environment, value=value)
        return f"{row.label} is set."
    operations.turn_on(actor=request.user, environment=environment, name=row.target)
    return f"{row.target} is on."


def _answer(request: HttpRequest, scene: Scene, kind: str = "", said: str = "") -> HttpResponse:
    """The report for htmx, else the page anew."""
    if request.headers.get("HX-Request"):
        return _render(request, REPORT, scene, {"said": said, "said_kind": kind})
    if said:
        messages.add_message(request, LEVELS.get(kind, messages.ERROR), said)
    return redirect(f"{reverse('readiness:page')}{scene.query}")


def _progress(request: HttpRequest, scene: Scene, going: Running, begun: int) -> HttpResponse:
    context = {"scene": scene, "going": going, "begun": begun, "environment_of_check": scene.environment}
    return render(request, "connections/readiness/progress.html", context)


def _render(request: HttpRequest, template: str, scene: Scene, more: dict[str, Any] | None = None) -> HttpResponse:
    environment, entity = scene.environment, scene.legal_entity
    report = remembered(environment=environment, legal_entity=entity) if environment else None
    mine = report.seen_by(request.user.get_username()) if report else None
    context = {
        "scene": scene,
        "going": running(environment=environment) if environment and template != REPORT else None,
        "begun": 0,
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


def _scene(request: HttpRequest) -> Scene:
    """What the request names; 404 for an environment that is not there. Without a name the reader's is meant."""
    every, asked = tuple(environments()), request.POST or request.GET
    number, entity = asked.get("environment", ""), _asked_entity(asked.get("legal_entity", ""))
    if not number:
        return Scene(chosen_environment(request), every, entity)
    found = next((one for one in every if str(one.pk) == number), None)
    if found is None:
        raise Http404
    return Scene(found, every, entity)


def _asked_entity(text: str) -> str:
    """A legal entity's code as it may be asked for; anything else counts as none."""
    return text if len(text) <= 20 and text.isprintable() else ""
