"""The trail listens to sign-ins and to changes of people from the start."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "bpp_portal.audit"

    def ready(self) -> None:
        from . import people  # noqa: F401 - its receivers connect themselves
