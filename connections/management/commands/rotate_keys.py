"""Encrypts every stored sign-in with the newest of CONNECTION_KEYS; after that the older keys may be removed."""

from typing import Any

from django.core.management.base import BaseCommand

from connections import operations


class Command(BaseCommand):
    help = "Encrypt all connections with the newest of CONNECTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        rotated = operations.rotate_keys()
        self.stdout.write(f"Encrypted again: {rotated.done}. Had the newest key: {rotated.kept}.")
        if rotated.unreadable:
            self.stdout.write(
                f"No key opens {rotated.unreadable}: marked as needing attention, their owners sign in again."
            )
