"""What people do with the flows; the page itself is put together by the portal."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from bpp_portal.kernel.roles import Right
from connections import operations, queries
from connections.models import Environment, Flow
from connections.rules.flows import FLOWS

from .page import open_environment, refusals_told, warned


@require_POST
@login_required
def install(request: HttpRequest, pk: int) -> HttpResponse:
    """Install the flows; whoever installs them owns them."""
    environment = open_environment(request, pk, Right.MANAGE_ENVIRONMENTS)
    with refusals_told(request):
        added = operations.install(actor=request.user, environment=environment)
        messages.success(request, _installed(request, added))
    return _back(environment)


@require_POST
@login_required
def update(request: HttpRequest, pk: int) -> HttpResponse:
    """Add missing flows and take those that nobody owns."""
    environment = open_environment(request, pk, Right.MANAGE_ENVIRONMENTS)
    with refusals_told(request):
        taken = operations.update_flows(actor=request.user, environment=environment)
        names = ", ".join(flow.name for flow in taken)
        messages.success(request, f"You are the owner of {names}." if taken else "Every flow has an owner.")
    return _back(environment)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def take_ownership(request: HttpRequest, pk: int) -> HttpResponse:
    """Explain, then act."""
    environment = open_environment(request, pk)
    if request.method == "POST":
        with refusals_told(request):
            left = operations.take_ownership(actor=request.user, environment=environment)
            messages.success(request, "You own all three flows. Connect your own connections, then turn them on.")
            warned(request, left)
        return _back(environment)
    owners = {str(flow.owner) for flow in queries.flows(environment=environment) if flow.owner}
    context = {"environment": environment, "owners": ", ".join(sorted(owners))}
    return render(request, "connections/take_ownership.html", context)


@require_POST
@login_required
def turn_on_all(request: HttpRequest, pk: int) -> HttpResponse:
    """Turn on every flow that can be; what keeps another one off is said. With `save` definitions are saved first."""
    environment = open_environment(request, pk)
    return _turn_on(request, environment, list(FLOWS), save="save" in request.POST)


@require_POST
@login_required
def turn_on(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Turn one flow on; with `save` its definition in Dataverse is saved first."""
    environment = open_environment(request, pk)
    return _turn_on(request, environment, [_known(name)], save="save" in request.POST)


@require_POST
@login_required
def turn_off(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """Turn one flow off; runs that need it wait or fail with that reason."""
    environment = open_environment(request, pk)
    with refusals_told(request):
        left = operations.turn_off(actor=request.user, environment=environment, name=_known(name))
        messages.success(request, f"{name} is off.")
        warned(request, left)
    return _back(environment)


@require_POST
@login_required
def bring_in_line(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the cloud flows in Dataverse the owner, connections and state that the portal's have."""
    environment = open_environment(request, pk)
    with refusals_told(request):
        try:
            operations.bring_in_line(actor=request.user, environment=environment, save="save" in request.POST)
            messages.success(request, "Dataverse follows what stands here.")
        except operations.SaveFirst as refused:
            return _save_first(request, environment, refused, compare="1")
    return _back(environment, compare="1")


def _turn_on(request: HttpRequest, environment: Environment, names: list[str], *, save: bool = False) -> HttpResponse:
    with refusals_told(request):
        try:
            if len(names) == 1:
                operations.turn_on(actor=request.user, environment=environment, name=names[0], save=save)
            else:
                names = operations.turn_on_all(actor=request.user, environment=environment, save=save)
            messages.success(request, f"{names[0]} is on." if len(names) == 1 else "The flows are on.")
        except operations.SaveFirst as refused:
            return _save_first(request, environment, refused)
    return _back(environment)


def _save_first(
    request: HttpRequest, environment: Environment, refused: operations.SaveFirst, **query: str
) -> HttpResponse:
    """The page once more, where the flows that Dataverse refused have the button *Save and turn on*."""
    for problem in refused.problems:
        messages.error(request, f"{problem.message} {problem.hint}")
    return _back(environment, save=[problem.field for problem in refused.problems], **query)


def _installed(request: HttpRequest, added: list[Flow]) -> str:
    """Who owns what was installed: the reader, or the person who owned it in Dataverse already."""
    if not added:
        return "All flows were there."
    mine = [flow.name for flow in added if flow.owner_id == request.user.pk]
    words = [f"Installed, and you own them: {', '.join(mine)}." if mine else "Installed."]
    words += [f"{one.name} stays with {one.owner}, its owner in Dataverse." for one in added if one.name not in mine]
    return " ".join(words)


def _known(name: str) -> str:
    if name not in FLOWS:
        raise Http404
    return name


def _back(environment: Environment, **query: str | list[str]) -> HttpResponse:
    return redirect(reverse("flows", query={"environment": environment.pk, **query}))
