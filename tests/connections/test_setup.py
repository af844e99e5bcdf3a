"""The demo's environment is made by one command, with a real sign-in, and followed when the sandbox moves."""

import logging

import pytest
from django.core.management import CommandError, call_command

from bpp_portal.audit.models import AuditEntry
from connections import entra, queries
from connections.models import Connection, Environment
from connections.rules.flows import EXPORT_FLOW, STATUS_FLOW

pytestmark = pytest.mark.django_db


def test_the_owner_owns_connected_flows_that_are_on(environment, people):
    flows = queries.flows(environment=environment)
    assert [(flow.owner, flow.is_on) for flow in flows] == [(people.owner, True)] * 3
    assert {reference.connection.account for flow in flows for reference in flow.references.all()} == {
        "owner@contoso.example"
    }
    assert AuditEntry.objects.filter(actor=people.installer, verb="install flow").count() == 3


def test_running_it_again_changes_nothing(environment):
    before = AuditEntry.objects.count()
    call_command("setup_environment", verbosity=0)
    assert AuditEntry.objects.count() == before
    assert Connection.objects.count() == 2


def test_one_sign_in_serves_dataverse_and_finance(environment, sandbox):
    client = queries.finance_client(environment=environment, flow_name=EXPORT_FLOW)
    assert client.root == f"https://localhost:{sandbox.tls_port}"
    assert client.rows("Currencies", ("CurrencyCode",))
    assert queries.finance_client(environment=environment, flow_name=STATUS_FLOW).rows("Currencies", ("CurrencyCode",))


def test_a_moved_sandbox_is_followed(environment):
    Environment.objects.update(dataverse_url="https://127.0.0.1:1", authority="https://127.0.0.1:1")
    Connection.objects.update(token_cache=b"", home_account_id="")
    call_command("setup_environment", verbosity=0)
    assert queries.legal_entities(environment=Environment.objects.get())


def test_a_lapsed_sign_in_is_made_again(environment, sandbox):
    sandbox.call("POST", "reset")
    Connection.objects.update(token_cache=b"rubbish", status=Connection.Status.NEEDS_ATTENTION, reason="x")
    call_command("setup_environment", verbosity=0)
    assert set(Connection.objects.values_list("status", "reason")) == {("connected", "")}


def test_without_a_sandbox_the_command_says_what_to_start(settings, people):
    settings.SANDBOX_PORT = 1
    with pytest.raises(CommandError, match="No sandbox answers"):
        call_command("setup_environment")


def test_production_has_no_sandbox(settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError, match="for the demo"):
        call_command("setup_environment")


def test_two_workers_may_refresh_at_once(environment):
    first, second = (Connection.objects.get(kind="dataverse") for _ in range(2))
    resource = environment.dataverse_url
    assert entra.token_for(first, resource, refresh=True)
    assert entra.token_for(second, resource, refresh=True)
    assert second.token_version == first.token_version
    assert entra.token_for(Connection.objects.get(kind="dataverse"), resource)


def test_the_stored_sign_in_shows_no_token(environment):
    connection = Connection.objects.get(kind="dataverse")
    assert b"access_token" not in bytes(connection.token_cache)
    assert b"eyJ" not in bytes(connection.token_cache)


def test_no_token_and_no_secret_is_logged(environment, sandbox, caplog):
    caplog.set_level(logging.DEBUG)
    connection = Connection.objects.get(kind="dataverse")
    token = entra.token_for(connection, environment.dataverse_url, refresh=True)
    queries.legal_entities(environment=environment)
    assert token not in caplog.text
    assert sandbox.get("facts")["client_secret"] not in caplog.text
