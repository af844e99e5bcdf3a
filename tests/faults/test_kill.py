"""`kill -9` of every kind of worker process, at every place where it hurts: none lost, none doubled."""

import os
import signal
from decimal import Decimal

import pytest

from tests.stack import until

pytestmark = pytest.mark.faults

PLACES = ["building", "uploading", "started", "polling", "reading back"]
VICTIMS = ["busy worker", "idle worker", "sentinel", "whole group"]


def kill(stack, victim: str, busy: int) -> None:
    main, sentinel, workers = stack.cluster()
    if victim == "busy worker":
        os.kill(busy, signal.SIGKILL)
    elif victim == "idle worker":
        os.kill(next(pid for pid in workers if pid != busy), signal.SIGKILL)
    elif victim == "sentinel":
        os.kill(sentinel, signal.SIGKILL)
    else:
        os.kill(stack.supervisor(), signal.SIGKILL)
        os.killpg(main, signal.SIGKILL)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("victim", VICTIMS)
def test_the_run_completes_by_itself(stack, victim, place):
    starts = stack.started_calls()
    stack.hold_at(place)
    run = stack.export("oakland/fire-police-finance.json")
    busy = stack.held()
    kill(stack, victim, busy)
    stack.let_go()
    ended = until(
        lambda: (status := stack.api(f"exports/{run['run_id']}/status/"))["ended"] and status,
        60,
        f"{victim} killed at {place}: {stack.words()}",
    )
    assert ended["state"] == "SUCCEEDED", stack.api(f"exports/{run['run_id']}/")
    lines = stack.entry(run["entry_number"])["lines"]
    assert len(lines) == 314
    assert sum(Decimal(line["TransactionCurrencyAmount"]) for line in lines) == Decimal("564602579.00")
    assert stack.started_calls() - starts == 1
