"""Entries are not emptied out at once (PostgreSQL) nor replaced by others (SQLite) either."""

from django.db import migrations

from bpp_portal.audit.triggers import lay, lift


def lay_triggers(apps, schema_editor):
    lay(schema_editor.connection)


def lift_triggers(apps, schema_editor):
    lift(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_append_only")]

    operations = [migrations.RunPython(lay_triggers, lift_triggers)]
