"""The data management package API: bound actions of DataManagementDefinitionGroups and their parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from sandbox import access
from sandbox.data_management import connector, error_files, executions, exporting, package_starts
from sandbox.wire import Call, answer, finance_error

Handler = Callable[[Call, dict[str, Any], str], Any]
_TYPES: dict[str, type] = {"Edm.String": str, "Edm.Boolean": bool, "Edm.Int32": int}


@dataclass(frozen=True)
class Action:
    """Parameters as text: `name` a string, `name:b` a boolean, `name:i` an integer, `?` one that may be left out."""

    handler: Handler
    declaration: str

    @property
    def parameters(self) -> dict[str, tuple[str, bool]]:
        """Name → type and whether it must be there: strings are nullable, the other types are not."""
        found = {}
        for text in self.declaration.split():
            name, _, kind = text.rstrip("?").partition(":")
            edm = {"": "Edm.String", "b": "Edm.Boolean", "i": "Edm.Int32"}[kind]
            found[name] = (edm, edm != "Edm.String" and not text.endswith("?"))
        return found


_START = "packageUrl definitionGroupId executionId execute:b overwrite:b legalEntityId"
_KEYS = "executionId entityName"
ACTIONS: dict[str, Action] = {
    "GetAzureWriteUrl": Action(package_starts.get_azure_write_url, "uniqueFileName"),
    "ImportFromPackage": Action(package_starts.import_from_package, _START),
    "ImportFromPackageAsync": Action(
        package_starts.import_from_package_async,
        f"{_START} failOnError:b? runAsyncWithoutBatch:b? thresholdToRunInBatch:i?",
    ),
    "GetExecutionSummaryStatus": Action(executions.status, "executionId"),
    "GetExecutionErrors": Action(executions.errors, "executionId"),
    "GetExecutionSummaryPageUrl": Action(executions.page_url, "executionId"),
    "GetEntityExecutionSummaryStatusList": Action(executions.entity_statuses, "executionId"),
    "GenerateImportTargetErrorKeysFile": Action(error_files.generate_keys_file, _KEYS),
    "GetImportTargetErrorKeysFileUrl": Action(error_files.keys_file_url, _KEYS),
    "GetImportStagingErrorFileUrl": Action(error_files.staging_file_url, _KEYS),
    "GetMessageStatus": Action(connector.message_status, "messageId"),
    "DeleteExecutionHistoryJob": Action(executions.delete_history, "executionId"),
    "ExportToPackage": Action(
        exporting.export_to_package, "definitionGroupId packageName executionId reExecute:b legalEntityId"
    ),
    "ExportFromPackage": Action(exporting.export_to_package, _START),
    "GetExportedPackageUrl": Action(exporting.exported_package_url, "executionId"),
}


def action(call: Call) -> Response:
    user = access.finance_user(call)
    access.need_data_management(user, duty=True)
    name = call.parts["action"]
    found = ACTIONS.get(name)
    if found is None:
        raise finance_error(404, f"No action named {name} was found.")
    asked = call.json()
    _check(name, found, asked)
    if asked.get("executionId"):
        call.notes["execution_id"] = asked["executionId"]
    value = found.handler(call, asked, user.user_id)
    kind = "Edm.Boolean" if isinstance(value, bool) else "Edm.String"
    return answer({"@odata.context": f"{call.world.finance_url}/data/$metadata#{kind}", "value": value})


def _check(name: str, found: Action, asked: dict[str, Any]) -> None:
    """Unknown, missing or mistyped parameters, in the words of the OData library."""
    parameters = found.parameters
    for key, value in asked.items():
        if key not in parameters:
            raise _bad(
                f"The parameter '{key}' in the request payload is not a valid parameter for the operation '{name}'."
            )
        edm, needed = parameters[key]
        kind = _TYPES[edm]
        if value is None and not needed:
            continue
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise _bad(f"Cannot convert the value of the parameter '{key}' to the expected type '{edm}'.")
    missing = [key for key, (_, needed) in parameters.items() if needed and key not in asked]
    if missing:
        raise _bad(
            f"One or more parameters of the operation '{name}' are missing from the request payload. "
            f"The missing parameters are: {', '.join(missing)}."
        )


def _bad(text: str) -> Exception:
    return finance_error(400, "An error has occurred.", text)
