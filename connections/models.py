"""Environments of Dynamics 365, signed-in connections, and the flows that run as their owners."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from .rules.addresses import root_of
from .rules.flows import FLOWS, ConnectionKind
from .rules.readiness import State

KINDS = [(kind.value, kind.label) for kind in ConnectionKind]


def validate_root(value: str) -> None:
    """Accept the https address of a service without path, user or query."""
    if not root_of(value):
        raise ValidationError("Enter an https address without a path, like https://contoso.crm.dynamics.com.")


class Environment(models.Model):
    """One Dataverse environment and the Finance environment linked to it.

    The address of Finance is not kept here: it is read from the environment variable of Dataverse when it is needed.
    """

    class Kind(models.TextChoices):
        SANDBOX = "sandbox", "Sandbox"
        PRODUCTION = "production", "Production"

    class Link(models.TextChoices):
        VIRTUAL_TABLES = "virtual tables", "Virtual tables"
        DUAL_WRITE = "dual-write", "Dual-write"
        NONE = "not linked", "Not linked"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.SANDBOX)
    dataverse_url = models.CharField("Dataverse address", max_length=200, validators=[validate_root])
    tenant_id = models.CharField("tenant", max_length=100)
    authority = models.CharField(
        "sign-in authority",
        max_length=200,
        validators=[validate_root],
        help_text="For example https://login.microsoftonline.com",
    )
    client_id = models.CharField("application (client) id", max_length=100)
    linked_through = models.CharField(max_length=20, choices=Link.choices, default=Link.VIRTUAL_TABLES)
    secret_expires_on = models.DateField(
        "client secret expires on",
        null=True,
        blank=True,
        help_text="As Entra shows it under Certificates & secrets. A certificate tells its date itself.",
    )

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        StartLock.objects.get_or_create(environment=self)


class Connection(models.Model):
    """A person's sign-in to Dataverse or Finance. The token cache is encrypted and never shown.

    With `auth` *Application* the portal's own application (a service principal) stands in for the person.
    """

    class Auth(models.TextChoices):
        PERSON = "person", "OAuth"
        APPLICATION = "application", "Application"

    class Status(models.TextChoices):
        CONNECTED = "connected", "Connected"
        NEEDS_ATTENTION = "needs attention", "Needs attention"

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="connections")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="connections")
    kind = models.CharField(max_length=20, choices=KINDS)
    auth = models.CharField("authentication type", max_length=20, choices=Auth.choices, default=Auth.PERSON)
    account = models.CharField("signed in as", max_length=254, blank=True)
    home_account_id = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.CONNECTED)
    reason = models.CharField(max_length=500, blank=True)
    token_cache = models.BinaryField(blank=True, default=b"", editable=False)
    # Two workers may refresh at once: a write names the version it read, the second one is dropped.
    token_version = models.PositiveIntegerField(default=0, editable=False)
    connected_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["environment_id", "owner_id", "kind"]
        constraints = [
            models.UniqueConstraint(fields=["environment", "owner", "kind"], name="one_connection_per_owner_kind"),
            models.CheckConstraint(
                condition=models.Q(kind__in=[value for value, _ in KINDS]), name="connection_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{ConnectionKind(self.kind).label} of {self.owner}"


class Flow(models.Model):
    """One of the three documented flows. It runs as its owner, with the owner's connections."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="flows")
    name = models.CharField(max_length=60, choices=[(name, name) for name in FLOWS])
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="owned_flows"
    )
    is_on = models.BooleanField("on", default=False)

    class Meta:
        ordering = ["environment_id", "id"]
        constraints = [
            models.UniqueConstraint(fields=["environment", "name"], name="one_flow_per_environment"),
            models.CheckConstraint(condition=models.Q(name__in=list(FLOWS)), name="flow_name_documented"),
        ]

    def __str__(self) -> str:
        return self.name


class ConnectionReference(models.Model):
    """A flow's slot for a connection; empty until its owner connects."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="references")
    kind = models.CharField(max_length=20, choices=KINDS)
    connection = models.ForeignKey(
        Connection, null=True, blank=True, on_delete=models.SET_NULL, related_name="references"
    )

    class Meta:
        ordering = ["flow_id", "kind"]
        constraints = [models.UniqueConstraint(fields=["flow", "kind"], name="one_reference_per_flow_kind")]

    def __str__(self) -> str:
        return f"{self.flow.name}: {ConnectionKind(self.kind).label}"


class StartLock(models.Model):
    """At most one import is started at a time in an environment: Finance fails parallel starts.

    `holder` names who holds it, until `held_until` at the latest (a lease, so that a killed worker frees it).
    """

    environment = models.OneToOneField(
        Environment, primary_key=True, on_delete=models.CASCADE, related_name="start_lock"
    )
    holder = models.CharField(max_length=100, blank=True)
    held_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Start lock of {self.environment}"


class ReadinessCheck(models.Model):
    """The last check of an environment for one legal entity; empty when none could be asked about."""

    environment = models.ForeignKey(Environment, on_delete=models.CASCADE, related_name="readiness_checks")
    legal_entity = models.CharField(max_length=20, blank=True)
    legal_entities = models.TextField(blank=True, help_text="All with a ledger, one a line")
    checked_at = models.DateTimeField()
    seconds = models.FloatField()

    class Meta:
        ordering = ["-checked_at"]
        constraints = [
            models.UniqueConstraint(fields=["environment", "legal_entity"], name="one_readiness_check_per_entity")
        ]

    def __str__(self) -> str:
        return f"Readiness of {self.environment} {self.legal_entity}".strip()


class ReadinessProgress(models.Model):
    """The check of an environment that is running; after `held_until` whoever ran it is taken for gone."""

    environment = models.OneToOneField(
        Environment, primary_key=True, on_delete=models.CASCADE, related_name="readiness_progress"
    )
    holder = models.CharField(max_length=36, blank=True)
    held_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Check of {self.environment}"


class ReadinessAnswer(models.Model):
    """What a running check knows so far about one precondition."""

    progress = models.ForeignKey(ReadinessProgress, on_delete=models.CASCADE, related_name="answers")
    key = models.CharField(max_length=80)
    state = models.CharField(max_length=20, choices=[(state.value, state.value) for state in State])
    found = models.TextField(blank=True)
    seconds = models.FloatField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["progress", "key"], name="one_readiness_answer_per_key")]

    def __str__(self) -> str:
        return f"{self.key}: {self.state}"


class ReadinessRow(models.Model):
    """What one precondition was found to be."""

    check_of = models.ForeignKey(ReadinessCheck, on_delete=models.CASCADE, related_name="rows")
    key = models.CharField(max_length=80)
    state = models.CharField(max_length=20, choices=[(state.value, state.value) for state in State])
    found = models.TextField(blank=True)
    hint = models.TextField(blank=True)
    waits_for = models.CharField(max_length=80, blank=True)
    seconds = models.FloatField(null=True)
    lacking = models.TextField(blank=True, help_text="User names that it fails for, one a line")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["check_of", "key"], name="one_readiness_row_per_key")]

    def __str__(self) -> str:
        return f"{self.key}: {self.state}"
