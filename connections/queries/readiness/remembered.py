"""The last check, as it was kept."""

from connections.models import Environment, ReadinessCheck, ReadinessRow
from connections.rules.readiness import BY_KEY, Report, Row, State


def remembered(*, environment: Environment, legal_entity: str = "") -> Report | None:
    """The last check for `legal_entity`, or the latest of the environment; None when there is none.

    A check of an older release, with other preconditions, counts as none.
    """
    if "\0" in legal_entity:  # no legal entity, and PostgreSQL would refuse the very question
        return None
    checks = ReadinessCheck.objects.filter(environment=environment)
    if legal_entity:
        checks = checks.filter(legal_entity=legal_entity)
    check = checks.prefetch_related("rows").order_by("-checked_at").first()
    if check is None:
        return None
    by_key = {row.key: _row(row) for row in check.rows.all() if row.key in BY_KEY}
    if len(by_key) != len(BY_KEY):
        return None
    return Report(
        check.legal_entity,
        tuple(check.legal_entities.split()),
        tuple(by_key[key] for key in BY_KEY),
        check.checked_at,
        check.seconds,
    )


def _row(row: ReadinessRow) -> Row:
    lacking = tuple(row.lacking.splitlines())
    return Row(row.key, State(row.state), row.found, row.hint, row.waits_for, row.seconds, lacking)
