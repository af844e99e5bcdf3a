"""The supervised worker: django-q2's cluster in a process group of its own, watched and replaced as a whole.

django-q2 stops silently when one of its idle processes is killed, and leaves orphans when its sentinel is. So the
cluster must prove that it moves: a small task stamps a row. When the stamp grows old, or the cluster's main process
ends, the whole group is killed and started anew. The supervisor also rings for every run that is due, and
for the check of readiness.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from bpp_portal import queue
from bpp_portal.kernel.clock import database_now
from bpp_portal.kernel.models import Pulse
from bpp_portal.tasks import WORKER
from exports.operations import from_dataverse
from exports.operations.sweeping import sweep, working

CANARY_EVERY = 5.0
STOP_SECONDS = 10.0


class Command(BaseCommand):
    help = "Run the background worker until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        Supervisor(Path(settings.VAR_DIR)).run()


class Supervisor:
    """Keeps exactly one healthy cluster alive for this installation."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.group_file = folder / "worker.group"
        self.lock = (folder / "worker.lock").open("w")
        self.child: subprocess.Popen[bytes] | None = None
        self.stopping = False
        self.started = self.rang = 0.0
        self.looked = time.monotonic()

    def run(self) -> None:
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CommandError("A worker already runs for this installation.") from error
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, self._stop)
        self._end_left_over()
        try:
            while not self.stopping:
                self._tick()
                time.sleep(0.5)
        finally:
            self._end_child()

    def _stop(self, *_: Any) -> None:
        self.stopping = True

    def _tick(self) -> None:
        if self.child is None or self.child.poll() is not None:
            self._end_child(grace=0)
            self._start()
        try:
            if time.monotonic() - self.rang > CANARY_EVERY:
                queue.ring("bpp_portal.tasks.canary")
                self.rang = time.monotonic()
            if 0 < settings.READINESS_EVERY < time.monotonic() - self.looked:
                queue.ring("connections.tasks.check_readiness")
                self.looked = time.monotonic()
            sweep()
            from_dataverse.sweep()
            if self._stuck():
                self.stderr("the queue does not move; the cluster is replaced")
                self._end_child(grace=0)
        except DatabaseError as error:
            self.stderr(f"the database does not answer: {error}")
            connection.close()

    def _stuck(self) -> bool:
        if time.monotonic() - self.started < settings.WORKER_STUCK_AFTER:
            return False
        limit = database_now() - timedelta(seconds=settings.WORKER_STUCK_AFTER)
        fresh = Pulse.objects.filter(name=WORKER, at__gt=limit).exists()
        return not fresh and not working() and not from_dataverse.working()

    def _start(self) -> None:
        queue.forget("bpp_portal.tasks.canary")
        manage = str(Path(settings.BASE_DIR) / "manage.py")
        self.child = subprocess.Popen([sys.executable, manage, "qcluster"], start_new_session=True)
        self.group_file.write_text(str(self.child.pid))
        self.started = time.monotonic()

    def _end_child(self, grace: float = STOP_SECONDS) -> None:
        if self.child is None:
            return
        if grace and self.child.poll() is None:
            os.kill(self.child.pid, signal.SIGTERM)
            until = time.monotonic() + grace
            while self.child.poll() is None and time.monotonic() < until:
                time.sleep(0.1)
        _kill_group(self.child.pid)
        self.child.wait()
        self.child = None
        self.group_file.unlink(missing_ok=True)

    def _end_left_over(self) -> None:
        """A supervisor that was killed leaves its cluster behind; two generations would only confuse people."""
        if not self.group_file.exists():
            return
        group = int(self.group_file.read_text() or 0)
        if group and _is_cluster(group):
            _kill_group(group)
        self.group_file.unlink(missing_ok=True)

    def stderr(self, text: str) -> None:
        sys.stderr.write(f"worker: {text}\n")
        sys.stderr.flush()


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return
    except PermissionError:
        return


def _is_cluster(group: int) -> bool:
    """Whether a process of this group is our cluster (Linux; elsewhere a left-over group is left alone)."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(entry.name)) == group and b"qcluster" in (entry / "cmdline").read_bytes():
                return True
        except OSError:
            continue
    return False
