"""Flows and ownership: who owns what, what keeps a flow off, and how ownership moves."""

import re
import time

import pytest
from django.urls import reverse

from bpp_portal.audit.models import AuditEntry
from connections import operations, queries
from connections.models import Connection, Environment, Flow
from connections.rules.flows import COUNT_FLOW, EXPORT_FLOW, FLOWS, STATUS_FLOW
from tests.connections.sign_in import as_, connect, text_of
from tests.world import export, work

pytestmark = pytest.mark.django_db
EXPLAINED = (
    "You become owner of all three flows. Their connections are unset until you connect your own. "
    "New entries in Finance carry your name. Running exports go on."
)
BOTH = ["Data management operations user", "Budget write-back"]


def post(client, name, *arguments):
    return client.post(reverse(f"connections:{name}", args=arguments), follow=True)


@pytest.fixture
def bare(world, environment, sandbox):
    """An environment in which nothing is installed here, Dataverse is as seeded, and nobody is connected."""
    sandbox.call("POST", "reset")
    Flow.objects.all().delete()
    Connection.objects.all().delete()
    return environment


def test_the_page_says_what_the_documentation_says(world, environment):
    page = text_of(as_(world.owner).get("/flows/"))
    for spec in FLOWS.values():
        for text in (spec.name, spec.trigger, spec.responsibility):
            assert text in page
    assert page.count("owner, owner@contoso.example") == 4
    assert "Never" in page


def test_a_flow_shows_its_last_run_and_who_asked_for_it(world, oakland):
    run = work(export(world.planner, "oakland/fire-police-finance.json"))
    page = text_of(as_(world.owner).get("/flows/"))
    assert page.count(f"{run.entry_number}</a>, planner") == 3


def test_taking_ownership_explains_before_it_acts(world, environment):
    installer = as_(world.installer)
    page = text_of(installer.get(reverse("connections:take-ownership", args=[environment.pk])))
    assert EXPLAINED in page
    assert {flow.owner for flow in queries.flows(environment=environment)} == {world.owner}
    post(installer, "take-ownership", environment.pk)
    assert {flow.owner for flow in queries.flows(environment=environment)} == {world.installer}


def test_the_new_owner_is_led_through_connect_connect_turn_on(world, environment):
    installer = as_(world.installer)
    page = text_of(post(installer, "take-ownership", environment.pk))
    assert page.count("Not set") == 4
    assert "CountTotalCubeRows has no Dataverse connection. installer connects one" in page
    assert ">Connect Dataverse</button>" in page
    page = text_of(connect(installer, environment, "dataverse", back="flows"))
    assert (page.count("Not set"), ">Connect Dynamics 365 Finance</button>" in page) == (1, True)
    page = text_of(connect(installer, environment, "finance", back="flows"))
    assert ">Turn on the flows</button>" in page
    page = text_of(post(installer, "turn-on-all", environment.pk))
    assert "What is left" not in page
    assert [flow.is_on for flow in queries.flows(environment=environment)] == [True] * 3


def test_a_flow_with_an_empty_reference_stays_off_at_every_door(world, environment):
    owner = as_(world.owner)
    operations.disconnect(actor=world.owner, connection=Connection.objects.get(kind="finance"))
    page = text_of(owner.get("/flows/"))
    assert f'aria-label="Turn on {STATUS_FLOW}"' in page
    assert 'aria-disabled="true"' in page
    reason = (
        f"{STATUS_FLOW} has no Dynamics 365 Finance connection. owner connects one, then the flow can be turned on."
    )
    assert reason in page
    assert reason in text_of(post(owner, "turn-on", environment.pk, STATUS_FLOW))
    assert not queries.flow(environment=environment, name=STATUS_FLOW).is_on


def test_a_flow_is_turned_off_and_on(world, environment):
    owner = as_(world.owner)
    assert f"{COUNT_FLOW} is off." in text_of(post(owner, "turn-off", environment.pk, COUNT_FLOW))
    assert not queries.flow(environment=environment, name=COUNT_FLOW).is_on
    assert f"{COUNT_FLOW} is on." in text_of(post(owner, "turn-on", environment.pk, COUNT_FLOW))
    assert owner.post(reverse("connections:turn-on", args=[environment.pk, "Other"])).status_code == 404
    assert owner.post(reverse("connections:turn-on", args=[environment.pk + 1, COUNT_FLOW])).status_code == 404


def test_the_owners_finance_roles_are_said(world, environment, sandbox):
    client, role, duty = as_(world.owner), BOTH[0], "a role with the duty Inquire into dimension parameters master"
    for roles, text in (
        ([], f"lacks the role {role} and {duty} in Finance (found: no role)"),
        (BOTH[:1], f"lacks {duty} in Finance (found: {role})"),
        (BOTH[1:], f"lacks the role {role} in Finance (found: Budget write-back)"),
        (BOTH, "has both Finance roles"),
    ):
        sandbox.put("users/owner", {"roles": roles})
        page = text_of(client.get("/flows/?roles=1"))
        assert f"owner@contoso.example {text}" in page
        assert ("No permission to execute Finance operation" in page) == (roles != BOTH)


def test_a_finance_that_does_not_answer_leaves_the_page_usable(world, environment, sandbox):
    sandbox.put("environment-variables/msdyn_xpna_BPPAppFinOpsURI", {"value": None})
    page = as_(world.owner).get("/flows/?roles=1")
    assert page.status_code == 200
    assert "Finance service not reachable" in text_of(page)
    assert EXPORT_FLOW in text_of(page)


def test_the_installer_installs_on_their_own_connection(world, bare, sandbox):
    installer = as_(world.installer)
    page = text_of(installer.get("/flows/"))
    assert "The flows are not installed in this environment" in page
    assert "Connect Dataverse first: the flows are installed on your connection." in page
    assert "You have no Dataverse connection" in text_of(post(installer, "install", bare.pk))
    assert not Flow.objects.exists()
    connect(installer, bare, "dataverse", back="flows")
    post(installer, "install", bare.pk)
    found = [(f.name, str(f.owner), f.is_on) for f in queries.flows(environment=bare)]
    assert found == [
        (EXPORT_FLOW, "installer", True),
        (COUNT_FLOW, "installer", True),
        (STATUS_FLOW, "installer", False),
    ]
    assert text_of(installer.get("/flows/")).count("Not set") == 1


def test_installing_creates_the_variable_when_it_is_missing(world, bare, sandbox):
    installer = as_(world.installer)
    connect(installer, bare, "dataverse")
    client = queries_client(world.installer, bare)
    definition = client.variable("msdyn_xpna_BPPAppFinOpsURI").definition_id
    url = client.service.address(f"environmentvariabledefinitions({definition})")
    client.service.call("DELETE", url, refuse=client.refuse)
    assert client.variable("msdyn_xpna_BPPAppFinOpsURI") is None
    post(installer, "install", bare.pk)
    made = client.variable("msdyn_xpna_BPPAppFinOpsURI")
    assert (made.current, made.default) == ("", "")
    assert AuditEntry.objects.get(verb="create variable").actor == world.installer


def queries_client(user, environment):
    from connections.dataverse import DataverseClient

    return DataverseClient(environment=environment, connection=Connection.objects.get(owner=user, kind="dataverse"))


def test_only_the_it_administrator_installs(world, bare):
    owner = as_(world.owner)
    assert "An IT administrator installs them." in text_of(owner.get("/flows/"))
    assert owner.post(reverse("connections:install", args=[bare.pk])).status_code == 403


def test_an_update_owns_what_nobody_owns_and_takes_nothing_away(world, environment):
    Flow.objects.filter(name=COUNT_FLOW).update(owner=None)
    Flow.objects.filter(name=STATUS_FLOW).delete()
    installer = as_(world.installer)
    assert ">Update</span>" in text_of(installer.get("/flows/"))
    assert f"You are the owner of {COUNT_FLOW}, {STATUS_FLOW}." in text_of(post(installer, "update", environment.pk))
    owners = [str(flow.owner) for flow in queries.flows(environment=environment)]
    assert owners == ["owner", "installer", "installer"]
    assert "Every flow has an owner." in text_of(post(installer, "update", environment.pk))
    assert [str(flow.owner) for flow in queries.flows(environment=environment)] == owners


def test_several_environments_are_told_apart(world, environment):
    other = Environment.objects.create(
        name="Contoso", kind="production", dataverse_url="https://c.example", authority="https://l.example"
    )
    page = text_of(as_(world.owner).get(f"/flows/?environment={other.pk}"))
    assert re.search('class="env env-production"><svg.*?</svg><span class="env-text">Production</span>', page)
    assert "The flows are not installed in this environment" in page
    for wrong in ("99", "x", "-1"):
        assert as_(world.owner).get(f"/flows/?environment={wrong}").status_code == 404


def test_a_slot_with_a_colleagues_account_needs_attention(world, environment):
    Connection.objects.filter(kind="finance").update(account="planner@contoso.example")
    page = text_of(as_(world.owner).get("/flows/"))
    assert page.count("Needs attention") == 1
    assert "The sign-in is planner@contoso.example, but owner is owner@contoso.example here." in page


@pytest.mark.parametrize("leaves", ["is deactivated", "has no role that may own flows"])
def test_a_run_in_finance_waits_while_its_owner_is_unfit_and_goes_on(world, oakland, environment, sandbox, leaves):
    from exports.operations.stepping import step
    from exports.rules.states import FLOW_OF, State

    sandbox.put("users/installer", {"roles": BOTH})
    sandbox.faults(import_seconds=1)
    run = export(world.planner, "oakland/fire-police-finance.json")
    while run.state != State.RUNNING:
        step(run_id=run.pk, flow=FLOW_OF[run.status])
        run.refresh_from_db()
    before = run.attempts.get().execution_id
    if leaves == "is deactivated":
        world.owner.is_active = False
        world.owner.save()
    else:
        world.owner.groups.clear()
    until = time.monotonic() + 30
    while not run.trouble and time.monotonic() < until:  # the next question is due a little later
        step(run_id=run.pk, flow=FLOW_OF[run.status])
        run.refresh_from_db()
    assert run.state == State.RUNNING
    assert f"The flow owner owner {leaves}." in run.trouble
    installer = as_(world.installer)
    post(installer, "take-ownership", environment.pk)
    connect(installer, environment, "dataverse", back="flows")
    connect(installer, environment, "finance", back="flows")
    post(installer, "turn-on-all", environment.pk)
    run = work(run)
    assert (run.state, run.attempts.get().execution_id) == (State.SUCCEEDED, before)


def test_owner_leaves_in_the_middle_of_a_run(world, oakland, environment, sandbox):
    """Ownership moves, and the run completes with the same execution id under the new owner's connections."""
    from exports.operations.stepping import step
    from exports.rules.states import FLOW_OF, State

    sandbox.put("users/installer", {"roles": BOTH})
    sandbox.faults(import_seconds=1)
    run = export(world.planner, "oakland/fire-police-finance.json")
    while run.state != State.RUNNING:
        step(run_id=run.pk, flow=FLOW_OF[run.status])
        run.refresh_from_db()
    before = run.attempts.get().execution_id
    sandbox.put("accounts/owner", {"enabled": False})
    sandbox.put("users/owner", {"enabled": False})
    for _ in range(3):
        step(run_id=run.pk, flow=FLOW_OF[run.status])
        run.refresh_from_db()
    assert run.state == State.RUNNING
    installer = as_(world.installer)
    post(installer, "take-ownership", environment.pk)
    step(run_id=run.pk, flow=FLOW_OF[run.status])
    run.refresh_from_db()
    assert run.state == State.RUNNING
    connect(installer, environment, "dataverse", back="flows")
    connect(installer, environment, "finance", back="flows")
    post(installer, "turn-on-all", environment.pk)
    run = work(run)
    assert (run.state, run.attempts.get().execution_id) == (State.SUCCEEDED, before)
    assert run.runs_as == "owner"
