"""Keys of the token cache change without anybody signing in again, and refreshes at once lose nothing."""

import base64
import threading
import time
from datetime import datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection as database

from bpp_portal.audit.models import AuditEntry
from connections import entra, queries, vault
from connections.models import Connection
from connections.rules.flows import EXPORT_FLOW
from tests.connections.sign_in import as_, connect, text_of

NEW = base64.b64encode(b"n" * 32).decode()
OTHER = base64.b64encode(b"o" * 32).decode()


@pytest.mark.django_db
def test_after_the_rotation_the_old_key_may_go(environment, settings, capsys):
    old = settings.CONNECTION_KEYS
    settings.CONNECTION_KEYS = [NEW, *old]
    assert queries.legal_entities(environment=environment)
    assert not any(vault.is_newest(bytes(one.token_cache)) for one in Connection.objects.all())
    call_command("rotate_keys")
    assert "Encrypted again: 2. Had the newest key: 0." in capsys.readouterr().out
    settings.CONNECTION_KEYS = [NEW]
    for one in Connection.objects.select_related("environment", "owner"):
        assert entra.token_for(one, environment.dataverse_url, refresh=True)
        assert one.status == Connection.Status.CONNECTED
    call_command("rotate_keys")
    assert "Encrypted again: 0. Had the newest key: 2." in capsys.readouterr().out
    assert AuditEntry.objects.filter(verb="rotate keys").count() == 2


@pytest.mark.django_db
def test_a_wrong_key_is_attention_and_no_crash(world, environment, settings, capsys):
    settings.CONNECTION_KEYS = [OTHER]
    owner = as_(world.owner)
    page = owner.get(f"/environments/{environment.pk}/")
    assert page.status_code == 200
    assert "The stored sign-in can't be decrypted." in text_of(page)
    call_command("rotate_keys")
    assert "No key opens 2" in capsys.readouterr().out
    page = text_of(owner.get("/connections/"))
    assert page.count("Needs attention") == 2
    assert page.count("The stored sign-in can't be decrypted.") == 2


SLOW = {"call": "token", "kind": "delay", "seconds": 1.0}


def dataverse_connection():
    return Connection.objects.select_related("environment", "owner").get(kind="dataverse")


class Refresh(threading.Thread):
    """A worker that refreshes the token; `meet` is where it waits for the others, its connection already read."""

    def __init__(self, environment, meet):
        super().__init__()
        self.root, self.meet, self.token, self.failure = environment.dataverse_url, meet, "", None

    def run(self):
        try:
            self.connection = dataverse_connection()
            self.meet.wait(10)
            self.token = entra.token_for(self.connection, self.root, refresh=True)
        except Exception as error:
            self.failure = error
        finally:
            database.close()


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_refresh_at_once_lose_nothing(environment, sandbox):
    before = dataverse_connection().token_version
    asked = len(sandbox.requests("token"))
    sandbox.faults({**SLOW, "times": None})
    both = threading.Barrier(2)
    workers = [Refresh(environment, both) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    sandbox.faults()
    # They really met: each had asked before the other one was answered.
    starts = [datetime.fromisoformat(one["time"]) for one in sandbox.requests("token")[asked:]]
    assert len(starts) == 2
    assert abs(starts[0] - starts[1]) < timedelta(seconds=SLOW["seconds"])
    assert [worker.failure for worker in workers] == [None, None]
    after = dataverse_connection()
    assert (after.status, after.token_version) == (Connection.Status.CONNECTED, before + 1)
    # One of them stored its tokens; the other dropped its own and goes on with what is stored.
    assert {bytes(worker.connection.token_cache) for worker in workers} == {bytes(after.token_cache)}
    assert entra.token_for(after, environment.dataverse_url) in [worker.token for worker in workers]
    assert entra.token_for(after, environment.dataverse_url, refresh=True)
    assert queries.finance_client(environment=environment, flow_name=EXPORT_FLOW).rows("Currencies", ("CurrencyCode",))


@pytest.mark.django_db(transaction=True)
def test_a_slow_refresh_does_not_undo_a_new_sign_in(world, environment, sandbox):
    """Somebody signs in with another account while a worker still waits for the token of the earlier one."""
    sandbox.faults({**SLOW, "seconds": 3.0, "times": 1})
    worker = Refresh(environment, threading.Barrier(1))
    worker.start()
    end = time.monotonic() + 10
    while sandbox.get("faults")["faults"][0]["times"]:  # until the worker has asked
        assert time.monotonic() < end
        time.sleep(0.01)
    world.owner.email = "planner@contoso.example"
    world.owner.save()
    connect(as_(world.owner), environment, "dataverse", account="planner@contoso.example")
    assert worker.is_alive(), "the sign-in came first"
    signed_in = dataverse_connection()
    assert signed_in.account == "planner@contoso.example"
    worker.join(30)
    assert worker.failure is None
    after = dataverse_connection()
    assert bytes(after.token_cache) == bytes(signed_in.token_cache)
    assert entra.token_for(after, environment.dataverse_url, refresh=True)
