"""The composition root as an app: commands, templates and system checks."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "bpp_portal"

    def ready(self) -> None:
        from . import checks  # noqa: F401 - registers the checks
