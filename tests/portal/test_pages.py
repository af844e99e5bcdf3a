"""Every page keeps the frame, the policy and the reader's choices."""

import re

import pytest
from django.contrib.auth import get_user_model

CUBE = "/cubes/city-of-oakland-adopted-budget/"
PAGES = ["/", "/cubes/", CUBE, f"{CUBE}definition/", f"{CUBE}snapshots/", f"{CUBE}loads/", f"{CUBE}load/"]
PAGES += [f"{CUBE}export/", "/cubes/import/", "/exports/", "/exports/?tab=drafts", "/exports/BPP-404/", "/nowhere/"]


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


def test_sign_in_and_administration_keep_the_policy(client, world):
    check_policy(client.get("/accounts/login/"))
    client.force_login(world.owner)
    for path in ("/admin/", "/admin/exports/run/", "/admin/exports/export/", "/admin/cubes/cube/"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        check_policy(answer)


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
    assert "owner" in text


def test_strangers_are_sent_to_the_sign_in(client, world, oakland):
    for path in ("/", "/cubes/", CUBE, f"{CUBE}export/", "/exports/"):
        answer = client.get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")


def test_the_theme_is_one_of_three_and_the_way_back_is_ours(client, db):
    answer = client.post("/preferences/", {"theme": "dark", "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/"
    assert answer.cookies["bpp_theme"].value == "dark"
    assert "bpp_theme" not in client.post("/preferences/", {"theme": "<b>"}).cookies


def test_a_wrong_password_is_a_sentence(client, db):
    get_user_model().objects.create_user("planner", password="right and long enough")
    answer = client.post("/accounts/login/", {"login": "planner", "password": "wrong"})
    assert answer.status_code == 200
    assert "not correct" in answer.content.decode()


def test_the_api_describes_itself(client, world):
    client.force_login(world.planner)
    answer = client.get("/api/v1/schema/")
    assert answer.status_code == 200
    assert b"/api/v1/exports/" in answer.content
