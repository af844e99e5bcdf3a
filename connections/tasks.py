"""Background tasks of the connections. Each may run twice, late, or never."""

from connections.models import Environment
from connections.operations import check_again


def check_readiness() -> None:
    """Check every environment that has flows, for the legal entity that somebody looked at last."""
    for environment in Environment.objects.filter(flows__isnull=False).distinct():
        check_again(environment=environment)
