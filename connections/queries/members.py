"""The values that Finance knows for a main account or a financial dimension."""

from collections.abc import Mapping
from typing import Any

from connections.models import Environment
from connections.rules.facts import MemberStatus
from connections.rules.flows import EXPORT_FLOW
from connections.rules.wire import day_of, literal, text_of

from .access import dataverse_client, finance_client_of, flow
from .schema import ledger_of

MAIN_ACCOUNT = "MainAccount"


def members(*, environment: Environment, legal_entity: str, dimension: str) -> dict[str, MemberStatus]:
    """The values of `dimension` in a legal entity by value, byte for byte; "MainAccount" gives the main accounts.

    Main accounts are those of the ledger's chart of accounts, dimension values those of the legal entity and the
    shared ones; a value that is both is the legal entity's. Read page by page from Finance.
    """
    if dimension == MAIN_ACCOUNT:
        return _main_accounts(environment, legal_entity)
    wanted = flow(environment=environment, name=EXPORT_FLOW)
    finance = finance_client_of(wanted, must_be_on=False)
    fields = ("LegalEntityId", "DimensionValue", "Description", "IsSuspended", "ActiveFrom", "ActiveTo")
    where = (
        f"FinancialDimension eq {literal(dimension)} and "
        f"(LegalEntityId eq {literal(legal_entity)} or LegalEntityId eq '')"
    )
    shared: dict[str, MemberStatus] = {}
    own: dict[str, MemberStatus] = {}
    for page in finance.pages("FinancialDimensionValues", fields, where=where):
        for row in page:
            status = _status(row, value="DimensionValue", description="Description")
            (own if row["LegalEntityId"] else shared)[status.value] = status
    return shared | own


def _main_accounts(environment: Environment, legal_entity: str) -> dict[str, MemberStatus]:
    ledger = ledger_of(dataverse_client(environment=environment), legal_entity)
    finance = finance_client_of(flow(environment=environment, name=EXPORT_FLOW), must_be_on=False)
    fields = ("MainAccountId", "Name", "MainAccountType", "IsSuspended", "ActiveFrom", "ActiveTo")
    where = f"ChartOfAccounts eq {literal(ledger['ChartOfAccounts'])}"
    found = (
        _status(row, value="MainAccountId", description="Name")
        for page in finance.pages("MainAccounts", fields, where=where)
        for row in page
    )
    return {status.value: status for status in found}


def _status(row: Mapping[str, Any], *, value: str, description: str) -> MemberStatus:
    return MemberStatus(
        value=text_of(row, value),
        suspended=text_of(row, "IsSuspended") == "Yes",
        active_from=day_of(row["ActiveFrom"]),
        active_to=day_of(row["ActiveTo"]),
        description=text_of(row, description),
        account_type=text_of(row, "MainAccountType"),
    )
