"""The composition root as an app: commands, templates and system checks."""

from typing import Any

import structlog
from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "bpp_portal"

    def ready(self) -> None:
        # Through the standard library, so that levels, handlers and tests see our events as any other.
        structlog.configure(
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.format_exc_info,
                structlog.processors.KeyValueRenderer(key_order=["event"]),
            ],
            wrapper_class=structlog.stdlib.BoundLogger,
            logger_factory=structlog.stdlib.LoggerFactory(),
        )
        from django_q.signals import pre_execute

        pre_execute.connect(_at_work, dispatch_uid="audit")
        from . import checks  # noqa: F401 - registers the checks


def _at_work(sender: Any, **_: Any) -> None:
    """What a background task does comes through the worker's door."""
    from bpp_portal.audit.origin import Door, enter  # allauth, which it asks, needs the apps to be ready

    enter(Door.WORKER)
