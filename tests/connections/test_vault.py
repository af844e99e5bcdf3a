"""A token cache is readable for its owner and column only, and keys can be changed."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured

from connections import vault

OLD, NEW = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))


def test_what_is_sealed_is_unsealed_for_the_same_owner_only(settings):
    settings.CONNECTION_KEYS = [OLD]
    sealed = vault.seal(b"secret", owner_id=1, column="c")
    assert b"secret" not in sealed
    assert vault.unseal(sealed, owner_id=1, column="c") == b"secret"
    for owner, column in ((2, "c"), (1, "d")):
        with pytest.raises(vault.Unreadable):
            vault.unseal(sealed, owner_id=owner, column=column)


def test_a_changed_or_cut_text_is_not_read(settings):
    settings.CONNECTION_KEYS = [OLD]
    sealed = vault.seal(b"secret", owner_id=1, column="c")
    for broken in (sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1]), b"", sealed[:6]):
        with pytest.raises(vault.Unreadable):
            vault.unseal(broken, owner_id=1, column="c")


def test_an_old_key_still_reads_until_it_is_removed(settings):
    settings.CONNECTION_KEYS = [OLD]
    sealed = vault.seal(b"secret", owner_id=1, column="c")
    settings.CONNECTION_KEYS = [NEW, OLD]
    assert vault.unseal(sealed, owner_id=1, column="c") == b"secret"
    assert not vault.is_newest(sealed)
    assert vault.is_newest(vault.seal(b"secret", owner_id=1, column="c"))
    settings.CONNECTION_KEYS = [NEW]
    with pytest.raises(vault.Unreadable):
        vault.unseal(sealed, owner_id=1, column="c")


def test_a_key_of_the_wrong_size_is_a_configuration_error(settings):
    settings.CONNECTION_KEYS = [base64.b64encode(b"short").decode()]
    with pytest.raises(ImproperlyConfigured):
        vault.seal(b"secret", owner_id=1, column="c")
