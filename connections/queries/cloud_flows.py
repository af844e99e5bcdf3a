"""How the flows stand in Dataverse, beside the portal's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connections import dataverse_setup
from connections.dataverse import DataverseClient
from connections.errors import RemoteError
from connections.models import Environment, Flow
from connections.rules.cloud_flows import FlowHere, differences
from connections.rules.flows import ConnectionKind

from .access import connection_of, dataverse_client, flows


@dataclass(frozen=True)
class Compared:
    """Differences in words by flow; empty where both agree. `error` says why Dataverse could not be asked."""

    differing: Mapping[str, tuple[str, ...]]
    error: RemoteError | None = None

    @property
    def by_flow(self) -> dict[str, str]:
        """What differs for each flow as one sentence; a flow that is the same on both sides is left out."""
        found = {name: ", ".join(words) for name, words in self.words}
        return {name: text[:1].upper() + text[1:] for name, text in found.items()}

    @property
    def words(self) -> list[tuple[str, tuple[str, ...]]]:
        """The flows that differ, each with what does."""
        return [(name, words) for name, words in self.differing.items() if words]


def compared(*, environment: Environment, user: Any) -> Compared:
    """What differs in Dataverse now, asked as the reader, else as the flow owner; at least one flow is installed."""
    try:
        connection = connection_of(environment=environment, user=user, kind=ConnectionKind.DATAVERSE)
        client = (
            DataverseClient(environment=environment, connection=connection)
            if connection
            else dataverse_client(environment=environment)
        )
        there = dataverse_setup.documented_flows(client, defined=False)
        found = flows(environment=environment)
        ids = {account: dataverse_setup.user_id(client, account) for account in set(map(account_of, found)) if account}
    except RemoteError as error:
        return Compared({}, error)
    return Compared(
        {
            flow.name: tuple(
                differences(
                    FlowHere(flow.name, flow.is_on, str(flow.owner), ids.get(account_of(flow), "")),
                    there.get(flow.name),
                )
            )
            for flow in found
        }
    )


def account_of(flow: Flow) -> str:
    """Whose sign-in stands for the flow's owner in Dataverse: that of its connection there, else their e-mail."""
    reference = next((one for one in flow.references.all() if one.kind == ConnectionKind.DATAVERSE), None)
    connection = reference.connection if reference else None
    return connection.account if connection else getattr(flow.owner, "email", "")
