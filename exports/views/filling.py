"""Filling in an export: what the pane, its page and the reuse page have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from bpp_portal.kernel.problems import Problem
from bpp_portal.kernel.roles import Right, has_right, require
from connections.chosen import chosen_environment
from connections.errors import RemoteError
from connections.models import Environment
from connections.queries import default_environment, environments
from cubes import queries as cube_queries
from cubes.models import Cube, Snapshot
from exports.forms import PaneForm, acted
from exports.models import Export
from exports.operations.requesting import ExportRefused, TokenReused, request_export, save_draft
from exports.queries.checking import cube_facts
from exports.queries.pane import Pane, open_pane
from exports.rules.checking import check_cube

UNFINISHED_FILTER = "filter-values-missing"
EXPORT, CONFIRMED, DRAFT = "export", "export-confirmed", "draft"


@dataclass
class Filling:
    """One request of somebody who fills in an export of `cube`."""

    request: HttpRequest
    cube: Cube
    template: str
    partial: str = ""
    reused: Export | None = None
    draft: Export | None = None
    context: dict[str, Any] = field(default_factory=dict)
    beside: Callable[[Pane], dict[str, Any]] | None = None

    def answer(self, form: PaneForm) -> HttpResponse:
        """The pressed button's doing, or the form as it is now."""
        snapshot = cube_queries.latest_snapshot(self.cube)
        problems = check_cube(cube_facts(self.cube))
        if snapshot is None:
            problems = [*problems, Problem("BRE-NO-DATA", "This cube has no data. Load data, then export.", "cube")]
        posted = self.request.method == "POST"
        if problems or snapshot is None:
            return self._render({"blocked": problems}, status=409 if posted else 200)
        try:
            environment = self._environment(form)
        except RemoteError as error:
            return self._render({"blocked": [error.problem()]})
        form = replace(form, environment=str(environment.pk))
        action = self.request.POST.get("action", "refresh")
        if action in (EXPORT, DRAFT) or action.startswith(CONFIRMED):
            return self._submit(snapshot, environment, form, action)
        return self._show(snapshot, environment, acted(form, action), fresh=not posted)

    def _environment(self, form: PaneForm) -> Environment:
        """The one that the form names, never another; before the form names any, the reader's."""
        environment = chosen_environment(self.request, asked=form.environment)
        if environment is None:
            return default_environment()  # which says what is missing
        if form.environment not in ("", str(environment.pk)):
            raise Http404
        return environment

    def _submit(self, snapshot: Snapshot, environment: Environment, form: PaneForm, action: str) -> HttpResponse:
        require(self.request.user, Right.SAVE_DRAFT if action == DRAFT else Right.EXPORT)
        unfinished = form.unfinished()
        if unfinished:
            return self._show(snapshot, environment, form, pressed=True, refused=unfinished)
        # What was confirmed names the environment that the question was about.
        asked = action == f"{CONFIRMED}:{environment.pk}"
        if action != DRAFT and not asked and environment.kind == Environment.Kind.PRODUCTION:
            return self._show(snapshot, environment, form, pressed=True, confirm=True)
        try:
            return self._save(environment, form) if action == DRAFT else self._export(environment, form)
        except ExportRefused as refusal:
            return self._show(snapshot, environment, form, pressed=True, refused=refusal.problems)
        except TokenReused as refusal:
            problem = Problem("BRE-SENT", str(refusal))
            return self._show(snapshot, environment, form, pressed=True, refused=[problem])
        except RemoteError as error:
            return self._show(snapshot, environment, form, pressed=True, refused=[error.problem()])

    def _save(self, environment: Environment, form: PaneForm) -> HttpResponse:
        export = save_draft(
            actor=self.request.user,
            cube=self.cube,
            environment=environment,
            chosen=form.configuration(),
            reused_from=self.reused,
            draft=self.draft,
        )
        messages.success(self.request, f"{export.name} is saved as a draft.")
        return self._go(f"{reverse('exports:list')}?tab=drafts")

    def _export(self, environment: Environment, form: PaneForm) -> HttpResponse:
        run = request_export(
            actor=self.request.user,
            cube=self.cube,
            environment=environment,
            chosen=form.configuration(),
            client_token=form.token,
            reused_from=self.reused,
            draft=self.draft,
        )
        return self._go(reverse("exports:run", args=[run.entry_number]))

    def _go(self, address: str) -> HttpResponse:
        if self.request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": address})
        return redirect(address)

    def _show(
        self,
        snapshot: Snapshot,
        environment: Environment,
        form: PaneForm,
        *,
        fresh: bool = False,
        pressed: bool = False,
        confirm: bool = False,
        refused: Sequence[Problem] = (),
    ) -> HttpResponse:
        user = self.request.user
        pane = open_pane(user=user, cube=self.cube, snapshot=snapshot, environment=environment, form=form, fresh=fresh)
        known = {problem.message for problem in pane.problems}
        problems = [*pane.problems, *(problem for problem in refused if problem.message not in known)]
        # What is missing is said once there is something to complete, not over an empty form or a new condition.
        shown = problems if pressed else [p for p in problems if pane.form.budget_model and p.code != UNFINISHED_FILTER]
        first_of = {problem.field: problem for problem in reversed(shown)}
        context = {
            "pane": pane,
            "problems": shown,
            "first_of": first_of,
            "quiet": () if pressed else (UNFINISHED_FILTER,),
            "blocking": bool(problems),
            "pressed": pressed and bool(problems),
            "confirm": confirm and not problems,
            "environment": environment,
            "target_environment": environment,
            "environments": environments(),
            "may_export": has_right(user, Right.EXPORT),
        }
        return self._render(context | (self.beside(pane) if self.beside else {}))

    def _render(self, context: dict[str, Any], status: int = 200) -> HttpResponse:
        headers = self.request.headers
        partial = bool(headers.get("HX-Request")) and not headers.get("HX-History-Restore-Request")
        template = self.partial if partial and self.partial else self.template
        in_pane = headers.get("HX-Target") == "pane" or self.request.POST.get("surface") == "pane"
        frame = {"cube": self.cube, "area": "cubes", "address": self.request.path, "in_pane": in_pane}
        everything = frame | self.context | context
        answer = render(self.request, template, everything, status=200 if partial else status)
        answer["Vary"] = "HX-Request"
        return answer


def cube_of(request: HttpRequest, slug: str) -> Cube:
    """The cube for somebody who may export or save drafts; 404 when it is absent or not for them."""
    require(request.user, Right.EXPORT, Right.SAVE_DRAFT)
    try:
        return cube_queries.cube_for(request.user, slug)
    except Cube.DoesNotExist:
        raise Http404 from None
