"""What people decide about exports, and what became of it."""

from .configuration import Export, Filter, FilterValue, Mapping
from .dataverse_load import DataverseLoad, DataverseTable
from .run import Attempt, EntryNumbers, Reconciliation, Rejection, Run, RunEvent, RunTotal

__all__ = [
    "Attempt",
    "DataverseLoad",
    "DataverseTable",
    "EntryNumbers",
    "Export",
    "Filter",
    "FilterValue",
    "Mapping",
    "Reconciliation",
    "Rejection",
    "Run",
    "RunEvent",
    "RunTotal",
]
