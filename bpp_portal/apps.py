"""The composition root as an app: commands, templates and system checks."""

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
        from . import checks  # noqa: F401 - registers the checks
