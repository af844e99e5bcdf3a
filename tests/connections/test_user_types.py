"""The mission's three user types: each sentence of its example and of its summary table, as it behaves here."""

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from bpp_portal.kernel.roles import Right, Role, rights_of
from connections import queries
from connections.models import Connection, Flow
from connections.queries.standing import owner_standing
from connections.rules.flows import FLOWS
from exports.operations.building import comment_of
from exports.rules.states import State
from tests.connections.sign_in import as_, connect, text_of
from tests.connections.test_flow_page import post
from tests.world import entry, export, work

pytestmark = pytest.mark.django_db
OAKLAND = "oakland/fire-police-finance.json"
OPERATIONS_ROLE = "Data management operations user"
BOTH = [OPERATIONS_ROLE, "Budget write-back"]
NO_PERMISSION = "No permission to execute Finance operation"


def owners(environment):
    return {str(flow.owner) for flow in queries.flows(environment=environment)}


@pytest.fixture
def installed(world, oakland, environment, sandbox):
    """As after installation: User A owns the flows on the own Dataverse connection."""
    sandbox.call("POST", "reset")
    Flow.objects.all().delete()
    Connection.objects.all().delete()
    client = as_(world.installer)
    connect(client, environment, "dataverse")
    post(client, "install", environment.pk)
    return environment


class TestUserA:
    """IT administrator: installs or updates; default flow owner; no Finance roles, and wants none."""

    def test_installing_makes_them_owner_and_their_dataverse_connection_is_used(self, world, installed):
        assert owners(installed) == {"installer"}
        accounts = {
            (reference.kind, reference.connection and reference.connection.account)
            for flow in queries.flows(environment=installed)
            for reference in flow.references.all()
        }
        assert accounts == {("dataverse", "installer@contoso.example"), ("finance", None)}

    def test_without_finance_roles_an_export_fails(self, world, oakland, environment, sandbox):
        run = export(world.planner, OAKLAND)
        installer = as_(world.installer)
        post(installer, "take-ownership", environment.pk)
        for kind in ("dataverse", "finance"):
            connect(installer, environment, kind)
        post(installer, "turn-on-all", environment.pk)
        assert OPERATIONS_ROLE in owner_standing(environment=environment).missing[0]
        text = text_of(installer.get("/flows/?roles=1"))
        assert "or let somebody who has both take ownership" in text
        run = work(run)
        assert (run.state, run.headline) == (State.FAILED, NO_PERMISSION)
        assert not sandbox.get("register-entries", legalEntity="USMF")["entries"]

    def test_they_may_neither_export_nor_read_a_cube(self, world, oakland):
        with pytest.raises(PermissionDenied):
            export(world.installer, OAKLAND)
        assert as_(world.installer).get(reverse("cubes:cube", args=[oakland.slug])).status_code == 403


class TestUserB:
    """BPP administrator, flow owner: both roles; reassigned as owner; entries carry their name."""

    def test_they_take_all_three_and_reconnect_both_with_their_own_credentials(self, world, installed):
        owner = as_(world.owner)
        post(owner, "take-ownership", installed.pk)
        assert owners(installed) == {"owner"}
        slots = [r for flow in queries.flows(environment=installed) for r in flow.references.all()]
        assert [slot.connection for slot in slots] == [None] * 4
        for kind in ("dataverse", "finance"):
            connect(owner, installed, kind)
        post(owner, "turn-on-all", installed.pk)
        assert [flow.is_on for flow in queries.flows(environment=installed)] == [True] * len(FLOWS)
        assert owner_standing(environment=installed).is_fine

    def test_every_entry_carries_their_name_whoever_of_several_planners_asked(self, world, oakland, sandbox):
        sandbox.put("users/installer", {"roles": [OPERATIONS_ROLE]})
        world.installer.groups.set([Group.objects.get(name=Role.POWER_USER.value)])
        for planner in (world.planner, world.installer):
            run = work(export(planner, OAKLAND))
            made = entry(sandbox, run)
            assert (run.state, run.runs_as, str(run.requested_by)) == (State.SUCCEEDED, "owner", str(planner))
            assert made["CreatedBy"].casefold() == "owner"
            assert made["lines"][0]["Comment"] == comment_of(run)

    def test_without_the_duty_the_export_fails_and_no_entry_is_made(self, world, oakland, sandbox):
        sandbox.put("users/owner", {"roles": [OPERATIONS_ROLE]})
        run = work(export(world.planner, OAKLAND))
        assert (run.state, run.headline) == (State.FAILED, NO_PERMISSION)
        assert "Access denied when reading dimension parameters" in run.cause
        assert "owner@contoso.example has Data management operations user in Finance, and lacks a role" in run.hint
        assert not sandbox.get("register-entries", legalEntity="USMF")["entries"]


class TestUserC:
    """Planner: triggers the export with the role Data management operations user only; it runs as User B."""

    def test_their_export_runs_in_the_owners_context(self, world, oakland, sandbox):
        run = work(export(world.planner, OAKLAND))
        assert (run.state, run.runs_as) == (State.SUCCEEDED, "owner")
        assert entry(sandbox, run)["CreatedBy"].casefold() == "owner"
        assert not Connection.objects.filter(owner=world.planner).exists()

    def test_without_the_role_it_fails(self, world, oakland, sandbox):
        sandbox.put("users/planner", {"roles": []})
        run = work(export(world.planner, OAKLAND))
        assert (run.state, run.headline) == (State.FAILED, NO_PERMISSION)
        assert "planner@contoso.example" in run.cause
        found = "Found: owner@contoso.example has Budget write-back, Data management operations user in Finance."
        assert f"{found} All flows are owned by owner and connected as owner@contoso.example." in run.hint

    def test_they_manage_no_connection_and_no_flow(self, world, environment):
        assert Right.MANAGE_CONNECTIONS not in rights_of(world.planner)
        assert as_(world.planner).get("/flows/").status_code == 403
