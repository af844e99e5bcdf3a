"""A portal with nothing in it: migrations, one IT administrator made by the command, and a sandbox of its own."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from tests.stack import ROOT, Stack, until

PASSWORD = "orchard-lantern-42"  # of everybody in this journey
GRANIAN = ("-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--workers", "1", "--blocking-threads", "4")


class EmptyPortal(Stack):
    """Started as in production, program by program; the demo's preparation has no part in it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        super().__init__(folder, **settings)
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self) -> "EmptyPortal":
        store = self.folder / "var" / "sandbox" / "sandbox.sqlite3"
        ports = ("--port", str(self.sandbox_port), "--tls-port", str(self.tls_port))
        self._run("-m", "sandbox", *ports, "--store", str(store))
        until(lambda: self._listens(f"http://127.0.0.1:{self.sandbox_port}/_sandbox/facts"), 60, "the sandbox answers")
        self.facts = self.sandbox("GET", "facts")
        self.environment |= {
            "STATICFILES_BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",  # the fastest to collect
            "ENTRA_CLIENT_SECRET": self.facts["client_secret"],
            "SESSION_COOKIE_NAME": f"bpp_session_{self.port}",
            "CSRF_COOKIE_NAME": f"bpp_csrf_{self.port}",
        }
        with ThreadPoolExecutor() as side:
            list(side.map(lambda name: self.manage(name, "--no-input"), ("migrate", "collectstatic")))
        self.environment["PORTAL_ADMINISTRATOR_PASSWORD"] = PASSWORD
        self.manage("add_administrator", "alex", "--email", "installer@contoso.example")
        self._run("manage.py", "worker")
        self._run(*GRANIAN, "--port", str(self.port), "bpp_portal.wsgi:application")
        until(lambda: self._listens(f"{self.url}/accounts/login/"), 60, "the web server answers")
        return self

    def _run(self, *arguments: str) -> None:
        with self.output.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.started.append(process)

    def _listens(self, url: str) -> bool:
        assert all(process.poll() is None for process in self.started), self.words()
        try:
            with build_opener(ProxyHandler({})).open(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def manage(self, *arguments: str, check: bool = True, status: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=300)
        assert not check or done.returncode == status, done.stdout + done.stderr + self.words()
        return done

    def stop(self) -> int:
        """End every program with the group that it started."""
        for process in reversed(self.started):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self.started):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
        return 0
