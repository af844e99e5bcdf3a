"""What stands before every call to Finance's OData service: the busy answer, and the headers that all answers carry."""

from math import floor

from starlette.responses import Response

from sandbox.wire import Call, finance_error

BUSY = "This request could not be processed at this time due to system experiencing high resource utilization."


def check(call: Call) -> None:
    """429 for the share of calls that mode `finance_busy` asks for, evenly spread: 0.25 is every fourth."""
    if not call.path.startswith("/data"):
        return
    share = min(max(float(call.world.faults.mode("finance_busy")), 0.0), 1.0)
    if not share or not call.world.faults.plays("finance-wire"):
        return
    number = next(call.world.finance_calls)
    if floor((number + 1) * share) > floor(number * share):
        busy = finance_error(429, BUSY)
        busy.headers["Retry-After"] = str(call.world.faults.mode("finance_busy_seconds"))
        raise busy


def finish(call: Call, answered: Response) -> Response:
    if call.path.startswith("/data"):
        answered.headers["OData-Version"] = "4.0"
    return answered
