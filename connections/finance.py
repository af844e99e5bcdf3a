"""Finance: its data package API, its own data, and what stands in an entry afterwards."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from . import data_management, http
from .errors import InDoubt, Rejected, RemoteError, Unavailable
from .odata import Bearer, ODataService, Refuse, object_of
from .refusals import Asked, not_finance, refusal
from .rules.addresses import host_and_port
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
)
from .rules.execution_errors import execution_errors_of
from .rules.wire import blob_address, by_key, literal, selected, text_of

# Less than the lock on starts is held for, whatever Finance does with the call.
START_SECONDS, START_TOTAL_SECONDS = 120.0, 150.0
T = TypeVar("T")
_ACTION = f"{data_management.PROJECTS}/Microsoft.Dynamics.DataEntities."


class FinanceClient:
    """Talks to one Finance environment as one account, `who`. Never reuse it for another person."""

    def __init__(self, *, root: str, who: str, bearer: Bearer) -> None:
        self.root, self.who = root, who
        self.service = ODataService(f"{root}/data", bearer, {})
        self._refuse_action: Refuse = partial(self._refusal, Asked.INTEGRATION_GROUP)
        self._refuse_read: Refuse = partial(self._refusal, Asked.FINANCE)

    def write_url(self, name: str) -> str:
        """An address that the package `name` can be uploaded to. It carries its own signature: never log it."""
        value = self.action("GetAzureWriteUrl", {"uniqueFileName": name})
        try:
            return blob_address(value)
        except ValueError:
            raise Unavailable("Finance gave no address for the upload.") from None

    def ensure_project(self, name: str) -> None:
        """Make sure that the import project `name` exists; it is created, with its entity, when it does not."""
        data_management.ensure_project(self, name)

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
        answer = self._call("ImportFromPackage", body, repeatable=False, read_seconds=START_SECONDS)
        value = object_of(answer, repeatable=False).get("value")
        if not isinstance(value, str):
            raise InDoubt("Finance answered the start without an execution id.")
        return value or execution_id

    def execution_status(self, execution_id: str) -> ExecutionStatus:
        """What Finance says about an execution; NOT_FOUND while (or because) it does not know it."""

        def refuse(answer: http.Answer) -> RemoteError:
            if answer.status == 400 and "were not found" in answer.text:
                return _NotFound()
            return self._refuse_action(answer)

        try:
            value = self.action("GetExecutionSummaryStatus", {"executionId": execution_id}, refuse=refuse)
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
        rows = self.service.rows("DataManagementExecutionJobDetails", options, refuse=self._refuse_action)
        return _read(counts_of, rows) if rows else None

    def execution_errors(self, execution_id: str) -> tuple[ExecutionError, ...]:
        """The refused records of an execution, as far as Finance tells."""
        return execution_errors_of(self.action("GetExecutionErrors", {"executionId": execution_id}))

    def entry_header(self, *, legal_entity: str, entry_number: str) -> EntryHeader | None:
        """The entry as it stands in Finance; None when there is none."""
        rows = self.rows("BudgetRegisterEntryHeaders", HEADER_FIELDS, where=_entry(legal_entity, entry_number))
        if not rows:
            return None
        return _read(header_of, rows[0])

    def entry_lines(self, *, legal_entity: str, entry_number: str) -> Iterator[list[EntryLine]]:
        """All lines of an entry by line number, one list for each page that Finance sends."""
        options = {"$orderby": "LineNumber"}
        where = _entry(legal_entity, entry_number)
        for page in self.pages("BudgetRegisterEntryLines", LINE_FIELDS, where=where, options=options):
            yield [_read(line_of, row) for row in page]

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
        """The same in the pages that Finance sends (10,000 rows at most); dates in them can be read."""
        asked = {"cross-company": "true", "$select": ",".join(fields), **(options or {})}
        if where:
            asked["$filter"] = where
        for page in self.service.pages(entity_set, asked, refuse=self._refuse_read):
            yield [_read(lambda row: selected(row, fields), row) for row in page]

    def count(self, entity_set: str, *, where: str = "") -> int:
        """How many rows of every company pass `where`. Finance puts a byte-order mark before the number."""
        options = {"cross-company": "true", **({"$filter": where} if where else {})}
        url = self.service.address(f"{entity_set}/$count", options)
        answer = self.service.call("GET", url, refuse=self._refuse_read, expects_json=False)
        text = answer.text.strip()
        if not (text.isascii() and text.isdigit() and len(text) <= 18):
            raise Unavailable("Finance answered a count without a number.")
        return int(text)

    def named(self, entity_set: str, key: Mapping[str, str]) -> bool:
        """Whether data management has a row with these text keys."""
        options = {"$filter": by_key(**key), "$select": ",".join(key)}
        return bool(self.service.rows(entity_set, options, refuse=self._refuse_action))

    def create(self, entity_set: str, row: Mapping[str, Any]) -> None:
        """Create a row of data management. Raises Rejected when it exists already, as when Finance does not take it."""
        url = self.service.address(entity_set)
        self.service.call("POST", url, body=row, refuse=self._refuse_action)

    def action(
        self, name: str, body: Mapping[str, Any], *, refuse: Callable[[http.Answer], RemoteError] | None = None
    ) -> str:
        """Ask an action of data management that may be asked again; its `value` as text."""
        return text_of(object_of(self._call(name, body, refuse=refuse)), "value")

    def action_rows(self, name: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The same for an action that answers with rows."""
        value = object_of(self._call(name, body)).get("value")
        return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []

    def _refusal(self, asked: Asked, answer: http.Answer) -> RemoteError:
        """What a refusal means. What is not found may be missing in Finance, or Finance may be somewhere else."""
        if answer.status == 404 and not self._is_there():
            return not_finance(host_and_port(self.root).removesuffix(":443"))
        return refusal(answer, asked=asked, who=self.who)

    def _is_there(self) -> bool:
        """Whether this is Finance: its service document is there, whatever else is not."""
        url = self.service.root
        try:
            self.service.call("GET", url, refuse=lambda answer: refusal(answer, asked=Asked.FINANCE, who=self.who))
        except Rejected as error:
            return error.code != "rejected-404"
        except RemoteError:
            return True
        return True

    def _call(
        self,
        name: str,
        body: Mapping[str, Any],
        *,
        refuse: Callable[[http.Answer], RemoteError] | None = None,
        repeatable: bool = True,
        read_seconds: float = http.READ_SECONDS,
    ) -> http.Answer:
        return self.service.call(
            "POST",
            self.service.address(_ACTION + name),
            body=body,
            refuse=refuse or self._refuse_action,
            repeatable=repeatable,
            read_seconds=read_seconds,
            total_seconds=http.TOTAL_SECONDS if repeatable else START_TOTAL_SECONDS,
        )


class _NotFound(RemoteError):
    """Finance does not know the execution."""


def _read(what: Callable[[Any], T], given: Any) -> T:
    """Rows as a value; what can't be read was no answer."""
    try:
        return what(given)
    except ValueError as error:
        raise Unavailable(f"Finance answered with a row that can't be read: {error}.") from None


def _entry(legal_entity: str, entry_number: str) -> str:
    return f"LegalEntityId eq {literal(legal_entity)} and EntryNumber eq {literal(entry_number)}"
