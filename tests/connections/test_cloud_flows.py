"""The flows as Dataverse keeps them follow the portal's, and say when they do not."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connections import dataverse_setup, operations, queries
from connections.dataverse import DataverseClient
from connections.errors import FinanceNotConfigured, Refused
from connections.models import Connection
from connections.queries.cloud_flows import compared
from connections.queries.readiness import check
from connections.rules.cloud_flows import FlowHere, client_data, connection_name, differences, slot_of
from connections.rules.dataverse import CloudFlow, ConnectionSlot
from connections.rules.flows import COUNT_FLOW, EXPORT_FLOW, FLOWS, STATUS_FLOW, ConnectionKind
from connections.rules.readiness import State, flow_key
from tests.connections.sign_in import as_

pytestmark = pytest.mark.django_db
ON = flow_key("on", COUNT_FLOW)
ID = "00000000-0000-0000-0000-000000000001"


@pytest.fixture
def client_of(environment):
    connection = Connection.objects.get(kind="dataverse")
    return DataverseClient(environment=environment, connection=connection)


def there(client):
    """State and owner's account of each documented flow in Dataverse."""
    names = {
        row["systemuserid"]: row["domainname"]
        for page in client.pages("systemusers", ("systemuserid", "domainname"))
        for row in page.rows
    }
    found = {flow.name: flow for flow in dataverse_setup.cloud_flows(client)}
    return {name: (found[name].state, names[found[name].owner_id]) for name in FLOWS if name in found}


def slots(client):
    found = dataverse_setup.connection_slots(client)
    return {slot.connector_id.rpartition("/")[2]: slot.connection_id for slot in found}


def delete(client, path):
    client.service.call("DELETE", client.service.address(path), refuse=client.refuse)


def delete_flows(client):
    for flow in dataverse_setup.cloud_flows(client):
        delete(client, f"workflows({flow.row_id})")


def test_the_owner_of_the_portal_owns_the_flows_in_dataverse_and_they_are_on(environment, client_of, people):
    assert there(client_of) == dict.fromkeys(FLOWS, (1, "owner@contoso.example"))
    assert slots(client_of) == {
        "shared_commondataserviceforapps": connection_name(
            environment.dataverse_url, people.owner.pk, ConnectionKind.DATAVERSE
        ),
        "shared_dynamicsax": connection_name(environment.dataverse_url, people.owner.pk, ConnectionKind.FINANCE),
    }


def test_turning_off_and_on_is_seen_in_dataverse(environment, client_of, people):
    about = {"actor": people.owner, "environment": environment, "name": STATUS_FLOW}
    assert operations.turn_off(**about) == ""
    assert there(client_of)[STATUS_FLOW][0] == 0
    operations.turn_on(**about)
    assert there(client_of)[STATUS_FLOW][0] == 1


def test_taking_ownership_unsets_the_references_there_once_the_new_owner_can(environment, client_of, people):
    """The installer has not connected: nothing can be done there with their name, and the page says that it differs."""
    left = operations.take_ownership(actor=people.installer, environment=environment)
    assert left == ""
    assert there(client_of) == dict.fromkeys(FLOWS, (1, "owner@contoso.example"))
    words = compared(environment=environment, user=people.owner).words
    assert [name for name, _ in words] == list(FLOWS)
    assert words[0][1] == ("on in Dataverse", "owned by Bea Owner (User B) in Dataverse")
    operations.take_ownership(actor=people.owner, environment=environment)
    assert there(client_of) == dict.fromkeys(FLOWS, (0, "owner@contoso.example"))
    assert set(slots(client_of).values()) == {""}


def test_installing_makes_what_dataverse_lacks(environment, client_of, people, sandbox):
    delete_flows(client_of)
    for slot in dataverse_setup.connection_slots(client_of):
        delete(client_of, f"connectionreferences({slot.row_id})")
    assert there(client_of) == {}
    environment.flows.all().delete()
    operations.install(actor=people.owner, environment=environment)
    assert there(client_of) == {
        EXPORT_FLOW: (1, "owner@contoso.example"),
        COUNT_FLOW: (1, "owner@contoso.example"),
        STATUS_FLOW: (0, "owner@contoso.example"),
    }
    assert slots(client_of)["shared_dynamicsax"] == ""  # as documented, the Finance slot stays empty
    definition = json.loads(dataverse_setup.cloud_flows(client_of, STATUS_FLOW)[0].client_data)
    assert set(definition["properties"]["connectionReferences"]) == {
        "shared_commondataserviceforapps",
        "shared_dynamicsax",
    }


def test_an_answer_lost_while_installing_makes_no_second_flow(environment, client_of, people, sandbox):
    delete_flows(client_of)
    # The flows are read first; then the first one is made, and the answer is lost.
    sandbox.faults({"call": "workflows", "kind": "lost_answer", "after": 1})
    operations.bring_in_line(actor=people.owner, environment=environment)
    assert sorted(flow.name for flow in dataverse_setup.cloud_flows(client_of)) == sorted(FLOWS)


def test_what_dataverse_refuses_offers_save_and_turn_on(environment, client_of, people, sandbox):
    about = {"actor": people.owner, "environment": environment, "name": STATUS_FLOW}
    operations.turn_off(**about)
    sandbox.faults(flow_save_first=True)
    with pytest.raises(operations.SaveFirst) as refused:
        operations.turn_on(**about)
    assert "must be saved" in refused.value.problems[0].message
    assert not queries.flow(environment=environment, name=STATUS_FLOW).is_on
    operations.turn_on(**about, save=True)
    assert queries.flow(environment=environment, name=STATUS_FLOW).is_on
    assert there(client_of)[STATUS_FLOW][0] == 1


def test_the_page_offers_save_and_turn_on(world, environment, people, sandbox):
    operations.turn_off(actor=people.owner, environment=environment, name=STATUS_FLOW)
    sandbox.faults(flow_save_first=True)
    client = as_(world.owner)
    address = f"/flows/{environment.pk}/{STATUS_FLOW}/turn-on/"
    page = client.post(address, follow=True).content.decode()
    assert "Save and turn on" in page
    assert "did not turn on BREExportFnOStatusUpdate" in page
    page = client.post(address, {"save": "1"}, follow=True).content.decode()
    assert "BREExportFnOStatusUpdate is on." in page
    assert "Save and turn on" not in page


def test_what_somebody_changed_in_dataverse_is_said_and_mended(world, environment, client_of):
    flow = dataverse_setup.cloud_flows(client_of, COUNT_FLOW)[0]
    dataverse_setup.change_flow(client_of, flow, is_on=False)
    client = as_(world.owner)
    page = client.get(f"/flows/?environment={environment.pk}&compare=1").content.decode()
    assert "off in Dataverse" in page
    client.post(f"/flows/{environment.pk}/in-line/")
    assert there(client_of)[COUNT_FLOW][0] == 1
    page = client.get(f"/flows/?environment={environment.pk}&compare=1").content.decode()
    assert "the same owner and state for all three flows" in page


def test_a_dead_dataverse_does_not_keep_a_flow_on(environment, people, settings):
    settings.ALLOWED_REMOTE_HOSTS = []
    left = operations.turn_off(actor=people.owner, environment=environment, name=EXPORT_FLOW)
    assert "Dataverse has not followed yet" in left
    assert not queries.flow(environment=environment, name=EXPORT_FLOW).is_on


def test_a_dead_dataverse_turns_no_flow_on(environment, people, settings):
    about = {"actor": people.owner, "environment": environment, "name": EXPORT_FLOW}
    operations.turn_off(**about)
    settings.ALLOWED_REMOTE_HOSTS = []
    with pytest.raises(FinanceNotConfigured):
        operations.turn_on(**about)
    assert not queries.flow(environment=environment, name=EXPORT_FLOW).is_on


def test_all_are_turned_on_but_those_that_lack_something(environment, people):
    operations.take_ownership(actor=people.owner, environment=environment)
    for name in (EXPORT_FLOW, COUNT_FLOW):
        operations.set_reference(
            actor=people.owner,
            environment=environment,
            name=name,
            kind=ConnectionKind.DATAVERSE,
            connection=Connection.objects.get(kind="dataverse"),
        )
    with pytest.raises(Refused, match="has no"):
        operations.turn_on_all(actor=people.owner, environment=environment)
    assert [flow.is_on for flow in queries.flows(environment=environment)] == [True, True, False]


@given(is_on=st.booleans(), state=st.sampled_from([0, 1, 2]), mine=st.booleans())
def test_differences_are_exactly_what_differs(is_on, state, mine):
    here = FlowHere(EXPORT_FLOW, is_on, "owner", ID)
    cloud = CloudFlow(ID, EXPORT_FLOW, state, ID if mine else "", client_data(EXPORT_FLOW))
    words = differences(here, cloud)
    assert (not words) == ((state == 1) == is_on and mine)
    assert differences(here, None) == ["missing in Dataverse"]


def test_a_definition_that_cannot_be_read_falls_back_to_the_shared_reference():
    shared = ConnectionSlot(ID, "msdyn_xpna_shareddynamicsax", "", "", "")
    own = ConnectionSlot(ID, "contoso_finance", "", "", "")
    found = {slot.logical_name: slot for slot in (shared, own)}
    for text in ("", "[]", "{}", '{"properties": null}'):
        assert slot_of(found, CloudFlow(ID, STATUS_FLOW, 0, "", text), ConnectionKind.FINANCE) == shared
    text = client_data(STATUS_FLOW).replace("msdyn_xpna_shareddynamicsax", "contoso_finance")
    assert slot_of(found, CloudFlow(ID, STATUS_FLOW, 0, "", text), ConnectionKind.FINANCE) == own


def test_readiness_warns_of_a_flow_that_dataverse_shows_otherwise(environment, client_of):
    """Exports go by the portal's flow, so it is no failure."""
    flow = dataverse_setup.cloud_flows(client_of, COUNT_FLOW)[0]
    assert not [row for row in check(environment=environment).rows if row.state is State.WARNING and row.key == ON]
    dataverse_setup.change_flow(client_of, flow, is_on=False)
    report = check(environment=environment)
    row = next(row for row in report.rows if row.key == ON)
    assert row.state is State.WARNING
    assert re.fullmatch(r"On; off in Dataverse since \d+ \w+ \d{4} \d\d:\d\d UTC", row.found)
    assert not report.failing
