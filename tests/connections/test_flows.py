"""Flows belong to somebody and run with that person's connections."""

import pytest
from django.contrib.auth.models import Group

from bpp_portal.audit.models import AuditEntry
from bpp_portal.kernel.roles import Role
from connections import operations, queries
from connections.errors import ConnectionMissing, FlowOff, Refused
from connections.models import Connection, Environment, StartLock
from connections.rules.flows import (
    COUNT_FLOW,
    EXPORT_FLOW,
    FLOWS,
    STATUS_FLOW,
    ConnectionKind,
    ReferenceState,
    reference_problems,
    turn_on_problems,
)

DATAVERSE, FINANCE = ConnectionKind.DATAVERSE, ConnectionKind.FINANCE
pytestmark = pytest.mark.django_db


@pytest.fixture
def environment(people):
    people.owner.groups.add(Group.objects.get(name=Role.ADMINISTRATOR.value))
    people.installer.groups.add(Group.objects.get(name=Role.IT_ADMINISTRATOR.value))
    return Environment.objects.create(
        name="Contoso", dataverse_url="https://contoso.example", tenant_id="t", authority="https://login.example"
    )


def connection_of(user, environment, kind=DATAVERSE, **values):
    return Connection.objects.create(environment=environment, owner=user, kind=kind, account=user.email, **values)


def states(environment):
    return [
        (flow.name, str(flow.owner), flow.is_on, [str(r.connection or "") for r in flow.references.all()])
        for flow in queries.flows(environment=environment)
    ]


def test_the_three_documented_flows_and_their_connections():
    assert {name: spec.requires for name, spec in FLOWS.items()} == {
        "BREExportFromDataverseToFnO": (DATAVERSE,),
        "CountTotalCubeRows": (DATAVERSE,),
        "BREExportFnOStatusUpdate": (DATAVERSE, FINANCE),
    }


def test_an_environment_has_its_start_lock(environment):
    assert StartLock.objects.filter(environment=environment).count() == 1
    environment.save()
    assert StartLock.objects.count() == 1


def test_the_installer_becomes_owner_and_the_finance_slot_stays_empty(environment, people):
    connection_of(people.installer, environment)
    operations.install_flows(actor=people.installer, environment=environment)
    assert states(environment) == [
        (EXPORT_FLOW, "installer", True, ["Dataverse of installer"]),
        (COUNT_FLOW, "installer", True, ["Dataverse of installer"]),
        (STATUS_FLOW, "installer", False, ["Dataverse of installer", ""]),
    ]


def test_installing_again_changes_no_owner(environment, people):
    operations.install_flows(actor=people.installer, environment=environment)
    operations.take_ownership(actor=people.owner, environment=environment)
    assert operations.install_flows(actor=people.installer, environment=environment) == []
    assert {flow.owner for flow in queries.flows(environment=environment)} == {people.owner}


def test_taking_ownership_moves_all_three_and_unsets_their_connections(environment, people):
    connection_of(people.installer, environment)
    operations.install_flows(actor=people.installer, environment=environment)
    operations.take_ownership(actor=people.owner, environment=environment)
    assert states(environment) == [
        (EXPORT_FLOW, "owner", False, [""]),
        (COUNT_FLOW, "owner", False, [""]),
        (STATUS_FLOW, "owner", False, ["", ""]),
    ]
    entries = AuditEntry.objects.filter(verb="take ownership")
    assert [(e.actor, e.detail) for e in entries] == [(people.owner, "before: installer")] * 3


def test_without_installation_nothing_can_be_owned(environment, people):
    with pytest.raises(ConnectionMissing):
        operations.take_ownership(actor=people.owner, environment=environment)
    with pytest.raises(ConnectionMissing, match="not installed"):
        operations.turn_on(actor=people.owner, environment=environment, name=EXPORT_FLOW)


def test_a_flow_with_an_empty_slot_is_not_turned_on(environment, people):
    operations.install_flows(actor=people.owner, environment=environment)
    dataverse = connection_of(people.owner, environment)
    setting = {"actor": people.owner, "environment": environment, "name": STATUS_FLOW}
    operations.set_reference(**setting, kind=DATAVERSE, connection=dataverse)
    with pytest.raises(Refused) as refused:
        operations.turn_on(**setting)
    assert [(p.code, p.field) for p in refused.value.problems] == [("reference-empty", "finance")]
    assert not queries.flow(environment=environment, name=STATUS_FLOW).is_on


def test_emptying_a_slot_turns_the_flow_off(environment, people):
    connection_of(people.owner, environment)
    operations.install_flows(actor=people.owner, environment=environment)
    assert queries.flow(environment=environment, name=EXPORT_FLOW).is_on
    operations.set_reference(
        actor=people.owner, environment=environment, name=EXPORT_FLOW, kind=DATAVERSE, connection=None
    )
    assert not queries.flow(environment=environment, name=EXPORT_FLOW).is_on


def test_a_flow_takes_its_owners_connections_of_the_right_kind_only(environment, people):
    operations.install_flows(actor=people.owner, environment=environment)
    setting = {"actor": people.owner, "environment": environment, "name": EXPORT_FLOW}
    for kind, connection in (
        (DATAVERSE, connection_of(people.installer, environment)),
        (DATAVERSE, connection_of(people.owner, environment, FINANCE)),
        (FINANCE, connection_of(people.installer, environment, FINANCE)),
    ):
        with pytest.raises(Refused):
            operations.set_reference(**setting, kind=kind, connection=connection)


def test_rules_say_what_to_do():
    assert turn_on_problems(EXPORT_FLOW, "", {})[0].code == "flow-not-installed"
    lapsed = {DATAVERSE: ReferenceState("owner", needs_attention=True)}
    assert turn_on_problems(EXPORT_FLOW, "owner", lapsed)[0].code == "connection-needs-attention"
    assert turn_on_problems(EXPORT_FLOW, "owner", {DATAVERSE: ReferenceState("owner")}) == []
    assert reference_problems(EXPORT_FLOW, FINANCE, "owner", "owner")[0].code == "reference-not-needed"
    assert "take ownership" in reference_problems(EXPORT_FLOW, DATAVERSE, "owner", "installer")[0].message


def test_a_flow_that_is_off_or_unconnected_gives_no_client(environment, people):
    operations.install_flows(actor=people.owner, environment=environment)
    with pytest.raises(FlowOff, match="turned off"):
        queries.finance_client(environment=environment, flow_name=EXPORT_FLOW)
    with pytest.raises(ConnectionMissing, match="no Dataverse connection"):
        queries.legal_entities(environment=environment)


def test_a_connection_without_a_sign_in_needs_attention(environment, people):
    operations.install_flows(actor=people.owner, environment=environment)
    connection = connection_of(people.owner, environment)
    operations.set_reference(
        actor=people.owner, environment=environment, name=EXPORT_FLOW, kind=DATAVERSE, connection=connection
    )
    with pytest.raises(ConnectionMissing, match="Nobody has signed in yet"):
        queries.legal_entities(environment=environment)
    connection.refresh_from_db()
    assert connection.status == Connection.Status.NEEDS_ATTENTION


def test_a_sign_in_copied_to_another_owner_stays_shut(environment, people):
    from connections import entra

    operations.install_flows(actor=people.owner, environment=environment)
    stolen = entra.seal_cache(people.installer.pk, "{}")
    connection = connection_of(people.owner, environment, token_cache=stolen)
    operations.set_reference(
        actor=people.owner, environment=environment, name=EXPORT_FLOW, kind=DATAVERSE, connection=connection
    )
    with pytest.raises(ConnectionMissing, match="can't be decrypted"):
        queries.legal_entities(environment=environment)


def test_there_may_be_no_environment_at_all():
    from connections.errors import FinanceNotConfigured

    with pytest.raises(FinanceNotConfigured):
        queries.default_environment()
