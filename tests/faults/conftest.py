"""One demo for all fault tests, with short leases so that a recovery takes seconds."""

import pytest

from tests.stack import Stack, of_folder, until


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    running = Stack(
        tmp_path_factory.mktemp("stack"),
        EXPORT_LEASE="3",
        EXPORT_SETTLE="3",
        EXPORT_POLL_BASE="0.3",
        WORKER_STUCK_AFTER="8",
    ).start()
    try:
        yield running
    finally:
        running.stop()
    until(lambda: not of_folder(running.folder), 10, "no process is left behind")
