"""Readiness: would an export succeed in this environment now? One table of preconditions, and the verdict over it."""

from .again import Holding, freed, merged, needs
from .blaming import blame
from .names import DATA_PROJECT_ENTITIES, ENTITY_NAMES, entity_key, flow_key
from .table import BY_KEY, PRECONDITIONS
from .verdict import Blame, Finding, Report, Row, settle
from .words import Fix, Group, Precondition, State

__all__ = [
    "BY_KEY",
    "DATA_PROJECT_ENTITIES",
    "ENTITY_NAMES",
    "PRECONDITIONS",
    "Blame",
    "Finding",
    "Fix",
    "Group",
    "Holding",
    "Precondition",
    "Report",
    "Row",
    "State",
    "blame",
    "entity_key",
    "flow_key",
    "freed",
    "merged",
    "needs",
    "settle",
]
