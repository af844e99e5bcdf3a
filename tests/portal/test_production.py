"""Default settings are the demo, on this machine only; anything else is production, which refuses what is unsafe."""

import os
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAFE = {
    "PORTAL_ENV": "production",
    "DATABASE_URL": "postgres://portal:portal@127.0.0.1:9/portal",
    "SECRET_KEY": "k" * 20 + "0123456789" * 5,
    "CONNECTION_KEYS": b64encode(bytes(range(32))).decode(),
    "ALLOWED_HOSTS": "portal.contoso.example",
    "ALLOWED_REMOTE_HOSTS": "contoso.crm4.dynamics.com:443,contoso.operations.dynamics.com:443",
}
DEMO_SECRET = "demo-only-key-that-production-refuses-0123456789abcdefghijklmnop"
DEMO_CONNECTION_KEY = "ZGVtby1vbmx5LWtleS1vZi1leGFjdGx5LTMyLWJ5dGU="
HERE = ["127.0.0.1:8101", "localhost:8101", "LOCALHOST.:8101", "[::1]:8101", "0.0.0.0:8101", "finance.localhost:443"]


def run(tmp_path, *arguments, **settings):
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "SANDBOX_", "DJANGO_"))
    }
    environment = clean | {"PORTAL_VAR_DIR": str(tmp_path)} | settings
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )


def check(tmp_path, *arguments, **settings):
    return run(tmp_path, "manage.py", "check", *arguments, **settings)


def test_the_default_is_the_demo(tmp_path):
    assert check(tmp_path).returncode == 0


def test_a_misspelt_environment_is_refused(tmp_path):
    done = check(tmp_path, PORTAL_ENV="prod")
    assert done.returncode != 0
    assert "portal.E002" in done.stderr


@pytest.mark.parametrize("name", ["ALLOWED_HOSTS", "ALLOWED_REMOTE_HOSTS"])
def test_the_demo_is_for_this_machine_only(tmp_path, name):
    done = check(tmp_path, **{name: "portal.contoso.example"})
    assert done.returncode != 0
    assert "portal.E001" in done.stderr
    assert "PORTAL_ENV=production" in done.stderr


def test_safe_settings_pass(tmp_path):
    done = check(tmp_path, "--deploy", **SAFE)
    assert done.returncode == 0, done.stderr
    assert "security.W" not in done.stderr, "Django's own list for a deployment has nothing to add"


@pytest.mark.parametrize("given", [{}, SAFE], ids=["demo", "production"])
def test_failures_are_never_shown_and_production_cookies_are_secure(tmp_path, given):
    names = ("DEBUG", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "SESSION_COOKIE_HTTPONLY")
    program = f"from bpp_portal import settings; print(*(getattr(settings, name) for name in {names}))"
    secure = str(given is SAFE)
    done = run(tmp_path, "-c", program, **given | {"DEBUG": "1"})
    assert done.stdout.split() == ["False", secure, secure, secure, "True"]


def test_production_does_not_read_the_settings_of_a_demo(tmp_path):
    (tmp_path / "demo.env").write_text(f'SECRET_KEY="{SAFE["SECRET_KEY"]}"\n')
    done = check(tmp_path, **{name: value for name, value in SAFE.items() if name != "SECRET_KEY"})
    assert done.returncode != 0
    assert "SECRET_KEY setting must not be empty" in done.stderr


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"DATABASE_URL": "sqlite://:memory:"}, "portal.E010"),
        ({"SECRET_KEY": "short"}, "portal.E011"),
        ({"SECRET_KEY": DEMO_SECRET}, "portal.E011"),
        ({"CONNECTION_KEYS": ""}, "portal.E012"),
        ({"CONNECTION_KEYS": f"{SAFE['CONNECTION_KEYS']},{DEMO_CONNECTION_KEY}"}, "portal.E012"),
        ({"CONNECTION_KEYS": "c2hvcnQ="}, "portal.E015"),
        ({"CONNECTION_KEYS": f"{SAFE['CONNECTION_KEYS']},not base64"}, "portal.E015"),
        ({"ALLOWED_HOSTS": "*"}, "portal.E013"),
        ({"ALLOWED_HOSTS": ""}, "portal.E013"),
        *(({"ALLOWED_REMOTE_HOSTS": host}, "portal.E014") for host in HERE),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_production_refuses(tmp_path, change, code):
    done = check(tmp_path, **SAFE | change)
    assert done.returncode != 0
    assert code in done.stderr, done.stderr


@pytest.mark.parametrize("program", [("-c", "import bpp_portal.wsgi"), ("manage.py", "worker")], ids=["web", "worker"])
def test_neither_web_server_nor_worker_starts_unsafe(tmp_path, program):
    done = run(tmp_path, *program, **SAFE | {"DATABASE_URL": "sqlite://:memory:"})
    assert done.returncode != 0
    assert "SQLite cannot be used" in done.stderr


def test_the_demo_is_not_prepared_in_production(tmp_path):
    done = run(tmp_path, "manage.py", "prepare_demo", **SAFE)
    assert done.returncode != 0
    assert "The demo cannot be prepared in production." in done.stderr


@pytest.mark.django_db
def test_demo_accounts_and_sandbox_environments_are_refused(settings, environment, people):
    from django.core.checks import run_checks

    settings.PRODUCTION = True
    people.planner.set_password("demo-planner")
    people.planner.save()
    codes = {finding.id for finding in run_checks()}
    assert {"portal.E016", "portal.E017"} <= codes
    people.planner.set_password("another and longer one")
    people.planner.save()
    assert "portal.E016" not in {finding.id for finding in run_checks()}
