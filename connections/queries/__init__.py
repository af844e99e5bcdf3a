"""What pages, exports and checks may ask. All arguments by keyword; RemoteError when the other side can't answer."""

from .access import (
    dataverse_client,
    default_environment,
    environments,
    finance_client,
    flow,
    flows,
)
from .members import members
from .people import finance_user_may_export
from .schema import budget_models, budget_schema, legal_entities
from .standing import explained

__all__ = [
    "budget_models",
    "budget_schema",
    "dataverse_client",
    "default_environment",
    "environments",
    "explained",
    "finance_client",
    "finance_user_may_export",
    "flow",
    "flows",
    "legal_entities",
    "members",
]
