"""What Finance said of itself, remembered for an opened form so that a change in it does not ask again."""

import hashlib

from django.core.cache import cache

from connections.models import Environment
from connections.queries import budget_schema, members
from connections.rules.facts import BudgetSchema, MemberStatus

REMEMBERED_SECONDS = 600


def schema_of(
    environment: Environment, legal_entity: str, token: str = "", fresh: bool = False, renew: bool = False
) -> BudgetSchema:
    """The budget schema of a legal entity, asked once per opened form; `renew` asks again and remembers that."""
    key = _key("schema", environment.pk, legal_entity, token)
    known = None if fresh or renew or not token else cache.get(key)
    if known is None:
        known = budget_schema(environment=environment, legal_entity=legal_entity)
        cache.set(key, known, REMEMBERED_SECONDS)
    return known


def _key(*parts: object) -> str:
    """A key of the cache, which takes neither blanks nor long texts."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def members_of(
    environment: Environment, legal_entity: str, dimension: str, token: str = "", fresh: bool = False
) -> dict[str, MemberStatus]:
    """The known values of one segment, asked once per opened form."""
    key = _key("members", environment.pk, legal_entity, dimension, token)
    known = None if fresh or not token else cache.get(key)
    if known is None:
        known = members(environment=environment, legal_entity=legal_entity, dimension=dimension)
        cache.set(key, known, REMEMBERED_SECONDS)
    return known
