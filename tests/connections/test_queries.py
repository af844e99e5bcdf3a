"""What Finance offers, read from the sandbox over the wire, and the documented texts when it can't be read."""

from datetime import date

import pytest

from connections import queries
from connections.errors import (
    Busy,
    ConnectionMissing,
    EntityHidden,
    FinanceNotConfigured,
    FormatMissing,
    NoPermission,
    Rejected,
    Unavailable,
)
from connections.models import Connection
from connections.rules.facts import BudgetCode, BudgetModel
from connections.rules.flows import EXPORT_FLOW

pytestmark = pytest.mark.django_db
URI = "environment-variables/msdyn_xpna_BPPAppFinOpsURI"


def schema(environment, legal_entity="USMF"):
    return queries.budget_schema(environment=environment, legal_entity=legal_entity)


def test_legal_entities_come_from_the_ledgers(environment):
    assert [entity.code for entity in queries.legal_entities(environment=environment)] == ["DEMF", "USMF", "USSI"]


def test_budget_models_of_a_legal_entity_say_which_are_stopped(environment):
    models = queries.budget_models(environment=environment, legal_entity="USMF")
    assert BudgetModel("FY22-OPS", "Operating budget", stopped=False) in models
    assert [model.code for model in models if model.stopped] == ["FY21-OLD"]
    assert not {model.code for model in models} & {
        model.code for model in queries.budget_models(environment=environment, legal_entity="USSI")
    }


def test_the_schema_is_complete(environment):
    found = schema(environment)
    assert (found.legal_entity.code, found.accounting_currency, found.delimiter) == ("USMF", "USD", "|")
    assert found.segments == ("MainAccount", "Department", "Fund")
    assert set(found.budget_dimensions) >= {"Department", "Fund"}
    assert found.codes == (
        BudgetCode("AMEND", "Revision", "Amendment", is_default=False),
        BudgetCode("ORIG", "Original budget", "OriginalBudget", is_default=True),
        BudgetCode("TRANS", "Transfer", "Transfer", is_default=False),
    )
    assert {"USD", "EUR"} <= found.currencies
    july = next(period for period in found.periods if period.start <= date(2021, 7, 1) <= period.end)
    assert (july.start, july.end, july.status) == (date(2021, 7, 1), date(2021, 7, 31), "Open")
    starts = [period.start for period in found.periods]
    assert starts == sorted(set(starts))


def test_the_other_legal_entity_has_its_own_currency_and_a_closed_period(environment):
    found = schema(environment, "DEMF")
    assert found.accounting_currency == "EUR"
    assert "Closed" in {period.status for period in found.periods}


def test_a_dimension_added_to_the_format_appears(environment, sandbox):
    sandbox.put(
        "rows/DimensionIntegrationFormats",
        {
            "DimensionFormatName": "BudgetRegister",
            "DimensionFormatType": "DataEntityBudgetDimensionFormat",
            "FinancialDimensionFormat": "MainAccount|Department|Fund|Project",
            "IsActive": "Yes",
        },
    )
    assert schema(environment).segments == ("MainAccount", "Department", "Fund", "Project")


def test_without_an_active_format_no_line_can_name_its_account(environment, sandbox):
    sandbox.put(
        "rows/DimensionIntegrationFormats",
        {
            "DimensionFormatName": "BudgetRegister",
            "DimensionFormatType": "DataEntityBudgetDimensionFormat",
            "FinancialDimensionFormat": "MainAccount|Department|Fund",
            "IsActive": "No",
        },
    )
    with pytest.raises(FormatMissing) as missing:
        schema(environment)
    assert "Financial dimension configuration for integrating applications" in missing.value.hint


def test_an_unknown_legal_entity_is_said(environment):
    with pytest.raises(Rejected, match="no legal entity NOPE"):
        schema(environment, "NOPE")


def test_main_accounts_are_those_of_the_chart_with_their_types(environment):
    accounts = queries.members(environment=environment, legal_entity="USMF", dimension="MainAccount")
    assert len(accounts) == 39
    assert {status.account_type for status in accounts.values()} == {"Expense", "Revenue"}


def test_dimension_values_arrive_byte_for_byte(environment):
    values = ["0800", "000110", "NA", "1E5", " lead", "two  blanks", "🧾 emoji"]
    for dimension in ("MainAccount", "Department", "Fund"):
        found = queries.members(environment=environment, legal_entity="USSI", dimension=dimension)
        assert set(values) <= set(found)
        assert all(found[value].value == value for value in values)


def test_all_values_arrive_page_by_page(environment, sandbox):
    sandbox.faults(page_size=10)
    assert len(queries.members(environment=environment, legal_entity="USMF", dimension="Department")) == 27
    assert len(queries.members(environment=environment, legal_entity="USMF", dimension="Fund")) == 141


def test_a_suspended_value_and_one_with_bounds_say_so(environment, sandbox):
    sandbox.put(
        "rows/FinancialDimensionValues",
        {
            "FinancialDimension": "Fund",
            "LegalEntityId": "USMF",
            "DimensionValue": "9'9",
            "IsSuspended": "Yes",
            "ActiveFrom": "2020-01-31T12:00:00Z",
        },
    )
    status = queries.members(environment=environment, legal_entity="USMF", dimension="Fund")["9'9"]
    assert (status.suspended, status.active_from, status.active_to) == (True, date(2020, 1, 31), None)


# --- the troubleshooting table, as far as it concerns reading ---


def test_a_missing_finance_connection_url_variable_names_itself(environment, sandbox):
    sandbox.put(URI, {"value": None})
    with pytest.raises(FinanceNotConfigured) as missing:
        schema(environment)
    assert missing.value.headline == "Finance service not reachable"
    assert "msdyn_xpna_BPPAppFinOpsURI" in missing.value.hint


def test_a_variable_that_leads_elsewhere_is_not_followed(environment, sandbox):
    sandbox.put(URI, {"value": "https://contoso-trial.operations.dynamics.com"})
    with pytest.raises(FinanceNotConfigured) as refused:
        schema(environment)
    assert refused.value.headline == "Finance service not reachable"
    assert "ALLOWED_REMOTE_HOSTS" in refused.value.hint


@pytest.mark.parametrize(
    "entity",
    [
        "LedgerEntity",
        "BudgetModelEntity",
        "BudgetDimensionEntity",
        "DimensionIntegrationFormatEntity",
        "BudgetCodeEntity",
        "DimensionParametersEntity",
    ],
)
def test_a_hidden_entity_is_named(environment, sandbox, entity):
    sandbox.put(f"virtual-entities/{entity}", {"visible": False})
    with pytest.raises(EntityHidden) as hidden:
        schema(environment)
    assert hidden.value.headline == "Unable to load Finance entity definitions"
    assert entity in hidden.value.cause
    sandbox.put(f"virtual-entities/{entity}", {"visible": True})
    assert schema(environment)


def test_without_the_duty_dimension_parameters_are_denied(environment, sandbox):
    sandbox.put("roles/Budget write-back", {"duties": []})
    with pytest.raises(NoPermission) as denied:
        schema(environment)
    assert denied.value.headline == "No permission to execute Finance operation"
    assert denied.value.cause == "Access denied when reading dimension parameters"
    assert "Inquire into dimension parameters master" in denied.value.hint


def test_without_the_role_virtual_entities_are_denied(environment, sandbox):
    sandbox.put("users/owner", {"roles": ["Budget write-back"]})
    with pytest.raises(NoPermission) as denied:
        queries.legal_entities(environment=environment)
    assert denied.value.headline == "No permission to execute Finance operation"
    assert denied.value.cause == "Unable to access virtual entities or integration group"
    assert "Data management operations user" in denied.value.hint


@pytest.mark.parametrize("status", [401, 403])
def test_a_flow_owner_disabled_in_finance_is_named(environment, sandbox, status):
    sandbox.faults(unknown_user_status=status)
    sandbox.put("users/owner", {"enabled": False})
    with pytest.raises(NoPermission) as denied:
        queries.legal_entities(environment=environment)
    assert "owner@contoso.example" in denied.value.cause
    client = queries.finance_client(environment=environment, flow_name=EXPORT_FLOW)
    with pytest.raises(NoPermission) as denied:
        client.ensure_project("BPP-BRE")
    assert denied.value.cause == "Finance does not know owner@contoso.example as an enabled user."


# --- people ---


def may_export(environment, user):
    return queries.finance_user_may_export(environment=environment, user=user)


def test_the_planner_may_export_and_the_others_learn_why_not(environment, people, sandbox):
    may_export(environment, people.planner)
    may_export(environment, people.owner)
    with pytest.raises(NoPermission, match="found: no role"):
        may_export(environment, people.installer)
    with pytest.raises(NoPermission, match=r"reviewer@contoso\.example is not a user in Finance"):
        may_export(environment, people.reviewer)
    sandbox.put("users/planner", {"enabled": False})
    with pytest.raises(NoPermission, match="disabled"):
        may_export(environment, people.planner)


def test_a_person_without_an_address_cannot_be_found_in_finance(environment, people):
    people.guest.email = ""
    with pytest.raises(NoPermission, match="no e-mail"):
        may_export(environment, people.guest)


# --- the way there ---


def test_a_busy_dataverse_says_how_long_to_wait(environment, sandbox):
    sandbox.faults({"call": "mserp_ledgerentities", "kind": "status", "status": 429, "retry_after": "7"})
    with pytest.raises(Busy) as busy:
        queries.legal_entities(environment=environment)
    assert busy.value.retry_after == 7
    assert queries.legal_entities(environment=environment)


def test_a_question_without_an_answer_may_be_asked_again(environment, sandbox):
    sandbox.faults({"call": "mserp_ledgerentities", "kind": "reset"})
    with pytest.raises(Unavailable):
        queries.legal_entities(environment=environment)
    assert queries.legal_entities(environment=environment)


def test_a_refused_token_is_renewed_once(environment, sandbox):
    sandbox.faults({"call": "mserp_ledgerentities", "kind": "status", "status": 401})
    before = len(sandbox.requests("token"))
    assert queries.legal_entities(environment=environment)
    assert len(sandbox.requests("token")) == before + 1


def test_a_token_is_used_as_long_as_it_is_good(environment, sandbox):
    queries.legal_entities(environment=environment)
    before = len(sandbox.requests("token"))
    queries.legal_entities(environment=environment)
    assert len(sandbox.requests("token")) == before


def test_a_sign_in_that_was_revoked_needs_attention(environment, sandbox):
    sandbox.faults(
        {"call": "mserp_ledgerentities", "kind": "status", "status": 401},
        {"call": "token", "kind": "status", "status": 400, "body": '{"error": "invalid_grant"}'},
    )
    with pytest.raises(ConnectionMissing, match="lapsed"):
        queries.legal_entities(environment=environment)
    connection = Connection.objects.get(kind="dataverse")
    assert connection.status == Connection.Status.NEEDS_ATTENTION
    assert "owner@contoso.example" in connection.reason


def test_an_entra_without_an_answer_is_no_reason_to_sign_in_again(environment, sandbox):
    sandbox.faults(
        {"call": "mserp_ledgerentities", "kind": "status", "status": 401},
        {"call": "token", "kind": "status", "status": 503},
    )
    with pytest.raises(Unavailable):
        queries.legal_entities(environment=environment)
    assert not Connection.objects.filter(status=Connection.Status.NEEDS_ATTENTION).exists()
