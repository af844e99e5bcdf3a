"""Connections: the list, signing in with one's own account, and removing."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bpp_portal.kernel.roles import Right, has_right, require
from connections import operations
from connections.chosen import chosen_environment
from connections.forms import ConnectForm
from connections.models import Connection, Environment
from connections.queries.access import connection_of
from connections.queries.credentials import connection_rows, credential_expiry
from connections.rules.flows import ConnectionKind

from .page import refusals_told, warned

SESSION = "sign-ins"
PENDING = 5
STALE = (
    "This sign-in was finished already or was not begun in this browser, so nothing was connected. "
    "Start again with New connection."
)


@require_safe
@login_required
def connection_list(request: HttpRequest) -> HttpResponse:
    """All connections, or one's own where one only loads data, and the form for a new one."""
    require(request.user, Right.CONNECT_ACCOUNT)
    environments = list(Environment.objects.all())
    manages = has_right(request.user, Right.MANAGE_CONNECTIONS)
    expiries = [(one, credential_expiry(environment=one)) for one in environments] if manages else []
    context = {
        "rows": connection_rows(reader=request.user),
        "form": ConnectForm(initial={"environment": chosen_environment(request)}, user=request.user),
        "environments": environments,
        "expiries": expiries,
        "ending": [pair for pair in expiries if pair[1].kind in ("warning", "danger")],
        "may_remove_all": has_right(request.user, Right.MANAGE_USERS),
    }
    return render(request, "connections/list.html", context)


@require_POST
@login_required
def sign_in(request: HttpRequest) -> HttpResponse:
    """Begin a sign-in: its secrets stay in the session, the browser goes to Entra's page by a header, not by the form.

    (The policy lets forms lead to the portal only, also through a redirect.)
    """
    require(request.user, Right.CONNECT_ACCOUNT)
    form = ConnectForm(request.POST, user=request.user)
    if not form.is_valid():
        messages.error(request, "Choose an environment and a kind of connection.")
        return redirect("connections:list")
    chosen = form.cleaned_data
    kind, back = ConnectionKind(chosen["kind"]), chosen["back"] or "connections"
    with refusals_told(request):
        if chosen.get("auth") == Connection.Auth.APPLICATION:
            replaced = connection_of(environment=chosen["environment"], user=request.user, kind=kind)
            used_by = [each.flow for each in replaced.references.select_related("flow")] if replaced else []
            if replaced and used_by and replaced.auth == Connection.Auth.PERSON and "confirmed" not in request.POST:
                context = {"connection": replaced, "used_by": used_by, "back": back}
                return render(request, "connections/replace.html", context)
            made = operations.connect_application(actor=request.user, environment=chosen["environment"], kind=kind)
            messages.success(request, f"{kind.label} is connected as {made.account}.")
            _follow(request, made.environment)
            return redirect(_address(back, made.environment_id))
        begun = operations.begin_connect(
            actor=request.user,
            environment=chosen["environment"],
            kind=kind,
            redirect_uri=request.build_absolute_uri(reverse("connections:signed-in")),
            login_hint=request.user.email,  # type: ignore[union-attr]
        )
        pending = list(request.session.get(SESSION, {}).items())[-PENDING + 1 :]
        kept = {"flow": begun, "environment": chosen["environment"].pk, "kind": kind.value, "back": back}
        request.session[SESSION] = dict(pending) | {begun["state"]: kept}
        context = {"address": begun["auth_uri"], "kind": kind, "back": _address(back, chosen["environment"].pk)}
        answer = render(request, "connections/leaving.html", context)
        answer["Refresh"] = f"0;url={begun['auth_uri']}"
        return answer
    return redirect(_address(back, chosen["environment"].pk))


@require_safe
@login_required
def signed_in(request: HttpRequest) -> HttpResponse:
    """Where Entra sends the browser back to. A sign-in is good once, in the session that began it."""
    require(request.user, Right.CONNECT_ACCOUNT)
    pending = request.session.get(SESSION, {})
    kept = pending.pop(request.GET.get("state", ""), None)
    if kept is None:
        messages.error(request, STALE)
        return redirect("connections:list")
    request.session[SESSION] = pending
    environment = get_object_or_404(Environment, pk=kept["environment"])
    kind = ConnectionKind(kept["kind"])
    with refusals_told(request):
        made = operations.connect(
            actor=request.user, environment=environment, kind=kind, flow=kept["flow"], answer=request.GET.dict()
        )
        messages.success(request, f"{kind.label} is connected as {made.account}.")
        _follow(request, environment)
    return redirect(_address(kept["back"], environment.pk))


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what removing empties, then do it. Others' connections are removed by who manages users."""
    require(request.user, Right.CONNECT_ACCOUNT)
    connection = get_object_or_404(Connection.objects.select_related("environment", "owner"), pk=pk)
    if connection.owner_id != request.user.pk and not has_right(request.user, Right.MANAGE_USERS):
        raise Http404
    if request.method == "POST":
        left = operations.disconnect(actor=request.user, connection=connection)
        messages.success(request, f"{connection} is removed.")
        warned(request, left)
        return redirect("connections:list")
    used_by = [reference.flow for reference in connection.references.select_related("flow")]
    return render(request, "connections/remove.html", {"connection": connection, "used_by": used_by})


def _follow(request: HttpRequest, environment: Environment) -> None:
    """The flows that the person owns have their connection now: Dataverse hears of it."""
    warned(request, operations.follow_connected(actor=request.user, environment=environment))


def _address(back: str, environment: int) -> str:
    if back == "flows":
        return reverse("flows", query={"environment": environment})
    if back == "environment":
        return reverse("connections:environment", args=[environment])
    return reverse("connections:list")
