"""Every page keeps the frame, the policy and the reader's choices."""

import json
import re
import shutil
from dataclasses import fields

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.test import Client

from exports.queries.summaries import Summary

CUBE = "/cubes/city-of-oakland-adopted-budget/"
PAGES = ["/", "/cubes/", CUBE, f"{CUBE}definition/", f"{CUBE}snapshots/", f"{CUBE}loads/", f"{CUBE}load/"]
PAGES += ["/readiness/", f"{CUBE}export/"]
PAGES += ["/cubes/import/", "/exports/", "/exports/?tab=drafts", "/exports/BPP-404/", "/nowhere/"]


def check_policy(answer):
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'self'" in policy or "default-src 'none'" in policy
    html = answer.content.decode()
    assert not re.search(r"<[^>]+\sstyle=", html)
    assert not re.search(r"<[^>]+\son[a-z]+=", html)
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", html)
    assert "data:image" not in html


@pytest.mark.parametrize("path", PAGES)
def test_pages_keep_the_policy(client, world, oakland, path):
    client.force_login(world.planner)
    answer = client.get(path)
    assert answer.status_code in (200, 404), answer.status_code
    check_policy(answer)


ACCOUNT = ["login/", "logout/", "signup/", "password/change/", "2fa/", "reauthenticate/"]


@pytest.mark.parametrize("path", ACCOUNT)
def test_account_pages_keep_the_policy(client, world, path):
    if path not in ("login/", "signup/"):
        world.planner.set_password("right and long enough")
        world.planner.save()
        client.force_login(world.planner)
    answer = client.get(f"/accounts/{path}")
    assert answer.status_code == 200
    check_policy(answer)


@pytest.mark.parametrize("name", ["owner", "installer"])
def test_the_administration_keeps_the_policy(client, world, oakland, name):
    client.force_login(getattr(world, name))
    seen = 0
    for model in admin.site._registry:
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        row = model._default_manager.order_by("pk").first()
        for path in [address, f"{address}add/", *([f"{address}{row.pk}/change/"] if row else [])]:
            answer = client.get(path)
            assert answer.status_code in (200, 403), path
            seen += answer.status_code == 200
            check_policy(answer)
    check_policy(client.get("/admin/"))
    assert seen > 10


def check_error_page(answer, status, code, frame=True):
    """An error page: its code and correlation id, in the frame, under the policy."""
    assert answer.status_code == status
    html = answer.content.decode()
    assert code in html
    assert re.fullmatch(r"[0-9a-f]{12}", answer["X-Correlation-Id"])
    assert f'id="correlation">{answer["X-Correlation-Id"]}<' in html
    assert 'class="frame' in html
    assert ("planner" in html) is frame, "signed in, the frame names the reader"
    assert "Traceback" not in html
    check_policy(answer)


@pytest.fixture
def browser(world, oakland):
    client = Client(raise_request_exception=False)
    client.force_login(world.planner)
    return client


def test_a_missing_page_keeps_the_frame(browser):
    for path in ("/nowhere/", "/cubes/nowhere/", "/exports/BPP-404/", "/exports/drafts/404/"):
        check_error_page(browser.get(path), 404, "PAGE_NOT_FOUND")


def test_a_refused_page_keeps_the_frame(browser, world):
    world.planner.groups.clear()
    check_error_page(browser.get(CUBE), 403, "RIGHT_MISSING")


def test_an_old_form_keeps_the_frame(world):
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.planner)
    check_error_page(client.post("/preferences/", {"theme": "dark"}), 403, "FORM_EXPIRED")


@pytest.mark.expects_errors
def test_a_failure_keeps_the_frame(browser, settings):
    shutil.rmtree(settings.DATA_DIR)
    check_error_page(browser.get(CUBE), 500, "SERVER_ERROR")


@pytest.mark.expects_errors
def test_a_failing_database_gets_a_bare_page(browser):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE exports_run RENAME TO exports_gone")
    check_error_page(browser.get("/exports/"), 500, "SERVER_ERROR", frame=False)


@pytest.mark.expects_errors
def test_a_foreign_host_name_is_refused_with_an_id(client, db):
    answer = client.get("/", headers={"host": "elsewhere.example"})
    check_error_page(answer, 400, "BAD_REQUEST", frame=False)


def test_a_refused_page_says_who_can_help(client, world, oakland):
    client.force_login(world.reviewer)
    answer = client.get(f"{CUBE}export/")
    assert answer.status_code == 403
    text = answer.content.decode()
    assert "BPP administrator or Power User" in text
    assert "You have: Reviewer" in text
    assert answer["X-Correlation-ID"] in text


def test_a_guest_is_told_whom_to_ask(client, world):
    client.force_login(world.guest)
    text = client.get("/").content.decode()
    assert "You are signed in, but you have no role in this portal yet." in text
    assert "installer" in text  # who gives roles


def test_strangers_are_sent_to_the_sign_in(client, world, oakland):
    for path in ("/", "/cubes/", CUBE, f"{CUBE}export/", "/exports/"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("word", ["system", "light", "dark"])
def test_the_theme_is_kept(client, db, word):
    answer = client.post("/preferences/", {"theme": word, "next": "/exports/?tab=drafts"})
    assert (answer.status_code, answer["Location"]) == (302, "/exports/?tab=drafts")
    assert answer.cookies["bpp_theme"].value == word
    assert f'data-bs-theme="{word}"' in client.get("/accounts/login/").content.decode()


def test_other_words_are_not_kept_nor_read(client, db):
    answer = client.post("/preferences/", {"theme": "<b>", "keys": "maybe", "nav": "narrow"})
    assert not answer.cookies
    client.cookies["bpp_theme"] = '"><b>'
    client.cookies["bpp_keys"] = "maybe"
    html = client.get("/accounts/login/").content.decode()
    assert 'data-bs-theme="system"' in html
    assert 'data-keys="on"' in html


@pytest.mark.parametrize(
    "address",
    ["https://elsewhere.example/", "//elsewhere.example/", r"/\elsewhere.example/", "javascript:alert(1)", ""],
)
def test_the_way_back_is_ours(client, db, address):
    assert client.post("/preferences/", {"theme": "dark", "next": address})["Location"] == "/"


def test_preferences_are_not_changed_by_a_link(client, db):
    assert client.get("/preferences/", {"theme": "dark"}).status_code == 405


def test_the_api_describes_itself(client, world, tmp_path):
    answer = client.get("/api/v1/schema/")
    assert (answer.status_code, list(answer.json())) == (401, ["detail"])
    client.force_login(world.planner)
    assert client.get("/api/v1/schema/").status_code == 200
    file = tmp_path / "schema.json"
    call_command("spectacular", format="openapi-json", file=str(file), validate=True, fail_on_warn=True)
    described = json.loads(file.read_text())
    properties = described["components"]["schemas"]["Summary"]["properties"]
    assert list(properties) == [field.name for field in fields(Summary)]
    assert {"get", "post"} <= set(described["paths"]["/api/v1/exports/"])


@pytest.mark.parametrize("address", ["/api/v1/nothing/", "/api/v2/", "/api/v1/exports/NONE/", "/api/v1/cubes/none/"])
def test_what_the_api_does_not_have_is_said_as_json(client, world, address):
    client.force_login(world.planner)
    answer = client.get(address)
    assert answer.status_code == 404
    assert "detail" in answer.json()


@pytest.mark.expects_errors
def test_a_failure_of_the_api_is_said_as_json(client, world, monkeypatch):
    from exports import api

    def broken(*_):
        raise RuntimeError

    monkeypatch.setattr(api, "run_by", broken)
    client.force_login(world.planner)
    client.raise_request_exception = False
    answer = client.get("/api/v1/exports/BPP-000001/")
    assert answer.status_code == 500
    assert answer.json()["correlation_id"] == answer["X-Correlation-Id"]
