"""Everything that touches the database, once more on PostgreSQL, which production uses."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests import postgres
from tests.stack import ROOT

BINARIES = postgres.programs()
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(BINARIES is None, reason="PostgreSQL is not installed; these tests start their own cluster"),
]
FOLDERS = ["tests/audit", "tests/connections", "tests/cubes", "tests/exports"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    assert BINARIES is not None
    with postgres.cluster(BINARIES) as found:
        yield found


def run(address: str, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DATABASE_URL": address, "PORTAL_DATABASE_TESTS": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1500
    )


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_suite_passes_on_postgresql(address, folder):
    done = run(address, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


def test_migrations_run_from_nothing(address):
    done = run(address, "manage.py", "migrate", "--verbosity=0")
    assert done.returncode == 0, done.stdout + done.stderr
    for check in (["migrate", "--check"], ["makemigrations", "--check", "--dry-run"], ["check", "--database=default"]):
        done = run(address, "manage.py", *check)
        assert done.returncode == 0, done.stdout + done.stderr
