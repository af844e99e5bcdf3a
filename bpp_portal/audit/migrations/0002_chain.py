"""Where, before and after, and the place of each entry in the chain."""

from django.db import migrations, models

DOORS = [
    ("page", "Page"),
    ("admin", "Administration"),
    ("api", "API"),
    ("command", "Command"),
    ("worker", "Worker"),
]


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("seq", models.PositiveBigIntegerField(default=0)),
                ("hash", models.CharField(default="0" * 64, max_length=64)),
            ],
        ),
        migrations.AddField("auditentry", "seq", models.PositiveBigIntegerField(null=True)),
        migrations.AddField("auditentry", "actor_name", models.CharField(blank=True, default="", max_length=150)),
        migrations.AddField(
            "auditentry", "door", models.CharField(blank=True, choices=DOORS, default="", max_length=10)
        ),
        migrations.AddField("auditentry", "ip", models.CharField(blank=True, default="", max_length=45)),
        migrations.AddField("auditentry", "before", models.TextField(blank=True, default="")),
        migrations.AddField("auditentry", "after", models.TextField(blank=True, default="")),
        migrations.AddField("auditentry", "hash", models.CharField(default="", max_length=64)),
    ]
