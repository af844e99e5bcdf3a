"""The sheet that the questions of one check fill in, from several threads; and tokens that threads may only use."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from django.conf import settings

from connections import entra
from connections.errors import RemoteError
from connections.models import Connection
from connections.rules.readiness import Blame, Finding, Row, State, blame, settle
from connections.transport import deadline

T = TypeVar("T")


class Sheet:
    """What was found so far. Every key is written by one thread only."""

    def __init__(self) -> None:
        self.findings: dict[str, Finding] = {}
        self.blames: dict[str, Blame] = {}
        self.seconds: dict[str, float] = {}

    def note(self, key: str, state: State, found: str, hint: str = "", lacking: tuple[str, ...] = ()) -> None:
        self.findings[key] = Finding(state, found, hint, lacking)

    def passed(self, key: str, found: str) -> None:
        self.note(key, State.PASSED, found)

    def fails(self, key: str, found: str, hint: str = "") -> None:
        self.note(key, State.FAILS, found, hint)

    def ask(self, key: str, side: str, what: Callable[[], T]) -> T | None:
        """The answer to `what`, or None: then its error of the border is noted under what it is to blame for."""
        started = time.monotonic()
        try:
            with deadline(settings.READINESS_ANSWER):
                return what()
        except RemoteError as error:
            self.blames[key] = blame(error, key=key, side=side)
            return None
        finally:
            self.seconds[key] = self.seconds.get(key, 0.0) + time.monotonic() - started

    def soften(self, key: str, state: State) -> None:
        """What was refused is less than a failure here."""
        refused = self.blames[key]
        if refused.cause in (key, "linked"):
            self.blames[key] = replace(refused, finding=replace(refused.finding, state=state))

    def rows(self) -> tuple[Row, ...]:
        """One row for each precondition; those that nobody has asked about yet are not checked."""
        return settle(dict(self.findings), dict(self.blames), dict(self.seconds))

    def answered(self) -> tuple[Row, ...]:
        """The rows that are known already, those that can't be asked about any more included."""
        rows = self.rows()
        failing = {row.key for row in rows if row.state is State.FAILS}
        return tuple(row for row in rows if row.state is not State.NOT_CHECKED or row.waits_for in failing)


class HeldToken:
    """A token asked for in the thread that may use the database; others use it as it is, and never refresh it.

    A thread of its own would need a connection of its own to the database, and SQLite lets only one of them write.
    """

    def __init__(self, connection: Connection, resource: str) -> None:
        self._connection, self._resource = connection, resource
        self._thread = threading.get_ident()
        self._token = entra.token_for(connection, resource)

    def __call__(self, refresh: bool) -> str:
        if refresh and threading.get_ident() == self._thread:
            self._token = entra.token_for(self._connection, self._resource, refresh=True)
        return self._token
