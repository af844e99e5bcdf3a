"""What makes the database refuse to change the trail. A later migration of the table lays them anew (SQLite)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

TABLE = "audit_auditentry"
WORDS = "entries of the audit trail are only ever added"


def lay(connection: Any) -> None:
    """Refuse UPDATE and DELETE of every entry from now on."""
    lift(connection)
    with connection.cursor() as cursor:
        for statement in _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE:
            cursor.execute(statement)


def lift(connection: Any) -> None:
    """Allow everything again."""
    on_table = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for act in ("update", "delete"):
            cursor.execute(f"DROP TRIGGER IF EXISTS {TABLE}_no_{act}{on_table}")


@contextmanager
def lifted(connection: Any) -> Iterator[None]:
    """For a moment, what somebody with rights on the database could do: tests and repairs."""
    lift(connection)
    try:
        yield
    finally:
        lay(connection)


_SQLITE = [
    f"CREATE TRIGGER {TABLE}_no_{act} BEFORE {act} ON {TABLE} BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
    for act in ("update", "delete")
]
_POSTGRESQL = [
    f"""CREATE OR REPLACE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'restrict_violation'; END $$""",
    *(
        f"CREATE TRIGGER {TABLE}_no_{act} BEFORE {act} ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {TABLE}_refuse()"
        for act in ("update", "delete")
    ),
]
