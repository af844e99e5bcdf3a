"""Dataverse Web API: the environment variable that names Finance, and Finance's data as virtual entities."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from . import entra
from .errors import FinanceNotConfigured
from .http import check_address
from .models import Connection, Environment
from .odata import ODataService
from .refusals import Asked, refusal
from .rules.addresses import root_of
from .rules.wire import FORMATTED, literal, text_of, virtual_value

FINANCE_URI_NAME = "BPP App FinOps URI"
FINANCE_URI = "msdyn_xpna_BPPAppFinOpsURI"
_HEADERS = {
    "If-None-Match": "null",
    "Prefer": f'odata.maxpagesize=5000,odata.include-annotations="{FORMATTED.removeprefix("@")}"',
}
_VALUE = "environmentvariabledefinition_environmentvariablevalue"


class DataverseClient:
    """Reads one environment as the account of one connection."""

    def __init__(self, *, environment: Environment, connection: Connection) -> None:
        self.who = connection.account
        root = environment.dataverse_url.rstrip("/")

        def bearer(refresh: bool) -> str:
            return entra.token_for(connection, root, refresh=refresh)

        self._service = ODataService(f"{root}/api/data/v9.2", bearer, _HEADERS)

    def finance_url(self) -> str:
        """The root address of Finance: the environment variable's current value, else its default.

        Raises FinanceNotConfigured when it is missing, malformed, or names a host that may not be called.
        """
        options = {
            "$select": "environmentvariabledefinitionid,schemaname,displayname,defaultvalue",
            "$filter": f"schemaname eq {literal(FINANCE_URI)}",
            "$expand": f"{_VALUE}($select=environmentvariablevalueid,value,schemaname)",
        }
        refuse = partial(refusal, asked=Asked.DATAVERSE, who=self.who)
        rows = self._service.rows("environmentvariabledefinitions", options, refuse=refuse)
        text = _current_value(rows[0]) if rows else ""
        if not text:
            raise FinanceNotConfigured(
                f"The environment variable {FINANCE_URI_NAME} ({FINANCE_URI}) has no value.",
                hint=f"Set {FINANCE_URI} in Dataverse to the address of Dynamics 365 Finance. "
                "An administrator of the Dataverse environment can.",
            )
        root = root_of(text)
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
        rows = self._service.rows(set_name(entity), options, refuse=refuse)
        return [{field: virtual_value(row, field) for field in fields} for row in rows]


def set_name(entity: str) -> str:
    """The Dataverse set of a Finance entity: `BudgetModelEntity` → `mserp_budgetmodelentities`."""
    return f"mserp_{entity.lower().removesuffix('y')}ies"


def _current_value(row: Mapping[str, Any]) -> str:
    values = row.get(_VALUE) or [{}]
    return (text_of(values[0], "value") or text_of(row, "defaultvalue")).strip()
