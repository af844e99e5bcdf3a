"""What makes the database refuse to change the trail. A later migration of the table lays them anew (SQLite)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

TABLE = "audit_auditentry"
WORDS = "entries of the audit trail are only ever added"


def lay(connection: Any) -> None:
    """Refuse from now on to change or delete an entry, one by one, all at once or by putting another in its place."""
    lift(connection)
    with connection.cursor() as cursor:
        for statement in _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE:
            cursor.execute(statement)


def lift(connection: Any) -> None:
    """Allow everything again."""
    on_table = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for act in ACTS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {TABLE}_no_{act}{on_table}")


def missing(connection: Any) -> list[str]:
    """The acts that the database does not refuse at this moment, though it should; somebody took the trigger away."""
    there, acts = "SELECT name FROM sqlite_master WHERE type = 'trigger'", ACTS_OF_SQLITE
    if connection.vendor == "postgresql":
        there, acts = "SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'", ACTS_OF_POSTGRESQL
    with connection.cursor() as cursor:
        cursor.execute(there)
        names = {row[0] for row in cursor.fetchall()}
    return [act for act in acts if f"{TABLE}_no_{act}" not in names]


@contextmanager
def lifted(connection: Any) -> Iterator[None]:
    """For a moment, what somebody with rights on the database could do: tests and repairs."""
    lift(connection)
    try:
        yield
    finally:
        lay(connection)


# SQLite has no TRUNCATE, but INSERT OR REPLACE, which deletes without asking a trigger for deletions.
ACTS_OF_SQLITE = ("update", "delete", "replace")
ACTS_OF_POSTGRESQL = ("update", "delete", "truncate")
ACTS = ("update", "delete", "replace", "truncate")
_REFUSE = f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
_SQLITE = [
    *(f"CREATE TRIGGER {TABLE}_no_{act} BEFORE {act} ON {TABLE} {_REFUSE}" for act in ("update", "delete")),
    f"""CREATE TRIGGER {TABLE}_no_replace BEFORE INSERT ON {TABLE}
    WHEN EXISTS (SELECT 1 FROM {TABLE} WHERE seq = NEW.seq OR id = NEW.id) {_REFUSE}""",  # noqa: S608
]
_POSTGRESQL = [
    f"""CREATE OR REPLACE FUNCTION {TABLE}_refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{WORDS}' USING ERRCODE = 'restrict_violation'; END $$""",
    *(
        f"CREATE TRIGGER {TABLE}_no_{act} BEFORE {act} ON {TABLE} FOR EACH ROW EXECUTE FUNCTION {TABLE}_refuse()"
        for act in ("update", "delete")
    ),
    f"CREATE TRIGGER {TABLE}_no_truncate BEFORE TRUNCATE ON {TABLE} EXECUTE FUNCTION {TABLE}_refuse()",
]
