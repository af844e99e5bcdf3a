"""Dataverse Web API: the environment variable that names Finance, Finance's data as virtual entities, and any table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar

from . import entra
from .errors import FinanceNotConfigured, Unavailable
from .http import check_address
from .models import Connection, Environment
from .odata import Bearer, ODataService, Page, Refuse, object_of
from .refusals import Asked, refusal
from .rules.addresses import root_of
from .rules.dataverse import (
    TABLE_FIELDS,
    VALUES,
    Definition,
    Table,
    Variable,
    WhoAmI,
    definition_of,
    table_of,
    variable_of,
    who_of,
)
from .rules.wire import FORMATTED, literal, virtual_value

FINANCE_URI_NAME = "BPP App FinOps URI"
FINANCE_URI = "msdyn_xpna_BPPAppFinOpsURI"
PAGE_SIZE = 5000
T = TypeVar("T")


class DataverseClient:
    """Talks to one environment as the account of one connection, or as the portal's own application."""

    def __init__(self, *, environment: Environment, connection: Connection) -> None:
        root = environment.dataverse_url.rstrip("/")
        self._open(root, connection.account, lambda refresh: entra.token_for(connection, root, refresh=refresh))

    @classmethod
    def of(cls, *, root: str, who: str, bearer: Bearer) -> "DataverseClient":
        """A client of the environment at `root` whose tokens come from `bearer`, `who` in messages."""
        made = cls.__new__(cls)
        made._open(root, who, bearer)
        return made

    def _open(self, root: str, who: str, bearer: Bearer) -> None:
        self.who = who
        self.service = ODataService(f"{root}/api/data/v9.2", bearer, {"If-None-Match": "null", **_preferring()})
        self.refuse: Refuse = partial(refusal, asked=Asked.DATAVERSE, who=who)

    def who_am_i(self) -> WhoAmI:
        """The user, organization and business unit of the token."""
        return read_as(who_of, object_of(self.get("WhoAmI")))

    def get(self, path: str) -> Any:
        """The answer to a question that is no set of rows."""
        return self.service.call("GET", self.service.address(path), refuse=self.refuse)

    def variable(self, name: str) -> Variable | None:
        """The environment variable with this schema name; None when there is none."""
        options = {
            "$select": "environmentvariabledefinitionid,schemaname,displayname,defaultvalue,type",
            "$filter": f"schemaname eq {literal(name)}",
            "$expand": f"{VALUES}($select=environmentvariablevalueid,value,schemaname)",
        }
        rows = self.service.rows("environmentvariabledefinitions", options, refuse=self.refuse)
        return read_as(variable_of, rows[0]) if rows else None

    def set_variable(self, variable: Variable, value: str) -> None:
        """Set the current value. InDoubt when the first value was being made and the answer was lost: read it again."""
        sets = "environmentvariablevalues"
        if variable.value_id:
            self.change(f"{sets}({variable.value_id})", {"value": value})
            return
        bound = f"/environmentvariabledefinitions({variable.definition_id})"
        body = {"value": value, "EnvironmentVariableDefinitionId@odata.bind": bound}
        self.service.call("POST", self.service.address(sets), body=body, refuse=self.refuse, repeatable=False)

    def change(self, path: str, body: Mapping[str, Any], *, refuse: Refuse | None = None) -> None:
        """PATCH one row that exists; saying the same twice does no harm."""
        headers = {"If-Match": "*"}
        url = self.service.address(path)
        self.service.call("PATCH", url, body=body, headers=headers, refuse=refuse or self.refuse)

    def finance_url(self) -> str:
        """The root address of Finance: the environment variable's current value, else its default.

        Raises FinanceNotConfigured when it is missing, malformed, or names a host that may not be called.
        """
        variable = self.variable(FINANCE_URI)
        if variable is None or not variable.value:
            raise FinanceNotConfigured(
                f"The environment variable {FINANCE_URI_NAME} ({FINANCE_URI}) has no value.",
                hint=f"Set {FINANCE_URI} in Dataverse to the address of Dynamics 365 Finance. "
                "An administrator of the Dataverse environment can.",
            )
        root = root_of(variable.value)
        if not root:
            raise FinanceNotConfigured(
                f"The environment variable {FINANCE_URI_NAME} ({FINANCE_URI}) is not the root address of an "
                "environment.",
                hint=f"Set {FINANCE_URI} to an address like https://contoso.operations.dynamics.com.",
                code="finance-address-malformed",
            )
        check_address(root)
        return root

    def virtual_rows(
        self, entity: str, fields: Sequence[str], *, where: str = "", asked: Asked = Asked.VIRTUAL_ENTITIES
    ) -> list[dict[str, str]]:
        """Rows of the virtual entity of Finance's `entity`, as texts by Finance's own field names.

        Enums come as member names, empty values as the empty text. `where` is an OData filter over the `mserp_` names.
        Raises EntityHidden when the entity is not visible, NoPermission with the documented cause.
        """
        options = {"$select": ",".join(f"mserp_{field.lower()}" for field in fields)}
        if where:
            options["$filter"] = where
        refuse = partial(refusal, asked=asked, who=self.who, entity=entity)
        rows = self.service.rows(set_name(entity), options, refuse=refuse)
        return [{field: virtual_value(row, field) for field in fields} for row in rows]

    def table(self, logical_name: str) -> Table | None:
        """What the environment says about one of its tables; None when it has no such table."""
        options = {"$select": ",".join(TABLE_FIELDS), "$filter": f"LogicalName eq {literal(logical_name)}"}
        rows = self.service.rows("EntityDefinitions", options, refuse=self.refuse)
        return read_as(table_of, rows[0]) if rows else None

    def definition(self, logical_name: str) -> Definition | None:
        """A table with columns and alternate keys; None when the environment has no such table."""
        options = {
            "$select": ",".join(TABLE_FIELDS),
            "$filter": f"LogicalName eq {literal(logical_name)}",
            "$expand": "Attributes($select=LogicalName,AttributeType),Keys($select=KeyAttributes,EntityKeyIndexStatus)",
        }
        rows = self.service.rows("EntityDefinitions", options, refuse=self.refuse)
        return read_as(definition_of, rows[0]) if rows else None

    def clock(self) -> datetime:
        """Dataverse's own time, to the second."""
        answer = self.get("WhoAmI")
        try:
            return parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
        except ValueError:
            raise Unavailable("Dataverse did not say what time it is.") from None

    def pages(
        self,
        table_set: str,
        fields: Sequence[str],
        *,
        where: str = "",
        order: str = "",
        page_size: int = PAGE_SIZE,
        start: str = "",
    ) -> Iterator[Page]:
        """Rows of any table, page by page. `start` is a page's `next_url`: reading goes on there, with the same size.

        Dataverse holds the place in that address, so it is used exactly as it came.
        """
        options = {"$select": ",".join(fields), "$filter": where, "$orderby": order}
        url = start or self.service.address(table_set, {name: value for name, value in options.items() if value})
        while url:
            page = self.service.page(url, refuse=self.refuse, headers=_preferring(page_size))
            yield page
            if page.next_url == url:
                raise Unavailable("Dataverse names the same page again.")
            url = page.next_url


def _preferring(page_size: int = PAGE_SIZE) -> dict[str, str]:
    annotations = FORMATTED.removeprefix("@")
    return {"Prefer": f'odata.maxpagesize={page_size},odata.include-annotations="{annotations}"'}


def read_as(what: Callable[[Mapping[str, Any]], T], row: Mapping[str, Any]) -> T:
    """A row as a value; one that can't be read was no answer."""
    try:
        return what(row)
    except ValueError as error:
        raise Unavailable(f"Dataverse answered with a row that can't be read: {error}.") from None


def set_name(entity: str) -> str:
    """The Dataverse set of a Finance entity: `BudgetModelEntity` → `mserp_budgetmodelentities`."""
    return f"mserp_{entity.lower().removesuffix('y')}ies"
