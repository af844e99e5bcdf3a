"""When each flow last did something, for which export, and who asked for it."""

from connections.models import Environment
from connections.rules.flows import COUNT_FLOW, EXPORT_FLOW, STATUS_FLOW
from exports.models import RunEvent
from exports.rules.states import State

# The change of state that a flow's own work makes.
_MARKS = {COUNT_FLOW: State.BUILDING, EXPORT_FLOW: State.UPLOADED, STATUS_FLOW: State.VERIFYING}


def last_runs(*, environment: Environment) -> dict[str, RunEvent]:
    """Flow name → the latest event that it made, with its run and requester loaded; flows that never ran are absent."""
    found = {}
    for name, state in _MARKS.items():
        events = RunEvent.objects.filter(run__environment=environment, new_state=state.value)
        last = events.select_related("run__requested_by").order_by("-id").first()
        if last is not None:
            found[name] = last
    return found
