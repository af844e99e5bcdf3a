"""The life of an execution in the store: begun, cancelled, refused, closed with its final word."""

import time
from typing import Any

from sandbox.world import World

_SLICE = 0.2  # seconds of sleep before asking again whether the import was cancelled


def is_wanted(world: World, number: int) -> bool:
    """Whether an execution still runs: nobody cancelled it, emptied the store or deleted its history."""
    return world.store.value("SELECT state FROM executions WHERE id = ?", (number,)) in ("NotRun", "Executing")


def wait(world: World, number: int, until: float) -> bool:
    """Sleep until a time; False as soon as the execution is no longer wanted."""
    while is_wanted(world, number):
        left = until - time.time()
        if left <= 0:
            return True
        time.sleep(min(left, _SLICE))
    return False


def begin(world: World, number: int) -> None:
    with world.store.transaction() as connection:
        connection.execute(
            "UPDATE executions SET started = ?, state = 'Executing' WHERE id = ? AND state = 'NotRun'",
            (time.time(), number),
        )
        connection.execute("UPDATE execution_entities SET staging = 'Executing' WHERE execution = ?", (number,))


def finish(world: World, number: int, state: str) -> None:
    """The final word, and a status for every entity that has none yet."""
    now = time.time()
    word = {"Canceled": "Canceled", "Unknown": "Executing"}.get(state, "Error")
    with world.store.transaction() as connection:
        connection.execute(
            "UPDATE executions SET state = ?, finished = ? WHERE id = ? AND state IN ('NotRun', 'Executing')",
            (state, now, number),
        )
        connection.execute(
            "UPDATE execution_entities SET staging = iif(staging = 'Executing', ?, staging), "
            "target = ?, target_ended = ? WHERE execution = ? AND target IN ('NotRun', 'Executing')",
            (word, word, now, number),
        )


def refuse(world: World, number: int, message: str) -> None:
    """The package as a whole cannot be imported: nothing more of it is, and the reason stands in the errors."""
    with world.store.transaction() as connection:
        if not is_wanted(world, number):
            return
        connection.execute("INSERT INTO import_errors VALUES (?, 0, 0, 'staging', '', ?)", (number, message))
        finish(world, number, "Failed")


def close(world: World, number: int) -> None:
    row: Any = world.store.row(
        "SELECT sum(created + updated) AS good, sum(failed) AS failed FROM execution_entities WHERE execution = ?",
        (number,),
    )
    partly = "PartiallySucceeded" if row["good"] and world.faults.plays("partial-success") else "Failed"
    state = "Succeeded" if not row["failed"] else partly
    with world.store.transaction() as connection:
        connection.execute(
            "UPDATE executions SET state = ?, finished = ? WHERE id = ? AND state = 'Executing'",
            (state, time.time(), number),
        )
