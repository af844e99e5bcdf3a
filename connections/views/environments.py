"""Environments: list, detail, set-up, the variable and the virtual entities."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bpp_portal.kernel.roles import Right, require
from connections import operations
from connections.errors import Refused, RemoteError
from connections.forms import EnvironmentForm
from connections.models import Environment
from connections.queries.access import connection_of
from connections.queries.credentials import credential_expiry
from connections.queries.environment_page import found_in
from connections.rules.flows import ConnectionKind

from .page import open_environment, refusals_told, told


@require_safe
@login_required
def environment_list(request: HttpRequest) -> HttpResponse:
    """All environments, without asking any of them."""
    require(request.user, Right.MANAGE_CONNECTIONS)
    rows = [(one, credential_expiry(environment=one)) for one in Environment.objects.all()]
    return render(request, "connections/environments.html", {"rows": rows})


@require_safe
@login_required
def environment_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One environment as Dataverse shows it now."""
    return _page(request, open_environment(request, pk))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def edit(request: HttpRequest, pk: int | None = None) -> HttpResponse:
    """Set up a new environment, or change one."""
    require(request.user, Right.MANAGE_ENVIRONMENTS)
    environment = open_environment(request, pk, Right.MANAGE_ENVIRONMENTS) if pk else None
    form = EnvironmentForm(request.POST or None, instance=environment)
    if request.method == "POST" and form.is_valid():
        saved = operations.save_environment(actor=request.user, **form.values())
        messages.success(request, f"{saved.name} is saved.")
        return redirect("connections:environment", saved.pk)
    context = {"form": form, "shown": environment}
    return render(request, "connections/environment_form.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def set_variable(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the current value of BPP App FinOps URI in Dataverse."""
    environment = open_environment(request, pk, Right.MANAGE_ENVIRONMENTS)
    value = request.POST.get("value", "").strip()
    try:
        root = operations.set_finance_url(actor=request.user, environment=environment, value=value)
    except Refused as refused:
        return _page(request, environment, entered=value, problem=refused.problems[0], status=422)
    except RemoteError as error:
        messages.error(request, told(error))
    else:
        messages.success(request, f"BPP App FinOps URI is {root}.")
    return redirect("connections:environment", pk)


@require_POST
@login_required
def make_visible(request: HttpRequest, pk: int, entity: str) -> HttpResponse:
    """Switch a virtual entity on."""
    environment = open_environment(request, pk)
    with refusals_told(request):
        if operations.make_visible(actor=request.user, environment=environment, entity=entity):
            messages.success(request, f"Dataverse makes {entity} visible. It can take a minute until it can be read.")
        else:
            messages.info(request, f"{entity} is visible already.")
    return redirect("connections:environment", pk)


def _page(
    request: HttpRequest, environment: Environment, entered: str = "", problem: object = None, status: int = 200
) -> HttpResponse:
    found = found_in(environment=environment, user=request.user)
    own = connection_of(environment=environment, user=request.user, kind=ConnectionKind.DATAVERSE)
    context = {
        "environment": environment,
        "found": found,
        "steps": found.steps(linked=environment.linked_through != Environment.Link.NONE),
        "own": own,
        "untouched": own is None and not environment.flows.exists(),
        "expiry": credential_expiry(environment=environment),
        "entered": entered,
        "problem": problem,
    }
    return render(request, "connections/environment.html", context, status=status)
