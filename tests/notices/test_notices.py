"""Notices: who is told what, who may read it, and what a dead mail server does."""

from html import unescape

import pytest
from django.core import mail
from django.test import Client
from django_q.models import OrmQ

from bpp_portal.notices import operations, tasks
from bpp_portal.notices.models import Notice
from exports.operations.moving import move
from exports.rules.states import State
from tests.world import export, work

pytestmark = pytest.mark.django_db
WORDS = {"topic": "readiness 1", "kind": "danger", "word": "Not ready", "text": "Sandbox is not ready."}


def page(user, query: str = "", **post) -> str:
    client = Client()
    client.force_login(user)
    answer = client.post(query, **post) if query.endswith("read/") else client.get(f"/notices/{query}")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def mails_waiting() -> list[int]:
    return [row.args()[0] for row in OrmQ.objects.all() if row.func() == "bpp_portal.notices.tasks.mail"]


@pytest.fixture
def mailing(settings):
    settings.MAIL_IS_SET_UP = True
    settings.PORTAL_URL = "https://portal.example/"


class TestReading:
    def test_everybody_sees_their_own_only(self, people):
        operations.tell(users=[people.owner], **WORDS)
        assert "Sandbox is not ready." in page(people.owner)
        assert "Sandbox is not ready." not in page(people.planner)
        assert "Nothing new." in page(people.planner)

    def test_the_bell_counts_the_unread_ones(self, people):
        operations.tell(users=[people.owner], **WORDS)
        operations.tell(users=[people.owner], **WORDS | {"topic": "other"})
        assert 'aria-label="Notifications, 2 unread"' in page(people.owner)
        first = Notice.objects.first()
        html = page(people.owner, f"/notices/{first.pk}/read/", headers={"HX-Request": "true"})
        assert html.startswith('<div id="notices"')
        assert 'hx-swap-oob="true"' in html
        assert 'aria-label="Notifications, 1 unread"' in html
        page(people.owner, "/notices/read/", follow=True)
        assert 'aria-label="Notifications"' in page(people.owner)
        assert "Nothing new." in page(people.owner, "?show=unread")
        assert "Sandbox is not ready." in page(people.owner)

    def test_nobody_marks_what_others_were_told(self, people):
        [notice] = operations.tell(users=[people.owner], **WORDS)
        client = Client()
        client.force_login(people.planner)
        assert client.post(f"/notices/{notice.pk}/read/").status_code == 404
        client.post("/notices/read/")
        notice.refresh_from_db()
        assert notice.read_at is None


class TestTelling:
    def test_the_same_words_are_told_once_and_again_after_a_change(self, people):
        well = WORDS | {"kind": "success", "word": "Ready", "text": "Sandbox is ready."}
        for words in (WORDS, WORDS, well, well, WORDS):
            operations.tell(users=[people.owner], **words)
        assert [one.word for one in Notice.objects.all()] == ["Not ready", "Ready", "Not ready"]

    def test_who_can_not_sign_in_is_not_told(self, people):
        people.owner.is_active = False
        assert operations.tell(users=[people.owner], **WORDS) == []


class TestMails:
    def test_without_a_mail_server_nothing_waits_to_be_sent(self, people):
        operations.tell(users=[people.owner], **WORDS)
        assert mails_waiting() == []

    def test_a_mail_leads_to_the_place_and_is_sent_once(self, people, mailing):
        people.planner.email = ""
        operations.tell(users=[people.owner, people.planner], **WORDS, link="/readiness/")
        [waiting] = mails_waiting()
        tasks.mail(waiting)
        tasks.mail(waiting)
        [sent] = mail.outbox
        assert (sent.to, sent.subject) == (["owner@contoso.example"], "BPP Portal: Sandbox is not ready.")
        assert "https://portal.example/readiness/" in sent.body

    def test_a_dead_mail_server_breaks_nothing(self, people, mailing, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
        [notice] = operations.tell(users=[people.owner], **WORDS)
        tasks.mail(notice.pk)
        assert Notice.objects.filter(user=people.owner, read_at__isnull=True).count() == 1


class TestRuns:
    def test_who_asked_is_told_how_a_run_ended(self, world, oakland, sandbox):
        run = work(export(world.planner, "oakland/fire-police-finance.json"))
        assert run.state == State.SUCCEEDED
        sandbox.put("users/planner", {"roles": []})
        failed = work(export(world.planner, "oakland/fire-police-finance.json"))
        bad, good = Notice.objects.all()
        assert (good.user, good.word, good.link) == (world.planner, "Completed", f"/exports/{run.entry_number}/")
        assert good.detail == f"{run.line_count} lines are in Finance."
        assert (bad.user, bad.word, bad.link) == (world.planner, "Failed", f"/exports/{failed.entry_number}/")
        assert "No permission to execute Finance operation" in bad.detail

    def test_a_run_that_was_cancelled_is_not_told(self, world, oakland):
        run = export(world.planner, "oakland/fire-police-finance.json")
        move(run=run, to=State.CANCELLED)
        assert not Notice.objects.exists()
