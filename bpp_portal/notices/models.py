"""What a person was told."""

from django.conf import settings
from django.db import models


class Notice(models.Model):
    """One change of state, told to one person; `link` is an address within the portal.

    `topic` names what it is about: the same words about it are not told twice in a row.
    """

    class Kind(models.TextChoices):
        INFO = "info"
        SUCCESS = "success"
        WARNING = "warning"
        DANGER = "danger"
        UNKNOWN = "unknown"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    at = models.DateTimeField(auto_now_add=True)
    topic = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind)
    word = models.CharField(max_length=40, help_text="What its chip says")
    text = models.CharField(max_length=300)
    detail = models.TextField(blank=True)
    link = models.CharField(max_length=300, blank=True)
    read_at = models.DateTimeField(null=True)
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "read_at"], name="notice_unread")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["info", "success", "warning", "danger", "unknown"]),
                name="notice_kind_known",
            )
        ]

    def __str__(self) -> str:
        return self.text
