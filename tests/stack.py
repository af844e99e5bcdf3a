"""The whole product as real processes: `python -m bpp_portal.demo` in a folder and on ports of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"
START_SECONDS = 120.0
NOT_FINISHED = 3  # exit status of `export_budget` for a run that is accepted


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for item in sockets:
        item.bind(("127.0.0.1", 0))
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


def until(what: Any, seconds: float, why: str = "") -> Any:
    """Ask `what` until it gives something true; fail after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = what()
        if value:
            return value
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {why or what}")


class Stack:
    """One running demo."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port, self.sandbox_port, self.tls_port = free_ports(3)
        self.url = f"http://127.0.0.1:{self.port}"
        self.hold_file = folder / "hold"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "SANDBOX_"))}
        self.environment = clean | {
            "PORTAL_VAR_DIR": str(folder / "var"),
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.sandbox_port),
            "SANDBOX_TLS_PORT": str(self.tls_port),
            "PORTAL_HOLD": str(self.hold_file),
            "PYTHONUNBUFFERED": "1",
            **settings,
        }
        self.process: subprocess.Popen[str] | None = None
        self.arguments: list[str] = []
        self.output = folder / "output.txt"

    def start(self) -> "Stack":
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bpp_portal.demo", *self.arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=output,
                text=True,
                start_new_session=True,
            )
        until(self._answers, START_SECONDS, "the demo starts")
        return self

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.words()
        return "Ctrl-C ends the demo" in self.output.read_text()

    def words(self) -> str:
        logs = sorted((self.folder / "var" / "logs").glob("*.log"))
        texts = [self.output.read_text(), *(f"--- {log.name}\n{log.read_text()[-4000:]}" for log in logs)]
        return "\n".join(texts)

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def manage(self, *arguments: str, check: bool = True, status: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        kept = {"PORTAL_VAR_DIR": self.environment["PORTAL_VAR_DIR"]}
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "SANDBOX_"))}
        done = subprocess.run(command, cwd=ROOT, env=clean | kept, capture_output=True, text=True, timeout=300)
        assert not check or done.returncode == status, done.stdout + done.stderr + self.words()
        return done

    def export(self, name: str, *arguments: str, user: str = "planner", check: bool = True) -> dict[str, Any]:
        command = ["export_budget", str(SAMPLES / name), "--as", user, "--json", *arguments]
        done = self.manage(*command, check=check, status=0 if "--wait" in arguments else NOT_FINISHED)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def sandbox(self, method: str, path: str, body: object = None) -> Any:
        return self._json(f"http://127.0.0.1:{self.sandbox_port}/_sandbox/{path}", method, body)

    def _json(self, url: str, method: str, body: object) -> Any:
        content = None if body is None else json.dumps(body).encode()
        request = Request(url, content, {"Content-Type": "application/json"}, method=method)
        with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def api(self, path: str, user: str = "planner") -> Any:
        from base64 import b64encode

        token = b64encode(f"{user}:demo-{user}".encode()).decode()
        request = Request(f"{self.url}/api/v1/{path}", headers={"Authorization": f"Basic {token}"})
        with build_opener(ProxyHandler({})).open(request, timeout=30) as answer:
            return json.loads(answer.read())

    def entry(self, number: str, legal_entity: str = "USMF") -> dict[str, Any]:
        entries = self.sandbox("GET", f"register-entries?legalEntity={legal_entity}")["entries"]
        [found] = [item for item in entries if item["EntryNumber"] == number]
        return dict(found)

    def started_calls(self) -> int:
        return int(self.sandbox("GET", "requests?call=ImportFromPackage")["count"])

    def hold_at(self, place: str) -> None:
        for suffix in (".held", ".go"):
            Path(f"{self.hold_file}{suffix}").unlink(missing_ok=True)
        self.hold_file.write_text(place)

    def held(self) -> int:
        """The pid of the process that was stopped at the place."""
        path = Path(f"{self.hold_file}.held")
        text = until(lambda: path.exists() and path.read_text(), 60, f"a worker comes by; {self.hold_file.exists()=}")
        return int(text)

    def let_go(self) -> None:
        self.hold_file.unlink(missing_ok=True)
        Path(f"{self.hold_file}.go").touch()

    def supervisor(self) -> int:
        assert self.process is not None
        [pid] = [pid for pid in children(self.process.pid) if "worker" in command_of(pid).split()[-1]]
        return pid

    def cluster(self) -> tuple[int, int, list[int]]:
        """Main process, sentinel and workers of django-q2's cluster."""
        [main] = children(self.supervisor())
        [sentinel] = children(main)
        return main, sentinel, sorted(children(sentinel))[:2]


def processes() -> Iterator[tuple[int, int]]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[0] != "Z":
            yield int(entry.name), int(fields[1])


def children(pid: int) -> list[int]:
    return sorted(child for child, parent in processes() if parent == pid)


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except OSError:
        return ""


def of_folder(folder: Path) -> list[int]:
    """Every process whose environment names this demo's folder."""
    needle = f"PORTAL_VAR_DIR={folder / 'var'}".encode()
    found = []
    for pid, _ in processes():
        try:
            if needle in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                found.append(pid)
        except OSError:
            continue
    return [pid for pid in found if pid != os.getpid()]
