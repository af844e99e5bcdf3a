"""The one clock that leases use: the database's, so that two hosts never disagree."""

from datetime import UTC, datetime

from django.db import connection


def database_now() -> datetime:
    """The database's present time, aware, in UTC."""
    sqlite = connection.vendor == "sqlite"
    query = "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')" if sqlite else "SELECT clock_timestamp()"
    with connection.cursor() as cursor:
        cursor.execute(query)
        value = cursor.fetchone()[0]
    moment = datetime.fromisoformat(value).replace(tzinfo=UTC) if sqlite else value
    return moment.astimezone(UTC)
