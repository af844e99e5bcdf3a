"""What every test may lean on: an own data folder, a real sandbox, the sample cubes, and no error that nobody sees."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from pytest_django.plugin import blocking_manager_key

from bpp_portal.audit import triggers
from bpp_portal.kernel.roles import Role
from tests.remote import environment, people, running_sandbox, sandbox  # noqa: F401
from tests.world import codes, oakland, world  # noqa: F401

# Playwright's sync API keeps an event loop in the test's thread; Django must not take that for async code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

LONGEST = ["test_postgres.py", "test_kill.py", "test_planner.py", "test_accessible.py"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "expects_errors: this test provokes an ERROR in the log")
    folder_of_the_test_database()


def folder_of_the_test_database() -> None:
    """Made when missing, as in a fresh clone: SQLite makes the file and not the folder."""
    name = settings.DATABASES["default"].get("TEST", {}).get("NAME")
    if name and settings.DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
        Path(name).parent.mkdir(parents=True, exist_ok=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest files first, so that no process sits idle at the end of a run that is shared out.

    With PORTAL_DATABASE_TESTS only those that use the portal's database: what a second kind of database can change.
    """
    if os.environ.get("PORTAL_DATABASE_TESTS"):
        others = [item for item in items if not _uses_database(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _uses_database(item)]
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def _uses_database(item: pytest.Item) -> bool:
    fixtures = {"db", "transactional_db", "live_server"}
    return bool(item.get_closest_marker("django_db") or fixtures & set(getattr(item, "fixturenames", ())))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[None]:
    """A test that commits ends with every table emptied: put back what migrations made, triggers and roles."""
    yield
    marker = item.get_closest_marker("django_db")
    if marker is None or not marker.kwargs.get("transaction") or nextitem is None:
        return
    with item.config.stash[blocking_manager_key].unblock():
        triggers.lay(connection)
        Group.objects.bulk_create([Group(name=role.value) for role in Role], ignore_conflicts=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With PORTAL_NO_SKIPS a skipped test fails the run: CI has everything that the tests need."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("PORTAL_NO_SKIPS") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path: Path) -> None:
    """Data in the test's own folder; static files under their plain names, without a collection step before."""
    settings.DATA_DIR = tmp_path / "data"
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}


@pytest.fixture(autouse=True)
def trail_can_be_emptied(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that commits is cleaned up by deleting every row, which the database refuses for the audit trail."""
    marker = request.node.get_closest_marker("django_db")
    if marker is None or not marker.kwargs.get("transaction"):
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    triggers.lift(connection)  # until the flush is done; pytest_runtest_teardown lays them again


class Errors(logging.Handler):
    """Keeps what was logged at ERROR or above."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def no_error_in_the_log(request: pytest.FixtureRequest) -> Iterator[None]:
    handler = Errors()
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)
    if handler.records and not request.node.get_closest_marker("expects_errors"):
        pytest.fail("logged at ERROR: " + "; ".join(record.getMessage() for record in handler.records))
