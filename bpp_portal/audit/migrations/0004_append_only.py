"""From here on the database itself refuses to change or delete an entry."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from bpp_portal.audit.triggers import lay, lift


def lay_triggers(apps, schema_editor):
    lay(schema_editor.connection)


def lift_triggers(apps, schema_editor):
    lift(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_link"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.AlterField(
            "auditentry", "seq", models.PositiveBigIntegerField(unique=True, verbose_name="number")
        ),
        migrations.AlterField("auditentry", "at", models.DateTimeField(db_index=True)),
        migrations.AlterField("auditentry", "verb", models.CharField(db_index=True, max_length=60)),
        migrations.AlterField("auditentry", "ip", models.CharField(blank=True, max_length=45, verbose_name="address")),
        migrations.AlterField("auditentry", "actor_name", models.CharField(blank=True, max_length=150)),
        migrations.AlterField("auditentry", "door", models.CharField(
            blank=True,
            choices=[
                ("page", "Page"), ("admin", "Administration"), ("api", "API"), ("command", "Command"),
                ("worker", "Worker"),
            ],
            max_length=10,
        )),
        migrations.AlterField("auditentry", "before", models.TextField(blank=True)),
        migrations.AlterField("auditentry", "after", models.TextField(blank=True)),
        migrations.AlterField("auditentry", "hash", models.CharField(max_length=64)),
        migrations.AlterField(
            "auditentry",
            "actor",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="who",
            ),
        ),
        migrations.AlterModelOptions("auditentry", {"ordering": ["-seq"], "verbose_name_plural": "audit entries"}),
        migrations.RunPython(lay_triggers, lift_triggers),
    ]
