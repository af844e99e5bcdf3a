"""The tenant that the contract is checked against: the sandbox, or a real one that the environment names."""

import os
from dataclasses import dataclass

import pytest

from connections import entra_application, queries
from connections.dataverse import DataverseClient
from connections.errors import RemoteError
from connections.finance import FinanceClient
from connections.http import Answer
from connections.models import Environment
from connections.rules.addresses import host_and_port
from connections.rules.flows import EXPORT_FLOW

NEEDED = ("FINANCE_URL", "TENANT", "CLIENT_ID", "LEGAL_ENTITY")


class Refusal(RemoteError):
    """A refusal with the answer that it was, for tests of the answer itself."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.reason)
        self.answer = answer


@dataclass(frozen=True)
class Tenant:
    """Clients of one Dataverse and the Finance linked to it, and the legal entity that is looked at."""

    dataverse: DataverseClient
    finance: FinanceClient
    finance_url: str
    legal_entity: str
    may_write: bool

    def refused(self, client, path, options=None, *, expects_json=True) -> Answer:
        """The refusal of a question that has no good answer."""
        url = client.service.address(path, options)
        with pytest.raises(Refusal) as refused:
            client.service.call("GET", url, refuse=Refusal, expects_json=expects_json)
        return refused.value.answer


@pytest.fixture
def tenant(request, settings) -> Tenant:
    if os.environ.get("CONTRACT_DATAVERSE_URL"):
        return _named(settings)
    environment = request.getfixturevalue("environment")
    finance = queries.finance_client(environment=environment, flow_name=EXPORT_FLOW)
    dataverse = queries.dataverse_client(environment=environment)
    entities = {row["LegalEntityId"] for row in finance.rows("Ledgers", ("LegalEntityId",))}
    with_models = {row["dataAreaId"].upper() for row in finance.rows("BudgetModels", ("dataAreaId",))}
    return Tenant(dataverse, finance, finance.root, min(entities & with_models), may_write=True)


def _named(settings) -> Tenant:
    """A real tenant, as the application (a service principal) that its administrators registered for this."""
    given = {name: os.environ.get(f"CONTRACT_{name}", "") for name in NEEDED}
    missing = [f"CONTRACT_{name}" for name, value in given.items() if not value]
    secret = os.environ.get("CONTRACT_CLIENT_SECRET", "")
    if not (secret or settings.ENTRA_CERTIFICATE_FILE):
        missing.append("CONTRACT_CLIENT_SECRET or ENTRA_CERTIFICATE_FILE")
    assert not missing, f"also set {', '.join(missing)}"
    dataverse_url = os.environ["CONTRACT_DATAVERSE_URL"].rstrip("/")
    finance_url = given["FINANCE_URL"].rstrip("/")
    authority = os.environ.get("CONTRACT_AUTHORITY", "https://login.microsoftonline.com")
    settings.ALLOWED_REMOTE_HOSTS = [host_and_port(url) for url in (dataverse_url, finance_url, authority)]
    settings.ALLOWED_BLOB_HOSTS = os.environ.get("CONTRACT_BLOB_HOSTS", ".blob.core.windows.net").split(",")
    settings.REMOTE_CA_FILE = os.environ.get("CONTRACT_CA_FILE", "")
    settings.ENTRA_CLIENT_SECRET = secret
    environment = Environment(
        name="contract",
        dataverse_url=dataverse_url,
        tenant_id=given["TENANT"],
        authority=authority,
        client_id=given["CLIENT_ID"],
    )

    def bearer(resource):
        return lambda refresh: entra_application.application_token(environment, resource, refresh=refresh)

    who = f"application {given['CLIENT_ID']}"
    return Tenant(
        DataverseClient.of(root=dataverse_url, who=who, bearer=bearer(dataverse_url)),
        FinanceClient(root=finance_url, who=who, bearer=bearer(finance_url)),
        finance_url,
        given["LEGAL_ENTITY"],
        may_write=os.environ.get("CONTRACT_WRITE", "") == "yes",
    )
