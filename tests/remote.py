"""People, and a running sandbox with the owner signed in and the flows turned on."""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command

from bpp_portal.kernel.roles import Role
from connections.models import Environment

ROOT = Path(__file__).parents[1]
NAMES = ("installer", "owner", "planner", "reviewer", "guest")


@pytest.fixture
def people(db):
    """The demo's people by name."""
    users = get_user_model().objects
    return SimpleNamespace(**{name: users.create_user(name, f"{name}@contoso.example") for name in NAMES})


class Control:
    """The sandbox's control side, as a person with curl uses it."""

    def __init__(self, port, tls_port, ca_file):
        self.port, self.tls_port, self.ca_file = port, tls_port, ca_file
        self._open = build_opener(ProxyHandler({})).open

    def call(self, method, path, body=None, **query):
        address = f"http://127.0.0.1:{self.port}/_sandbox/{quote(path)}" + (f"?{urlencode(query)}" if query else "")
        content = None if body is None else json.dumps(body).encode()
        request = Request(address, content, {"Content-Type": "application/json"}, method=method)
        with self._open(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def get(self, path, **query):
        return self.call("GET", path, **query)

    def put(self, path, body):
        return self.call("PUT", path, body)

    def faults(self, *faults, **modes):
        self.put("faults", {"faults": list(faults), **modes})

    def requests(self, call):
        return self.get("requests", call=call)["requests"]


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory):
    with started(tmp_path_factory.mktemp("sandbox")) as control:
        yield control


@contextmanager
def started(folder):
    """A sandbox of its own as long as the context lives."""
    port, tls_port = _free_port(), _free_port()
    arguments = [
        "-m",
        "sandbox",
        "--port",
        str(port),
        "--tls-port",
        str(tls_port),
        "--store",
        str(folder / "s.sqlite3"),
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=log, stderr=log, env={**os.environ})
    control = Control(port, tls_port, folder / "tls" / "ca.pem")
    try:
        _wait_for(control, process, folder / "log")
        yield control
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(control, process, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            control.get("facts")
        except URLError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.1)
        else:
            return
    raise AssertionError(log.read_text())


@pytest.fixture
def sandbox(running_sandbox, settings):
    """The sandbox as seeded, and settings that lead to it."""
    running_sandbox.call("POST", "reset")
    settings.SANDBOX_PORT = running_sandbox.port
    settings.ALLOWED_REMOTE_HOSTS = [f"{host}:{running_sandbox.tls_port}" for host in ("127.0.0.1", "localhost")]
    settings.REMOTE_CA_FILE = str(running_sandbox.ca_file)
    facts = running_sandbox.get("facts")
    settings.ENTRA_CLIENT_SECRET = settings.ENTRA_SIGN_IN_SECRET = facts["client_secret"]
    settings.ENTRA_SIGN_IN_AUTHORITY = facts["dataverse_url"]
    settings.ENTRA_SIGN_IN_TENANT, settings.ENTRA_SIGN_IN_CLIENT_ID = facts["tenant_id"], facts["client_id"]
    return running_sandbox


@pytest.fixture
def environment(sandbox, people):
    """The demo's environment: flows owned by the owner, connected and on."""
    people.owner.groups.add(Group.objects.get_or_create(name=Role.ADMINISTRATOR.value)[0])
    call_command("setup_environment", verbosity=0)
    return Environment.objects.get()
