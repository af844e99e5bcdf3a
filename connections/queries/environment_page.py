"""What Dataverse says about an environment: the variable that names Finance, and the virtual entities."""

from dataclasses import dataclass
from typing import Any

from connections import dataverse_setup
from connections.dataverse import FINANCE_URI, DataverseClient
from connections.errors import RemoteError
from connections.models import Connection, Environment
from connections.rules.dataverse import Variable
from connections.rules.entities import VIRTUAL_ENTITIES
from connections.rules.flows import ConnectionKind
from connections.rules.linking import LinkStep, link_steps
from connections.transport import deadline

from .access import connection_of, dataverse_client

ANSWER_SECONDS = 5.0  # for all that the page reads: whoever opens it waits that long at most


@dataclass(frozen=True)
class EntityRow:
    """`state` is Visible, Hidden or Not offered."""

    name: str
    purpose: str
    state: str

    @property
    def chip(self) -> str:
        return "success" if self.state == "Visible" else "danger"


@dataclass(frozen=True)
class Found:
    """`who` was asked as; with `error` nothing else is known. `variable` is None when Dataverse has none."""

    who: str = ""
    variable: Variable | None = None
    entities: tuple[EntityRow, ...] = ()
    error: RemoteError | None = None

    @property
    def visible(self) -> int:
        return sum(row.state == "Visible" for row in self.entities)

    def steps(self, *, linked: bool) -> tuple[LinkStep, ...]:
        """What is left to do by hand; empty when nothing is, or nothing could be read."""
        if self.error is not None:
            return ()
        return link_steps(
            linked=linked,
            has_variable=self.variable is not None,
            value=self.variable.value if self.variable else "",
            hidden=len(self.entities) - self.visible,
        )


def found_in(*, environment: Environment, user: Any) -> Found:
    """Ask Dataverse as `user`, or as the flow owner while they have no connection of their own."""
    try:
        with deadline(ANSWER_SECONDS):
            client = _client(environment, user)
            variable = client.variable(FINANCE_URI)
            offered = dataverse_setup.catalog(client)
    except RemoteError as error:
        return Found(error=error)
    states = {name: ("Visible" if row.visible else "Hidden") for name, row in offered.items()}
    rows = (EntityRow(name, why, states.get(name, "Not offered")) for name, why in VIRTUAL_ENTITIES.items())
    return Found(client.who, variable, tuple(rows))


def _client(environment: Environment, user: Any) -> DataverseClient:
    own = connection_of(environment=environment, user=user, kind=ConnectionKind.DATAVERSE)
    if own is not None and own.status == Connection.Status.CONNECTED:
        return DataverseClient(environment=environment, connection=own)
    return dataverse_client(environment=environment)
