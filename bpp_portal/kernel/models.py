"""Rows of the portal itself."""

from django.db import models


class Pulse(models.Model):
    """When the background worker last did a small task: the proof that its queue still moves."""

    name = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
