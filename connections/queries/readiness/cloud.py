"""Whether Dataverse shows the flows as they are here. Exports go by the portal's, so a difference is a warning."""

from collections.abc import Sequence

from django.conf import settings

from connections import dataverse_setup
from connections.dataverse import DataverseClient
from connections.errors import RemoteError
from connections.rules.cloud_flows import FlowHere, differences
from connections.rules.readiness import State, flow_key
from connections.transport import deadline

from .sheet import Sheet

HINT = "Bring Dataverse in line on the Flows page, or turn the flow off here as well."


def shown_in_dataverse(sheet: Sheet, client: DataverseClient, on: Sequence[str]) -> None:
    """Compare the flows called `on`, which are on here; when Dataverse does not tell, the rows stay as they are."""
    try:
        with deadline(settings.READINESS_ANSWER):
            there = dataverse_setup.documented_flows(client, on, defined=False)
    except RemoteError:
        return
    for name in on:
        cloud = there.get(name)
        # Only the state is compared: who the owner is there, the Flows page asks.
        words = differences(FlowHere(name, True, "", cloud.owner_id if cloud else ""), cloud)
        if words:
            sheet.note(flow_key("on", name), State.WARNING, f"On; {', '.join(words)}", HINT)
