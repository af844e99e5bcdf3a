"""The data management actions as $metadata declares them: bound to the collection of projects (contract 4.2).

A declaration is `Name(parameter:Type, …) Type`; a parameter without a type is a String.
What documentation leaves open (parameters of the export side and of the clean-up) is inferred.
"""

import re
from dataclasses import dataclass

BOUND_TO = "DataManagementDefinitionGroups"
_PACKAGE = "packageUrl, definitionGroupId, executionId, execute:Boolean, overwrite:Boolean, legalEntityId"
_BATCH = "failOnError:Boolean, runAsyncWithoutBatch:Boolean, thresholdToRunInBatch:Int32"
_DECLARED = f"""
GetAzureWriteUrl(uniqueFileName) String
ImportFromPackage({_PACKAGE}) String
ImportFromPackageAsync({_PACKAGE}, {_BATCH}) String
GetExecutionSummaryStatus(executionId) String
GetExecutionErrors(executionId) String
GetExecutionSummaryPageUrl(executionId) String
GenerateImportTargetErrorKeysFile(executionId, entityName) Boolean
GetImportTargetErrorKeysFileUrl(executionId, entityName) String
GetImportStagingErrorFileUrl(executionId, entityName) String
GetMessageStatus(messageId) String
DeleteExecutionHistoryJob(executionId) String
ExportToPackage(definitionGroupId, packageName, executionId, reExecute:Boolean, legalEntityId) String
GetExportedPackageUrl(executionId) String
ExportFromPackage({_PACKAGE}) String
GetEntityExecutionSummaryStatusList(executionId) Collection
"""
_LINE = re.compile(r"(?P<name>\w+)\((?P<parameters>[^)]*)\) (?P<returns>\w+)")


@dataclass(frozen=True)
class Action:
    name: str
    parameters: tuple[tuple[str, str], ...]  # (name, type without Edm.)
    returns: str  # String, Boolean, or Collection: rows of ENTITY_STATUS


def _parameters(text: str) -> tuple[tuple[str, str], ...]:
    parts = (part.strip().partition(":") for part in text.split(","))
    return tuple((name, kind or "String") for name, _, kind in parts)


ACTIONS: tuple[Action, ...] = tuple(
    Action(match["name"], _parameters(match["parameters"]), match["returns"]) for match in _LINE.finditer(_DECLARED)
)
ENTITY_STATUS = "EntityExecutionSummaryStatus"
ENTITY_STATUS_FIELDS = (
    ("EntityName", "String"),
    ("Status", "String"),
    ("TotalRecords", "Int32"),
    ("SuccessRecords", "Int32"),
    ("ErrorRecords", "Int32"),
)
