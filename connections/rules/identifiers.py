"""What names a tenant and an application in Entra."""

import re

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DOMAIN = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


def is_guid(text: str) -> bool:
    """Whether `text` is written as Entra shows the id of an application."""
    return _GUID.fullmatch(text) is not None


def is_tenant(text: str) -> bool:
    """Whether `text` names one tenant, by its id or a domain; common, organizations and consumers name none."""
    return is_guid(text) or (len(text) <= 253 and _DOMAIN.fullmatch(text) is not None)
