"""The data management package API: bound actions of DataManagementDefinitionGroups."""

import json
import re
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from sandbox import access, action_parameters, blob, importing
from sandbox.finance_sets import FINANCE_SETS
from sandbox.seed import put_row
from sandbox.wire import Call, answer, encode, finance_error


def action(call: Call) -> Response:
    user = access.finance_user(call)
    access.need_data_management(user, duty=True)
    name = call.parts["action"]
    handler = ACTIONS.get(name)
    if handler is None:
        raise finance_error(404, f"No action named {name} was found.")
    asked = call.json()
    action_parameters.check(name, asked)
    if asked.get("executionId"):
        call.notes["execution_id"] = str(asked["executionId"])
    value = handler(call, asked, user.user_id)
    return answer({"@odata.context": f"{call.world.finance_url}/data/$metadata#Edm.String", "value": value})


def get_azure_write_url(call: Call, asked: dict[str, Any], user: str) -> str:
    name = str(asked.get("uniqueFileName") or "")
    if not name:
        raise finance_error(400, "An error has occurred.", "uniqueFileName must be filled in.")
    return encode({"BlobId": "{" + re.sub(r"\W", "", name)[:32] + "}", "BlobUrl": blob.write_url(call.world, name)})


def import_from_package(call: Call, asked: dict[str, Any], user: str) -> str:
    for name in ("packageUrl", "definitionGroupId", "legalEntityId"):
        if not asked.get(name):
            raise finance_error(400, "An error has occurred.", f"The parameter {name} must be filled in.")
    store = call.world.store
    if not store.row("SELECT 1 FROM LegalEntities WHERE LegalEntityId = ?", (asked["legalEntityId"],)):
        raise finance_error(400, "An error has occurred.", f"Legal entity {asked['legalEntityId']} does not exist.")
    project = store.row("SELECT 1 FROM DataManagementDefinitionGroups WHERE Name = ?", (asked["definitionGroupId"],))
    if project is None:
        if call.world.faults.mode("unknown_project") == "reject":
            raise finance_error(
                400, "An error has occurred.", f"Data project {asked['definitionGroupId']} does not exist."
            )
        put_row(store, FINANCE_SETS["DataManagementDefinitionGroups"], {"Name": asked["definitionGroupId"]})
    execution_id = importing.accept(call, asked, user, _package(call, str(asked["packageUrl"])))
    time.sleep(float(call.world.faults.mode("unpack_seconds") or 0))
    return execution_id


def _package(call: Call, url: str) -> bytes:
    parts = urllib.parse.urlsplit(url)
    name = urllib.parse.unquote(parts.path.removeprefix("/dmf/"))
    blob.check(call.world, name, dict(urllib.parse.parse_qsl(parts.query)))
    row = call.world.store.row("SELECT data FROM blobs WHERE name = ?", (name,))
    if row is None:
        raise finance_error(400, "An error has occurred.", "The package could not be downloaded from the given URL.")
    return bytes(row["data"])


def _execution(call: Call, asked: dict[str, Any]) -> Any:
    row = call.world.store.row(
        "SELECT * FROM executions WHERE execution_id = ? ORDER BY id DESC", (asked.get("executionId", ""),)
    )
    if row is None or row["visible"] > time.time():
        raise finance_error(
            400, "An error has occurred.", f"Records for execution id {asked.get('executionId', '')} were not found."
        )
    return row


def status(call: Call, asked: dict[str, Any], user: str) -> str:
    return str(_execution(call, asked)["state"])


def errors(call: Call, asked: dict[str, Any], user: str) -> str:
    row = _execution(call, asked)
    found = call.world.store.rows("SELECT * FROM execution_errors WHERE execution = ? ORDER BY row", (row["id"],))
    rows = [
        {
            "RecordId": f"{row['id']}-{e['row']}",
            "Field": e["field"],
            "ErrorMessage": f"Line {e['row']}: {e['message']}" if e["row"] else e["message"],
        }
        for e in found
    ]
    if call.world.faults.mode("malformed_errors"):
        parts = [
            f'{{"RecordId":"{r["RecordId"]}","Field":"{r["Field"]}","ErrorMessage":"{r["ErrorMessage"]} said "no"\n"}}'
            for r in rows
        ]
        return f"[{','.join(parts)}]"
    return json.dumps(rows, ensure_ascii=False)


def page_url(call: Call, asked: dict[str, Any], user: str) -> str:
    row = _execution(call, asked)
    return f"{call.world.finance_url}/?mi=action:DMFExecutionSummary&execution={row['execution_id']}"


def entity_statuses(call: Call, asked: dict[str, Any], user: str) -> list[dict[str, Any]]:
    row = _execution(call, asked)
    return [
        {
            "EntityName": row["entity"],
            "Status": row["state"],
            "TotalRecords": row["total"],
            "SuccessRecords": row["created"] + row["updated"],
            "ErrorRecords": row["failed"],
        }
    ]


ACTIONS: dict[str, Callable[[Call, dict[str, Any], str], Any]] = {
    "GetAzureWriteUrl": get_azure_write_url,
    "ImportFromPackage": import_from_package,
    "ImportFromPackageAsync": import_from_package,
    "GetExecutionSummaryStatus": status,
    "GetExecutionErrors": errors,
    "GetExecutionSummaryPageUrl": page_url,
    "GetEntityExecutionSummaryStatusList": entity_statuses,
}
