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


def run(tmp_path, *arguments, **settings):
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "SANDBOX_", "DJANGO_"))
    }
    environment = clean | {"PORTAL_VAR_DIR": str(tmp_path)} | settings
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )


def check(tmp_path, **settings):
    return run(tmp_path, "manage.py", "check", **settings)


def test_the_default_is_the_demo(tmp_path):
    assert check(tmp_path).returncode == 0


@pytest.mark.parametrize("name", ["ALLOWED_HOSTS", "ALLOWED_REMOTE_HOSTS"])
def test_the_demo_is_for_this_machine_only(tmp_path, name):
    done = check(tmp_path, **{name: "portal.contoso.example"})
    assert done.returncode != 0
    assert "portal.E001" in done.stderr
    assert "PORTAL_ENV=production" in done.stderr


def test_safe_settings_pass(tmp_path):
    done = check(tmp_path, **SAFE)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"DATABASE_URL": "sqlite:///portal.sqlite3"}, "portal.E010"),
        ({"SECRET_KEY": "short"}, "portal.E011"),
        ({"CONNECTION_KEYS": ""}, "portal.E012"),
        ({"ALLOWED_HOSTS": "*"}, "portal.E013"),
        ({"ALLOWED_HOSTS": ""}, "portal.E013"),
        ({"ALLOWED_REMOTE_HOSTS": "127.0.0.1:8101"}, "portal.E014"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_production_refuses(tmp_path, change, code):
    done = check(tmp_path, **SAFE | change)
    assert done.returncode != 0
    assert code in done.stderr, done.stderr


def test_the_web_server_does_not_start_unsafe(tmp_path):
    program = "import bpp_portal.wsgi"
    done = run(tmp_path, "-c", program, **SAFE | {"DATABASE_URL": "sqlite:///portal.sqlite3"})
    assert done.returncode != 0
    assert "SQLite cannot be used" in done.stderr


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
