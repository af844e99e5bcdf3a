"""Tasks of the portal itself."""

from bpp_portal.kernel.clock import database_now
from bpp_portal.kernel.models import Pulse

WORKER = "worker"


def canary() -> None:
    """Stamps the worker's pulse."""
    Pulse.objects.update_or_create(name=WORKER, defaults={"at": database_now()})
