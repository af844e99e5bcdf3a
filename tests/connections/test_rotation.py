"""Keys of the token cache change without anybody signing in again, and refreshes at once lose nothing."""

import base64
import threading

import pytest
from django.core.management import call_command
from django.db import connection as database

from bpp_portal.audit.models import AuditEntry
from connections import entra, queries, vault
from connections.models import Connection
from connections.rules.flows import EXPORT_FLOW
from tests.connections.sign_in import as_, text_of

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


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_refresh_at_once_lose_nothing(environment):
    both = threading.Barrier(2)
    tokens, failures = [], []

    def refresh():
        try:
            one = Connection.objects.select_related("environment", "owner").get(kind="dataverse")
            both.wait(10)
            tokens.append(entra.token_for(one, environment.dataverse_url, refresh=True))
        except Exception as error:
            failures.append(error)
        finally:
            database.close()

    workers = [threading.Thread(target=refresh) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert not failures
    assert len(tokens) == 2
    after = Connection.objects.select_related("environment", "owner").get(kind="dataverse")
    assert after.status == Connection.Status.CONNECTED
    assert entra.token_for(after, environment.dataverse_url) in tokens
    assert entra.token_for(after, environment.dataverse_url, refresh=True)
    assert queries.finance_client(environment=environment, flow_name=EXPORT_FLOW).rows("Currencies", ("CurrencyCode",))
