"""Fixed identifiers: the same parts give the same Guid in every store, so that stores of different runs compare."""

import uuid

NAMESPACE = uuid.UUID("5a7d1f10-7d0f-4a53-9a55-0a6f2a1c7b00")


def guid(*parts: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "/".join(parts)))
