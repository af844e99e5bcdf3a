"""A portal that has run already: its entries are linked in the order in which they were written."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from bpp_portal.audit.queries import check_chain


@pytest.mark.django_db(transaction=True)
def test_the_entries_of_an_older_portal_are_linked(django_user_model):
    person = django_user_model.objects.create_user("owner")
    MigrationExecutor(connection).migrate([("audit", "0001_initial")])
    old = MigrationExecutor(connection).loader.project_state([("audit", "0001_initial")]).apps
    entries = old.get_model("audit", "AuditEntry").objects
    entries.all().delete()
    for number in range(3):
        entries.create(actor_id=person.pk if number else None, verb="publish", subject=f"cube {number}")
    MigrationExecutor(connection).migrate([("audit", "0004_append_only")])
    from bpp_portal.audit.models import AuditEntry

    found = AuditEntry.objects.order_by("seq").values_list("seq", "subject", "actor_name", "door")
    assert list(found) == [(1, "cube 0", "", ""), (2, "cube 1", "owner", ""), (3, "cube 2", "owner", "")]
    assert all(entry.at < timezone.now() for entry in AuditEntry.objects.all())
    assert check_chain() is None
