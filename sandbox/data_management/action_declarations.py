"""The data management actions as $metadata declares them: bound to the collection of projects (contract 4.2).

Names and parameters are those that the actions themselves are held against.
"""

from dataclasses import dataclass

from sandbox.data_management.actions import ACTIONS as HANDLED

BOUND_TO = "DataManagementDefinitionGroups"
_RETURNS = {"GenerateImportTargetErrorKeysFile": "Boolean", "GetEntityExecutionSummaryStatusList": "Collection"}


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str  # Edm.…
    is_nullable: bool


@dataclass(frozen=True)
class Action:
    name: str
    parameters: tuple[Parameter, ...]
    returns: str  # String, Boolean, or Collection: rows of ENTITY_STATUS


ACTIONS: tuple[Action, ...] = tuple(
    Action(
        name,
        tuple(Parameter(one, kind, not needed) for one, (kind, needed) in action.parameters.items()),
        _RETURNS.get(name, "String"),
    )
    for name, action in HANDLED.items()
)
ENTITY_STATUS = "EntityExecutionSummaryStatus"
ENTITY_STATUS_FIELDS = (
    ("EntityName", "String"),
    ("Status", "String"),
    ("TotalRecords", "Int32"),
    ("SuccessRecords", "Int32"),
    ("ErrorRecords", "Int32"),
)
