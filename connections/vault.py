"""Encrypts token caches: AES-256-GCM, bound to owner and column, so that a row copied to another owner stays shut.

Layout: 4 bytes of key id, 12 bytes of nonce, ciphertext. The first of CONNECTION_KEYS encrypts, all of them decrypt.
"""

import base64
import hashlib
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_ID, _NONCE = 4, 12


class Unreadable(Exception):
    """The text was sealed with another key, for another owner, or was changed."""


def seal(plain: bytes, *, owner_id: int, column: str) -> bytes:
    """Encrypt `plain` for this owner's `column` with the newest key."""
    keys = _keys()
    if not keys:
        raise ImproperlyConfigured("CONNECTION_KEYS is empty: no sign-in can be kept.")
    key_id, key = next(iter(keys.items()))
    nonce = os.urandom(_NONCE)
    return key_id + nonce + AESGCM(key).encrypt(nonce, plain, _bound_to(owner_id, column))


def unseal(sealed: bytes, *, owner_id: int, column: str) -> bytes:
    """Decrypt what `seal` made for the same owner and column. Raises Unreadable."""
    key = _keys().get(sealed[:_ID])
    if key is None:
        raise Unreadable
    nonce, content = sealed[_ID : _ID + _NONCE], sealed[_ID + _NONCE :]
    try:
        return AESGCM(key).decrypt(nonce, content, _bound_to(owner_id, column))
    except (InvalidTag, ValueError):
        raise Unreadable from None


def is_newest(sealed: bytes) -> bool:
    """Whether the newest key encrypted this, so that older keys may go."""
    return sealed[:_ID] == next(iter(_keys()), b"")


def _bound_to(owner_id: int, column: str) -> bytes:
    return f"{owner_id}:{column}".encode()


def _keys() -> dict[bytes, bytes]:
    """Key id → key, newest first."""
    keys = {}
    for text in settings.CONNECTION_KEYS:
        key = base64.b64decode(text)
        if len(key) != 32:
            raise ImproperlyConfigured("Each of CONNECTION_KEYS must be 32 bytes in base64.")
        keys[hashlib.sha256(key).digest()[:_ID]] = key
    return keys
