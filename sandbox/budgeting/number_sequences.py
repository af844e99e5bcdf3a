"""The number sequence of budget register entries: its form, numbers that fit it, and the next one."""

import re
import sqlite3

from sandbox.world import World


class Exhausted(Exception):
    """The sequence has no number left."""


def fits(form: str, number: str) -> bool:
    """Whether a number has the form: `#` is a digit, every other sign is itself."""
    return re.fullmatch(re.escape(form).replace(r"\#", r"\d"), number) is not None


def draw(world: World, connection: sqlite3.Connection, legal_entity: str) -> str:
    """The next number of a legal entity that no entry has yet. Raises Exhausted."""
    form = str(world.faults.mode("number_format"))
    row = connection.execute("SELECT next FROM number_sequences WHERE legal_entity = ?", (legal_entity,)).fetchone()
    number = int(row[0]) if row else 1
    while _is_taken(connection, legal_entity, text := _text(form, number)):
        number += 1
    connection.execute("INSERT OR REPLACE INTO number_sequences VALUES (?, ?)", (legal_entity, number + 1))
    return text


def _text(form: str, number: int) -> str:
    marks = re.search("#+", form)
    width = len(marks[0]) if marks else 0
    if len(str(number)) > width:
        raise Exhausted(f"Number sequence {form} has been exceeded.")
    return re.sub("#+", str(number).zfill(width), form, count=1)


def _is_taken(connection: sqlite3.Connection, legal_entity: str, number: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM BudgetRegisterEntryHeaders WHERE LegalEntityId = ? AND EntryNumber = ?", (legal_entity, number)
    ).fetchone()
    return found is not None
