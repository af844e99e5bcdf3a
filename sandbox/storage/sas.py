"""Shared access signatures of Azure Storage for one blob (service SAS, version 2021-12-02): made and checked."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

VERSION = "2021-12-02"
# What is signed, in Azure's order; `None` stands for the resource's own path.
_SIGNED = (
    *("sp", "st", "se", None, "si", "sip", "spr", "sv", "sr", "snapshot"),
    *("ses", "rscc", "rscd", "rsce", "rscl", "rsct"),
)


class NotSigned(Exception):
    """The signature is missing, wrong or out of its time."""


@dataclass(frozen=True)
class Account:
    """A storage account: its name and its key in base64."""

    name: str
    key: str

    def sign(self, container: str, blob: str, *, permissions: str, expires: datetime) -> str:
        """The query string that grants `permissions` on a blob until `expires`."""
        fields = {"sv": VERSION, "sr": "b", "sp": permissions, "se": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
        return urlencode(fields | {"sig": self._signature(fields, container, blob)})

    def check(self, query: Mapping[str, str], container: str, blob: str) -> str:
        """The permissions that a query string grants. Raises NotSigned."""
        if not hmac.compare_digest(query.get("sig", ""), self._signature(query, container, blob)):
            raise NotSigned("Signature did not match.")
        now = datetime.now(UTC)
        if now >= _time(query.get("se", "")) or ("st" in query and now < _time(query["st"])):
            raise NotSigned("Signature not valid in the specified time frame.")
        return query.get("sp", "")

    def _signature(self, fields: Mapping[str, str], container: str, blob: str) -> str:
        path = f"/blob/{self.name}/{container}/{blob}"
        text = "\n".join(path if name is None else fields.get(name, "") for name in _SIGNED)
        return base64.b64encode(hmac.new(base64.b64decode(self.key), text.encode(), hashlib.sha256).digest()).decode()


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise NotSigned("The time of the signature can't be read.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
