"""Finance: its data package API, its own data, and what stands in an entry afterwards."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from . import http
from .errors import Rejected, RemoteError, Unavailable
from .odata import Bearer, ODataService, Refuse
from .refusals import Asked, refusal
from .rules.execution import (
    COUNT_FIELDS,
    HEADER_FIELDS,
    LINE_FIELDS,
    Counts,
    EntryHeader,
    EntryLine,
    ExecutionError,
    ExecutionStatus,
    counts_of,
    header_of,
    line_of,
    parse_execution_errors,
)
from .rules.wire import literal, text_of

START_SECONDS = 120.0
_GROUPS = "DataManagementDefinitionGroups"
_ACTION = f"{_GROUPS}/Microsoft.Dynamics.DataEntities."


class FinanceClient:
    """Talks to one Finance environment as one account, `who`. Never reuse it for another person."""

    def __init__(self, *, root: str, who: str, bearer: Bearer) -> None:
        self.root, self.who = root, who
        self._service = ODataService(f"{root}/data", bearer, {})
        self._refuse_action: Refuse = partial(refusal, asked=Asked.INTEGRATION_GROUP, who=who)
        self._refuse_read: Refuse = partial(refusal, asked=Asked.FINANCE, who=who)

    def write_url(self, name: str) -> str:
        """An address that the package `name` can be uploaded to. It carries its own signature: never log it."""
        value = self._action("GetAzureWriteUrl", {"uniqueFileName": name})
        try:
            return str(json.loads(value)["BlobUrl"])
        except (ValueError, KeyError, TypeError):
            raise Unavailable("Finance gave no address for the upload.") from None

    def ensure_project(self, name: str) -> None:
        """Make sure that the import project `name` exists; it is created when it does not."""
        if self._project_exists(name):
            return
        body = {
            "Name": name,
            "Description": name,
            "OperationType": "Import",
            "ProjectCategory": "Integration",
        }
        try:
            self._service.call("POST", self._service.address(_GROUPS), body=body, refuse=self._refuse_action)
        except Rejected:
            # Another worker may have created it in between.
            if not self._project_exists(name):
                raise

    def _project_exists(self, name: str) -> bool:
        options = {"$filter": f"Name eq {literal(name)}", "$select": "Name"}
        return bool(self._service.rows(_GROUPS, options, refuse=self._refuse_action))

    def start_import(self, *, package_url: str, project: str, execution_id: str, legal_entity: str) -> str:
        """Start the import of an uploaded package; returns the execution id that Finance uses.

        The one call that must not be repeated blindly: InDoubt when its answer was lost, Unreachable when it never
        left, Busy, Rejected or NoPermission when Finance refused it.
        """
        body = {
            "packageUrl": package_url,
            "definitionGroupId": project,
            "executionId": execution_id,
            "execute": True,
            "overwrite": True,
            "legalEntityId": legal_entity,
        }
        value = self._action("ImportFromPackage", body, repeatable=False, read_seconds=START_SECONDS)
        return value or execution_id

    def execution_status(self, execution_id: str) -> ExecutionStatus:
        """What Finance says about an execution; NOT_FOUND while (or because) it does not know it."""

        def refuse(answer: http.Answer) -> RemoteError:
            if answer.status == 400 and "were not found" in answer.text:
                return _NotFound()
            return self._refuse_action(answer)

        try:
            value = self._action("GetExecutionSummaryStatus", {"executionId": execution_id}, refuse=refuse)
        except _NotFound:
            return ExecutionStatus.NOT_FOUND
        try:
            return ExecutionStatus(value)
        except ValueError:
            return ExecutionStatus.UNKNOWN

    def execution_counts(self, execution_id: str, project: str) -> Counts | None:
        """Records to process, staged, created and updated so far; None while Finance has no record of the job."""
        where = f"JobId eq {literal(execution_id)} and DefinitionGroupId eq {literal(project)}"
        options = {"$filter": where, "$select": ",".join(COUNT_FIELDS)}
        rows = self._service.rows("DataManagementExecutionJobDetails", options, refuse=self._refuse_action)
        return counts_of(rows) if rows else None

    def execution_errors(self, execution_id: str) -> tuple[ExecutionError, ...]:
        """The refused records of an execution, as far as Finance tells."""
        value = self._action("GetExecutionErrors", {"executionId": execution_id})
        try:
            return tuple(
                ExecutionError(text_of(row, "RecordId"), text_of(row, "Field"), text_of(row, "ErrorMessage"))
                for row in json.loads(value or "[]")
            )
        except (ValueError, TypeError, AttributeError):
            return parse_execution_errors(value)

    def entry_header(self, *, legal_entity: str, entry_number: str) -> EntryHeader | None:
        """The entry as it stands in Finance; None when there is none."""
        rows = self.rows("BudgetRegisterEntryHeaders", HEADER_FIELDS, where=_entry(legal_entity, entry_number))
        if not rows:
            return None
        return header_of(rows[0])

    def entry_lines(self, *, legal_entity: str, entry_number: str) -> Iterator[list[EntryLine]]:
        """All lines of an entry by line number, one list for each page that Finance sends."""
        options = {"$orderby": "LineNumber"}
        where = _entry(legal_entity, entry_number)
        for page in self.pages("BudgetRegisterEntryLines", LINE_FIELDS, where=where, options=options):
            yield [line_of(row) for row in page]

    def entries_with(self, *, legal_entity: str, comment: str) -> list[str]:
        """Numbers of the entries that hold a line with exactly this comment, each once."""
        where = f"LegalEntityId eq {literal(legal_entity)} and Comment eq {literal(comment)}"
        rows = self.rows("BudgetRegisterEntryLines", ("EntryNumber",), where=where)
        return list(dict.fromkeys(text_of(row, "EntryNumber") for row in rows))

    def rows(self, entity_set: str, fields: Sequence[str], *, where: str = "") -> list[dict[str, Any]]:
        """All rows of a set of every company that pass `where` (an OData filter)."""
        return [row for page in self.pages(entity_set, fields, where=where) for row in page]

    def pages(
        self,
        entity_set: str,
        fields: Sequence[str],
        *,
        where: str = "",
        options: Mapping[str, str] | None = None,
    ) -> Iterator[list[dict[str, Any]]]:
        """The same in the pages that Finance sends (10,000 rows at most)."""
        asked = {"cross-company": "true", "$select": ",".join(fields), **(options or {})}
        if where:
            asked["$filter"] = where
        return self._service.pages(entity_set, asked, refuse=self._refuse_read)

    def _action(
        self,
        name: str,
        body: Mapping[str, Any],
        *,
        refuse: Callable[[http.Answer], RemoteError] | None = None,
        repeatable: bool = True,
        read_seconds: float = http.READ_SECONDS,
    ) -> str:
        answer = self._service.call(
            "POST",
            self._service.address(_ACTION + name),
            body=body,
            refuse=refuse or self._refuse_action,
            repeatable=repeatable,
            read_seconds=read_seconds,
        )
        content = answer.json() if answer.body else {}
        return text_of(content, "value") if isinstance(content, dict) else ""


class _NotFound(RemoteError):
    """Finance does not know the execution."""


def _entry(legal_entity: str, entry_number: str) -> str:
    return f"LegalEntityId eq {literal(legal_entity)} and EntryNumber eq {literal(entry_number)}"
