"""Data management beside the import itself: projects and their entities, what each entity did, files of refusals."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import Rejected, Unavailable
from .rules.wire import text_of, whole_of

if TYPE_CHECKING:
    from .finance import FinanceClient

PROJECTS, ENTITIES = "DataManagementDefinitionGroups", "DataManagementDefinitionGroupDetails"
ENTITY = "Budget account entries"
PROJECT = "BPP-BRE-Import"  # the portal's own import project; further ones end with -2, -3 …


@dataclass(frozen=True)
class EntitySummary:
    """What became of one entity of an execution; records."""

    entity: str
    status: str
    total: int
    succeeded: int
    failed: int


def ensure_project(finance: "FinanceClient", name: str) -> None:
    """Make sure that the import project `name` exists; it is created, with its entity, when it does not."""
    if finance.named(PROJECTS, {"Name": name}):
        return
    project = {"Name": name, "Description": name, "OperationType": "Import", "ProjectCategory": "Integration"}
    try:
        finance.create(PROJECTS, project)
    except Rejected:
        # Another worker may have created it in between.
        if not finance.named(PROJECTS, {"Name": name}):
            raise
    try:
        finance.create(ENTITIES, _entity_row(name))
    except Rejected:
        # It is there already, or this Finance wants more of such a row: the package names its entity as well.
        return


def _entity_row(project: str) -> dict[str, Any]:
    return {
        "DefinitionGroupId": project,
        "EntityName": ENTITY,
        "SourceFormat": "CSV-Unicode",
        "ExecutionUnit": 1,
        "LevelInExecutionUnit": 1,
        "SequenceInLevel": 1,
        "RunBusinessValidation": "Yes",
        "RunBusinessLogic": "Yes",
    }


def summary_page_url(finance: "FinanceClient", execution_id: str) -> str:
    """Finance's own page about an execution, for a person to open; empty when Finance names none of its own."""
    url = finance.action("GetExecutionSummaryPageUrl", {"executionId": execution_id})
    return url if finance.service.is_ours(url) else ""


def entity_summaries(finance: "FinanceClient", execution_id: str) -> list[EntitySummary]:
    """Records by entity. The shape is known from third parties only, so what is not there counts as nothing."""
    rows = finance.action_rows("GetEntityExecutionSummaryStatusList", {"executionId": execution_id})
    return [_summary(row) for row in rows]


def _summary(row: dict[str, Any]) -> EntitySummary:
    try:
        counts = [whole_of(row.get(name) or 0) for name in ("TotalRecords", "SuccessRecords", "ErrorRecords")]
    except ValueError:
        raise Unavailable("Finance answered with a count that can't be read.") from None
    return EntitySummary(text_of(row, "EntityName"), text_of(row, "Status"), *counts)


def make_error_keys(finance: "FinanceClient", execution_id: str, entity: str = ENTITY) -> bool:
    """Ask Finance to write the keys of refused records to a file; False when there are none."""
    body = {"executionId": execution_id, "entityName": entity}
    return finance.action("GenerateImportTargetErrorKeysFile", body).lower() == "true"


def error_keys_url(finance: "FinanceClient", execution_id: str, entity: str = ENTITY) -> str:
    """Where that file is, with its own signature (never log it); empty until Finance has written it."""
    return finance.action("GetImportTargetErrorKeysFileUrl", {"executionId": execution_id, "entityName": entity})


def staging_errors_url(finance: "FinanceClient", execution_id: str, entity: str = ENTITY) -> str:
    """Where the records are that did not come as far as the target, signed as well; empty when there are none."""
    return finance.action("GetImportStagingErrorFileUrl", {"executionId": execution_id, "entityName": entity})
