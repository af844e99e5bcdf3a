"""One call of Dataverse: who calls, which tables there are, what was preferred, and the errors of its envelope."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from sandbox import access
from sandbox.dataverse.sets import CATALOG, FIXED_TABLES, VIRTUAL_TABLES
from sandbox.dataverse.table import Table, from_json
from sandbox.identifiers import guid
from sandbox.store import Store
from sandbox.wire import Call, WireError, dataverse_error

PATH = "/api/data/v9.2/"
FORMATTED = "OData.Community.Display.V1.FormattedValue"
PAGE = 5000


def _end_generation(store: Store) -> None:
    """The catalog says that a virtual entity has been generated once its time is over."""
    due = "WHERE pending = 1 AND CAST(generated_at AS REAL) <= ?"
    if store.row(f'SELECT 1 FROM "{CATALOG.name}" {due}', (time.time(),)):
        with store.transaction() as connection:
            connection.execute(
                f'UPDATE "{CATALOG.name}" SET pending = 0, mserp_hasbeengenerated = 1 {due}', (time.time(),)
            )


class Tables:
    """Every table there is now: the fixed ones, those that somebody made, and the visible virtual ones."""

    def __init__(self, call: Call) -> None:
        self._call = call
        _end_generation(call.world.store)
        made = map(from_json, (row[0] for row in call.world.store.rows("SELECT definition FROM dv_tables")))
        self.by_name: dict[str, Table] = {
            **FIXED_TABLES,
            **{table.logical_name: table for table in made},
            **{name: table for name, table in VIRTUAL_TABLES.items() if table.entity in self._generated},
        }

    @cached_property
    def _generated(self) -> frozenset[str]:
        if not self._call.world.faults.plays("virtual-entities"):
            return frozenset(table.entity for table in VIRTUAL_TABLES.values())
        rows = self._call.world.store.rows(
            f'SELECT mserp_physicalname FROM "{CATALOG.name}" WHERE mserp_hasbeengenerated = 1 '
            "AND CAST(coalesce(generated_at, '0') AS REAL) <= ?",
            (time.time(),),
        )
        return frozenset(row[0] for row in rows)

    def of_set(self, name: str) -> Table:
        """Raises 404 when there is no such set, or the virtual table behind it is not visible."""
        found = next((table for table in self.by_name.values() if table.set_name == name), None)
        if found is None:
            raise missing_segment(name)
        return found

    def __iter__(self) -> Iterator[Table]:
        return iter(self.by_name.values())


@dataclass(frozen=True)
class Preferences:
    """The Prefer header, as far as Dataverse knows it."""

    page_size: int | None = None
    annotations: tuple[str, ...] = ()
    representation: bool = False
    continue_on_error: bool = False
    applied: str = ""

    def wants(self, annotation: str) -> bool:
        return any(fnmatchcase(annotation, pattern) for pattern in self.annotations)


def preferences(header: str) -> Preferences:
    size = re.search(r"odata\.maxpagesize\s*=\s*(\d+)", header)
    names = re.search(r'odata\.include-annotations\s*=\s*"?([^";]+)"?', header)
    representation = "return=representation" in header
    page_size = int(size[1]) if size and int(size[1]) > 0 else None
    applied = [
        *([f"odata.maxpagesize={page_size}"] if page_size else []),
        *([f'odata.include-annotations="{names[1]}"'] if names else []),
        *(["return=representation"] if representation else []),
    ]
    return Preferences(
        page_size,
        tuple(name.strip() for name in names[1].split(",")) if names else (),
        representation,
        "odata.continue-on-error" in header,
        ",".join(applied),
    )


@dataclass
class Session:
    """A call by a known user. `user_id` is the systemuser; `path` what follows `/api/data/v9.2/`."""

    call: Call
    claims: dict[str, Any]
    user_id: str
    path: str
    content_ids: dict[str, str] = field(default_factory=dict)  # of the change set under way: Content-ID → address

    @property
    def store(self) -> Store:
        return self.call.world.store

    @property
    def base(self) -> str:
        return f"{self.call.world.dataverse_url}{PATH.rstrip('/')}"

    @cached_property
    def tables(self) -> Tables:
        return Tables(self.call)

    @cached_property
    def prefer(self) -> Preferences:
        return preferences(self.call.headers.get("prefer", ""))

    @property
    def pages(self) -> bool:
        """Whether the page limits of Dataverse are played."""
        return self.call.world.faults.plays("dataverse-paging")


def coded(content: Any) -> Any:
    """An error of Dataverse always has a code; what was refused before it was read has none yet."""
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict) or error.get("code"):
        return content
    return {**content, "error": {**error, "code": "0x80048d19"}}


def caller(call: Call) -> tuple[dict[str, Any], str]:
    """Claims and systemuser of the token's user. Raises 401 without a good token, 403 for a stranger or disabled."""
    user = access.dataverse_user(call)
    return user.claims, user.user_id


def invalid(text: str) -> WireError:
    """400 for what was asked wrongly: property, key, option, syntax."""
    return dataverse_error(400, "0x80060888", text)


def missing_segment(name: str) -> WireError:
    return dataverse_error(404, "0x80060888", f"Resource not found for the segment '{name}'.")


def missing_row(table: Table, row_id: str) -> WireError:
    return dataverse_error(404, "0x80040217", f"Entity '{table.logical_name}' With Id = {row_id} Does Not Exist")


def not_allowed(method: str) -> WireError:
    return dataverse_error(405, "0x80060888", f"The requested resource does not support http method '{method}'.")


def not_supported(text: str) -> WireError:
    return dataverse_error(501, "0x80060888", text)


def duplicate() -> WireError:
    return dataverse_error(412, "0x80040237", "A record with matching key values already exists.")


def annotated(content: Any, wanted: Preferences) -> Any:
    """The error with the annotations that `Prefer: odata.include-annotations="*"` adds to it."""
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict) or not wanted.wants("Microsoft.PowerApps.CDS.HelpLink"):
        return content
    code = str(error.get("code", ""))
    number = str(int(code, 16)) if code.startswith("0x") else "0"
    link = (
        f"http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException%3a{code[2:]}&client=platform"
    )
    return {
        "error": {
            **error,
            "@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus": "0",
            "@Microsoft.PowerApps.CDS.ErrorDetails.SubErrorCode": number,
            "@Microsoft.PowerApps.CDS.HelpLink": link,
            "@Microsoft.PowerApps.CDS.TraceText": f"\n[Sandbox: {guid('trace', code)}]\n{error.get('message', '')}\n",
            "@Microsoft.PowerApps.CDS.InnerError.Message": error.get("message", ""),
        }
    }
