"""Processes that the demo starts, each in a group of its own, so that ending one ends all that it started."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

WINDOWS = os.name == "nt"


@dataclass
class Service:
    """One long-running program: started, watched, restarted when it dies, ended with its whole group."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    stop_seconds: float = 10.0
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, object] = {"start_new_session": True}
        if WINDOWS:
            options = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **options,  # type: ignore[call-overload]
            )

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def revive(self) -> bool:
        """Start again after a death; False when it died five times within a minute."""
        now = time.monotonic()
        self.deaths = [moment for moment in self.deaths if now - moment < 60] + [now]
        if len(self.deaths) > 5:
            return False
        print(f"{self.name} ended unexpectedly and is started again (see {self.log}).", flush=True)
        self.end(grace=0)
        self.start()
        return True

    def end(self, grace: float | None = None) -> None:
        """Ask it to end, wait, then kill what is left of its group."""
        if self.process is None:
            return
        wait = self.stop_seconds if grace is None else grace
        if wait and self.runs:
            self.process.send_signal(signal.CTRL_BREAK_EVENT if WINDOWS else signal.SIGTERM)  # type: ignore[attr-defined]
            try:
                self.process.wait(wait)
            except subprocess.TimeoutExpired:
                print(f"{self.name} does not end; it is killed.", file=sys.stderr, flush=True)
        _kill_group(self.process.pid)
        self.process.wait()
        self.process = None


def _kill_group(pid: int) -> None:
    if WINDOWS:
        subprocess.run(["taskkill", "/T", "/F", "/PID", str(pid)], capture_output=True)
        return
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
