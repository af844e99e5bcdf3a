"""What installing takes over from Dataverse, who changes it there, and what becomes of a lost answer."""

import pytest
from django.urls import reverse

from bpp_portal.audit.models import AuditEntry
from connections import dataverse_setup, operations, queries
from connections.dataverse import DataverseClient
from connections.errors import ConnectionMissing
from connections.models import Connection
from connections.rules.flows import COUNT_FLOW, EXPORT_FLOW, FLOWS, STATUS_FLOW
from tests.connections.sign_in import as_, connect, text_of
from tests.connections.test_cloud_flows import delete, delete_flows, slots, there

pytestmark = pytest.mark.django_db
INSTALLER, OWNER = "installer@contoso.example", "owner@contoso.example"


@pytest.fixture
def client_of(environment, people):
    """Dataverse as the flow owner."""
    return client_for(people.owner, environment)


def client_for(user, environment):
    return DataverseClient(environment=environment, connection=Connection.objects.get(owner=user, kind="dataverse"))


def here(environment):
    return {flow.name: (str(flow.owner), flow.is_on) for flow in queries.flows(environment=environment)}


def install_as_installer(world, environment):
    environment.flows.all().delete()
    client = as_(world.installer)
    connect(client, environment, "dataverse")
    return text_of(client.post(reverse("connections:install", args=[environment.pk]), follow=True))


class TestWhatWasThereBefore:
    def test_an_owner_there_who_manages_connections_here_stays_and_nothing_is_overwritten(
        self,
        world,
        environment,
        client_of,
    ):
        before = there(client_of), slots(client_of)
        said = install_as_installer(world, environment)
        assert f"{EXPORT_FLOW} stays with owner, its owner in Dataverse." in said
        assert (there(client_of), slots(client_of)) == before
        assert {owner for owner, _ in here(environment).values()} == {"owner"}

    def test_an_owner_there_whom_the_portal_does_not_know_is_the_installer_here(
        self,
        world,
        environment,
        client_of,
    ):
        world.owner.groups.clear()
        before = there(client_of), slots(client_of)
        said = install_as_installer(world, environment)
        assert f"Installed, and you own them: {', '.join(FLOWS)}." in said
        assert (there(client_of), slots(client_of)) == before
        assert {owner for owner, _ in here(environment).values()} == {"installer"}

    def test_what_is_off_there_is_off_here(self, world, environment, client_of):
        flow = dataverse_setup.documented_flows(client_of)[COUNT_FLOW]
        dataverse_setup.change_flow(client_of, flow, is_on=False)
        environment.flows.all().delete()
        operations.install(actor=world.owner, environment=environment)
        assert here(environment)[COUNT_FLOW] == ("owner", False)
        assert here(environment)[EXPORT_FLOW] == ("owner", True)

    def test_installing_twice_makes_and_changes_nothing(self, environment, people, client_of):
        entries = AuditEntry.objects.count()
        assert operations.install(actor=people.owner, environment=environment) == []
        assert AuditEntry.objects.count() == entries
        assert len(dataverse_setup.cloud_flows(client_of)) == len(FLOWS)


class TestLostAnswers:
    @pytest.mark.parametrize("table_set", ["workflows", "connectionreferences"])
    def test_installing_looks_again_and_makes_no_second_row(
        self,
        environment,
        people,
        client_of,
        sandbox,
        table_set,
    ):
        delete_flows(client_of)
        for slot in dataverse_setup.connection_slots(client_of):
            delete(client_of, f"connectionreferences({slot.row_id})")
        environment.flows.all().delete()
        sandbox.faults({"call": table_set, "kind": "lost_answer", "after": 1})  # the first one reads
        operations.install(actor=people.owner, environment=environment)
        assert sorted(flow.name for flow in dataverse_setup.cloud_flows(client_of)) == sorted(FLOWS)
        assert len(dataverse_setup.connection_slots(client_of)) == 2
        assert here(environment)[EXPORT_FLOW] == ("owner", True)

    def test_a_flow_that_was_turned_on_all_the_same_is_on(self, environment, people, client_of, sandbox):
        about = {"actor": people.owner, "environment": environment, "name": COUNT_FLOW}
        operations.turn_off(**about)
        sandbox.faults({"call": "workflows", "kind": "lost_answer", "after": 1})
        operations.turn_on(**about)
        assert here(environment)[COUNT_FLOW][1]
        assert there(client_of)[COUNT_FLOW][0] == 1

    def test_a_change_that_was_not_made_is_said(self, environment, people, client_of, sandbox):
        sandbox.faults({"call": "workflows", "kind": "reset", "after": 1})
        left = operations.turn_off(actor=people.owner, environment=environment, name=COUNT_FLOW)
        assert "Dataverse has not followed yet" in left
        assert there(client_of)[COUNT_FLOW][0] == 1


class TestWhoChangesIt:
    def test_nobody_turns_on_with_the_owners_connection(self, world, environment, client_of):
        operations.turn_off(actor=world.owner, environment=environment, name=COUNT_FLOW)
        with pytest.raises(ConnectionMissing):
            operations.turn_on(actor=world.installer, environment=environment, name=COUNT_FLOW)
        address = reverse("connections:turn-on", args=[environment.pk, COUNT_FLOW])
        said = text_of(as_(world.installer).post(address, follow=True))
        assert "You have no Dataverse connection in Sandbox. Connect Dataverse first." in said
        assert there(client_of)[COUNT_FLOW][0] == 0
        assert not here(environment)[COUNT_FLOW][1]

    def test_one_flow_turned_off_leaves_the_others_there_alone(self, world, environment, client_of):
        flow = dataverse_setup.documented_flows(client_of)[COUNT_FLOW]
        dataverse_setup.change_flow(client_of, flow, is_on=False)
        operations.turn_off(actor=world.owner, environment=environment, name=STATUS_FLOW)
        assert {name: state for name, (state, _) in there(client_of).items()} == {
            EXPORT_FLOW: 1,
            COUNT_FLOW: 0,
            STATUS_FLOW: 0,
        }

    def test_the_trail_has_what_was_changed_there(self, world, environment, client_of):
        flow = dataverse_setup.documented_flows(client_of)[COUNT_FLOW]
        dataverse_setup.change_flow(client_of, flow, is_on=False)
        operations.bring_in_line(actor=world.owner, environment=environment)
        entry = AuditEntry.objects.get(verb="change in Dataverse", subject=COUNT_FLOW, detail__startswith="before: off")
        assert entry.actor == world.owner

    def test_a_connection_removed_is_unset_there(self, world, environment, client_of):
        operations.disconnect(actor=world.owner, connection=Connection.objects.get(kind="finance"))
        assert slots(client_of)["shared_dynamicsax"] == ""
        assert slots(client_of)["shared_commondataserviceforapps"] != ""
        assert there(client_of)[STATUS_FLOW][0] == 0

    def test_a_new_owner_is_the_owner_there_once_connected(self, world, environment, client_of):
        operations.take_ownership(actor=world.installer, environment=environment)
        assert there(client_of)[EXPORT_FLOW] == (1, OWNER)
        connect(as_(world.installer), environment, "dataverse")
        assert there(client_for(world.installer, environment)) == dict.fromkeys(FLOWS, (0, INSTALLER))


class TestThePage:
    def test_the_state_there_stands_beside_the_state_here(self, world, environment, client_of):
        flow = dataverse_setup.documented_flows(client_of)[COUNT_FLOW]
        dataverse_setup.change_flow(client_of, flow, is_on=False)
        page = text_of(as_(world.owner).get(f"/flows/?environment={environment.pk}&compare=1"))
        row = environment.flows.get(name=COUNT_FLOW).pk
        assert f'id="there-{row}">Off in Dataverse since ' in page
        assert page.count("Off in Dataverse since") == 1

    def test_a_reader_without_a_connection_compares_as_the_flow_owner(self, world, environment):
        page = text_of(as_(world.installer).get(f"/flows/?environment={environment.pk}&compare=1"))
        assert "Dataverse shows the same owner and state for all three flows." in page

    @pytest.mark.parametrize("name", ["turn-on-all", "bring-in-line"])
    def test_what_has_to_be_saved_first_is_offered_at_every_button(
        self,
        world,
        environment,
        client_of,
        sandbox,
        name,
    ):
        for flow in dataverse_setup.documented_flows(client_of).values():
            dataverse_setup.change_flow(client_of, flow, is_on=False)
        if name == "turn-on-all":
            environment.flows.update(is_on=False)
        sandbox.faults(flow_save_first=True)
        client, address = as_(world.owner), reverse(f"connections:{name}", args=[environment.pk])
        page = text_of(client.post(address, follow=True))
        assert "Save and turn on, on the Flows page, saves its definition first." in page
        assert ("Save and turn on the flows" if name == "turn-on-all" else "Save and bring Dataverse in line") in page
        client.post(address, {"save": "1"})
        assert {state for state, _ in there(client_of).values()} == {1}
