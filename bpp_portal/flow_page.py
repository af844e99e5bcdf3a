"""Flows and ownership: put together here, since a flow's last run is known to exports and its owner to connections."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from bpp_portal.kernel.roles import Right, require
from connections.chosen import chosen_environment
from connections.models import Environment
from connections.queries.access import connection_of
from connections.queries.cloud_flows import compared
from connections.queries.flow_page import flow_rows, needs_update, owner_steps
from connections.queries.standing import owner_standing
from connections.rules.flows import FLOWS, ConnectionKind
from exports.queries.flow_runs import last_runs


@require_safe
@login_required
def flows(request: HttpRequest) -> HttpResponse:
    """The flows of one environment. With `?roles=1` Finance is asked about their owner, with `?compare=1` Dataverse."""
    require(request.user, Right.MANAGE_CONNECTIONS)
    environments = list(Environment.objects.all())
    asked = request.GET.get("environment", "")
    first = chosen_environment(request)
    if first is None:
        return render(request, "connections/flows.html", {"environments": [], "shown": None})
    shown = get_object_or_404(Environment, pk=asked if asked.isdecimal() else 0) if asked else first
    rows = flow_rows(environment=shown)
    runs = last_runs(environment=shown)
    found = compared(environment=shown, user=request.user) if rows and "compare" in request.GET else None
    context = {
        "environments": environments,
        "environment": shown,
        "shown": shown,
        "rows": [(row, runs.get(row.flow.name)) for row in rows],
        "specs": FLOWS.values(),
        "steps": owner_steps(rows=rows, user=request.user),
        "needs_update": needs_update(environment=shown),
        "owners": ", ".join(sorted({str(row.flow.owner) for row in rows if row.flow.owner})),
        "is_owner": bool(rows) and all(row.flow.owner_id == request.user.pk for row in rows),
        "save_first": frozenset(request.GET.getlist("save")),
        "compared": found,
        "there": found.by_flow if found else {},
        "standing": owner_standing(environment=shown) if rows and "roles" in request.GET else None,
        "own": connection_of(environment=shown, user=request.user, kind=ConnectionKind.DATAVERSE),
    }
    return render(request, "connections/flows.html", context)
