"""No secret in a log, a page or a row, after a sign-in and a whole run through the other side (scoreboard F44)."""

import io
import json
import logging
import re

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from django.test import Client

from connections import vault
from connections.entra import COLUMN
from connections.models import Connection
from tests.world import export, work

SECRET_KEY = "canary-of-the-secret-key-0123456789abcdefghijklmnopqrstuvwxyz"
PASSWORD = "canary of a password"
# Whatever they hold: signatures of storage addresses, and tokens as Entra writes them.
SHAPES = [re.compile(r"[?&;]sig=(?!x\b)[\w%+/=-]{6,}"), re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.")]
PAGES = [
    "/",
    "/cubes/",
    "/exports/",
    "/audit/",
    "/admin/",
    "/admin/connections/connection/",
    "/admin/django_q/success/",
]
PAGES += [
    "/exports/BPP-000001/",
    "/exports/BPP-000001/live/",
    "/exports/BPP-000001/reuse/",
    "/api/v1/exports/BPP-000001/",
]


@pytest.fixture
def log():
    """Everything that is logged, at every level, as the portal's own handler would write it."""
    kept = io.StringIO()
    handler = logging.StreamHandler(kept)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield kept
    root.removeHandler(handler)
    root.setLevel(level)


def rows() -> str:
    """The whole database as text, bytes included."""
    texts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            texts += [f"{table}: {row!r}" for row in cursor.fetchall()]
    return "\n".join(texts)


def tokens() -> set[str]:
    """Every secret in the token caches."""
    found = set()
    for kept in Connection.objects.all():
        cache_text = vault.unseal(bytes(kept.token_cache), owner_id=kept.owner_id, column=COLUMN)
        for kind in json.loads(cache_text).values():
            found |= {item["secret"] for item in kind.values() if isinstance(item, dict) and "secret" in item}
    return found


def test_no_secret_is_anywhere(settings, log, world, codes, sandbox):
    cache.clear()
    settings.SECRET_KEY = SECRET_KEY
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    owner = get_user_model().objects.get(username="owner")
    owner.set_password(PASSWORD)
    owner.save()
    client = Client()
    client.post("/accounts/login/", {"login": PASSWORD, "password": PASSWORD})
    client.post("/accounts/login/", {"login": "owner", "password": f"{PASSWORD} mistyped"})
    client.post("/accounts/login/", {"login": "owner", "password": PASSWORD})
    sandbox.faults({"call": "GetAzureWriteUrl", "kind": "status", "status": 503, "times": 1})
    run = work(export(world.planner, "codes/codes.json"))
    assert run.state == "SUCCEEDED"
    pages = "\n".join(client.get(page).content.decode() for page in PAGES)
    assert "Completed" in pages

    secrets = tokens() | {SECRET_KEY, PASSWORD, settings.ENTRA_CLIENT_SECRET, *settings.CONNECTION_KEYS}
    assert len(secrets) > 5
    places = {"log": log.getvalue(), "pages": pages, "database": rows()}
    assert all(len(text) > 5000 for text in places.values())
    hits = [f"{place}: {secret[:12]}…" for place, text in places.items() for secret in secrets if secret in text]
    hits += [
        f"{place}: {found[0][:20]}"
        for place, text in places.items()
        for shape in SHAPES
        if (found := shape.search(text))
    ]
    assert not hits
