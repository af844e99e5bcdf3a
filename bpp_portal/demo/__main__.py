"""`make demo`: sandbox, worker and web server until Ctrl-C, which ends every process that was started and no other."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path
from typing import Any

from .processes import WINDOWS, Service

ROOT = Path(__file__).resolve().parent.parent.parent
VAR = Path(os.environ.get("PORTAL_VAR_DIR", ROOT / "var"))
SETTINGS = VAR / "demo.env"
STEPS_SECONDS = 60.0
PORTS = 65536
ENDS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stop(Exception):
    """The demo cannot go on; the message says why and what to do."""


class Ending:
    """Whether somebody asked the demo to end.

    The signal's handler only notes it, and `pause` raises: an exception out of a handler could strike anywhere, inside
    `subprocess` too, whose lock would then stay taken and let nobody wait for the process again.
    """

    asked = False

    @classmethod
    def ask(cls, *_: object) -> None:
        cls.asked = True

    @classmethod
    def pause(cls, seconds: float) -> None:
        time.sleep(seconds)
        if cls.asked:
            raise KeyboardInterrupt


def port(name: str, default: int) -> int:
    text = os.environ.get(name, "")
    try:
        value = int(text) if text else default
    except ValueError:
        raise Stop(f"{name}={text} is not a port number.") from None
    if not 0 < value < PORTS:
        raise Stop(f"{name}={text} is not a port number.")
    return value


def probe(number: int, name: str) -> None:
    """Refuse a port that somebody else listens on, before anything is started."""
    with socket.socket() as probe_socket:
        if not WINDOWS:  # a connection that was just closed must not count as a listener
            probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe_socket.bind(("127.0.0.1", number))
        except OSError:
            other = number + 1000 if number + 1000 < PORTS else number - 1000
            raise Stop(
                f"Port {number} on 127.0.0.1 is taken by another program. "
                f"End that program, or choose another port: make demo {name}={other}"
            ) from None


def kept_settings() -> dict[str, str]:
    if not SETTINGS.exists():
        return {}
    pairs = (line.split("=", 1) for line in SETTINGS.read_text().splitlines() if "=" in line)
    return {key: value.strip('"') for key, value in pairs}


def environment(web: int, sandbox: int, tls: int, facts: dict[str, Any]) -> dict[str, str]:
    """The settings of this folder's demo, kept in `var/demo.env` so that every command finds them."""
    kept = kept_settings()
    values = {
        "PORT": str(web),
        "SANDBOX_PORT": str(sandbox),
        "SANDBOX_TLS_PORT": str(tls),
        "ENTRA_CLIENT_SECRET": facts["client_secret"],
        "ENTRA_SIGN_IN_AUTHORITY": facts["dataverse_url"],
        "ENTRA_SIGN_IN_TENANT": facts["tenant_id"],
        "ENTRA_SIGN_IN_CLIENT_ID": facts["client_id"],
        "SECRET_KEY": kept.get("SECRET_KEY") or secrets.token_urlsafe(50),
        "CONNECTION_KEYS": kept.get("CONNECTION_KEYS") or b64encode(secrets.token_bytes(32)).decode(),
        "SESSION_COOKIE_NAME": f"bpp_session_{web}",
        "CSRF_COOKIE_NAME": f"bpp_csrf_{web}",
    }
    handle = os.open(SETTINGS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.writelines(f'{key}="{value}"\n' for key, value in values.items())
    return {**os.environ, **values, "PORTAL_ENV": "demo", "PYTHONUNBUFFERED": "1"}


def fetch(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        return bytes(answer.read())


def wait_for(url: str, service: Service) -> bytes:
    until = time.monotonic() + STEPS_SECONDS
    while time.monotonic() < until:
        if not service.runs:
            raise Stop(f"{service.name} did not start. Its last words are in {service.log}.")
        try:
            return fetch(url)
        except (urllib.error.URLError, OSError):
            Ending.pause(0.1)
    raise Stop(f"{service.name} does not answer at {url}. See {service.log}.")


def lock() -> object:
    """One demo per folder."""
    VAR.mkdir(parents=True, exist_ok=True)
    file = (VAR / "demo.lock").open("w")
    if not WINDOWS:
        import fcntl

        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Stop("A demo already runs in this folder. End it with Ctrl-C in its window first.") from None
    return file


def reset() -> None:
    for entry in VAR.iterdir():
        if entry.name == "demo.lock":
            continue
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def services(web: int, sandbox: int, tls: int, env: dict[str, str]) -> tuple[Service, Service, Service]:
    python, logs = sys.executable, VAR / "logs"
    store = str(VAR / "sandbox" / "sandbox.sqlite3")
    other = [python, "-m", "sandbox", "--port", str(sandbox), "--tls-port", str(tls), "--store", store]
    worker = [python, str(ROOT / "manage.py"), "worker"]
    server = [python, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(web)]
    server += ["--workers", "1", "--blocking-threads", "4", "bpp_portal.wsgi:application"]
    return (
        Service("The sandbox", other, env, logs / "sandbox.log"),
        Service("The worker", worker, env, logs / "worker.log", stop_seconds=15),
        Service("The web server", server, env, logs / "web.log"),
    )


def run(started: list[Service]) -> None:
    held = lock()
    web = port("PORT", 8000)
    sandbox = port("SANDBOX_PORT", 8100)
    tls = port("SANDBOX_TLS_PORT", sandbox + 1)
    if len({web, sandbox, tls}) < 3:
        raise Stop("PORT, SANDBOX_PORT and SANDBOX_TLS_PORT must be three different ports.")
    for number, name in ((web, "PORT"), (sandbox, "SANDBOX_PORT"), (tls, "SANDBOX_TLS_PORT")):
        probe(number, name)
    if "--reset" in sys.argv[1:]:
        reset()
    other = services(web, sandbox, tls, {**os.environ, "PYTHONUNBUFFERED": "1"})[0]
    started.append(other)
    other.start()
    facts = json.loads(wait_for(f"http://127.0.0.1:{sandbox}/_sandbox/facts", other))
    env = environment(web, sandbox, tls, facts)
    prepare(env)
    for service in services(web, sandbox, tls, env)[1:]:
        started.append(service)
        service.start()
    wait_for(f"http://127.0.0.1:{web}/accounts/login/", started[-1])
    print((VAR / "welcome.txt").read_text(), flush=True)
    watch(started)
    del held


def prepare(env: dict[str, str]) -> None:
    process = subprocess.Popen([sys.executable, str(ROOT / "manage.py"), "prepare_demo"], env=env, cwd=ROOT)
    try:
        while process.poll() is None:
            Ending.pause(0.05)
    finally:
        process.kill()
        process.wait()
    Ending.pause(0)
    if process.returncode:
        raise Stop("The demo could not be prepared; see above.")


def watch(started: list[Service]) -> None:
    while True:
        Ending.pause(0.5)
        for service in started:
            if not service.runs and not service.revive():
                raise Stop(f"{service.name} does not stay alive. See {service.log}.")


def on_end(action: Any) -> None:
    for number in ENDS:
        signal.signal(number, action)


def main() -> int:
    os.chdir(ROOT)
    on_end(Ending.ask)  # also because a shell starts programs in the background with SIGINT ignored
    started: list[Service] = []
    status = 0
    try:
        run(started)
    except KeyboardInterrupt:
        print("\nThe demo ends …", flush=True)
    except Stop as reason:
        print(reason, file=sys.stderr, flush=True)
        status = 1
    finally:
        on_end(signal.SIG_IGN)
        for service in reversed(started):
            service.end()
    return status


if __name__ == "__main__":
    sys.exit(main())
