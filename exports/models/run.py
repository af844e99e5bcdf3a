"""The execution of an export: the row that is the truth, its attempts, its events and its proof."""

from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.db import models

from bpp_portal.kernel.fields import ExactDecimalField
from exports.rules.states import ACTIVE, CHIP_OF, State

from .configuration import Export
from .leased import Leased

STATE_CHOICES = [(state.value, CHIP_OF[state][1]) for state in State]


class EntryNumbers(models.Model):
    """The last entry number given out in an environment."""

    environment = models.OneToOneField("connections.Environment", on_delete=models.PROTECT, related_name="+")
    last = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "entry numbers"


class Run(Leased):
    """One run. Only `exports.operations.moving.move` changes `state`."""

    uuid = models.UUIDField(default=uuid4, unique=True, editable=False)
    export = models.OneToOneField(Export, on_delete=models.PROTECT, related_name="run")
    environment = models.ForeignKey("connections.Environment", on_delete=models.PROTECT, related_name="+")
    entry_number = models.CharField(max_length=30)
    snapshot = models.ForeignKey("cubes.Snapshot", on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    client_token = models.UUIDField(default=uuid4)

    state = models.CharField(max_length=20, choices=STATE_CHOICES, default=State.REQUESTED, db_index=True)
    retries_used = models.PositiveSmallIntegerField(default=0)
    asked = models.PositiveIntegerField(default=0)
    asked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    # What the requester saw of the cube when asking: empty for everything, else its digest.
    seen_sha256 = models.CharField(max_length=64, blank=True)
    # Rows in the filters that the requester does not see; told only to who sees everything.
    unseen_rows = models.PositiveBigIntegerField(null=True)
    cube_rows = models.PositiveBigIntegerField(null=True)
    line_count = models.PositiveBigIntegerField(null=True)
    rounding_difference = ExactDecimalField(null=True)
    segments = models.JSONField(default=list)
    lines_sha256 = models.CharField(max_length=64, blank=True)
    package_sha256 = models.CharField(max_length=64, blank=True)
    package_bytes = models.PositiveBigIntegerField(null=True)

    blob_name = models.CharField(max_length=120, blank=True)
    project = models.CharField(max_length=60, blank=True)
    sent_at = models.DateTimeField(null=True)
    doubt_since = models.DateTimeField(null=True)
    finance_status = models.CharField(max_length=30, blank=True)
    finance_lines = models.PositiveBigIntegerField(null=True)
    # The numbers under which Finance keeps the lines, where its sequence is automatic and it drew its own.
    finance_numbers = models.TextField(blank=True)
    runs_as = models.CharField(max_length=150, blank=True)
    stop_requested = models.BooleanField(default=False)

    headline = models.CharField(max_length=200, blank=True)
    cause = models.TextField(blank=True)
    hint = models.TextField(blank=True)
    code = models.CharField(max_length=40, blank=True)
    trouble = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["environment", "entry_number"], name="entry_number_once"),
            models.UniqueConstraint(fields=["requested_by", "client_token"], name="one_run_per_form"),
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in State]), name="run_state_known"
            ),
        ]

    def __str__(self) -> str:
        return self.entry_number

    @property
    def status(self) -> State:
        return State(self.state)

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def folder(self) -> Path:
        """Where the frozen lines and the package of this run lie."""
        return Path(settings.DATA_DIR) / "runs" / str(self.uuid)


class Attempt(models.Model):
    """One intention to start the import in Finance. The execution id is stored before the start call leaves."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    execution_id = models.CharField(max_length=90, unique=True)
    started_at = models.DateTimeField()
    result = models.CharField(max_length=30, blank=True)
    happened = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="attempt_number_once")]

    def __str__(self) -> str:
        return self.execution_id


class RunEvent(models.Model):
    """One change of state. Rows are only ever added; `seq` has no gaps."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="events")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    old_state = models.CharField(max_length=20, blank=True)
    new_state = models.CharField(max_length=20)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    fence = models.PositiveIntegerField()
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["run", "seq"], name="event_seq_once")]

    def __str__(self) -> str:
        return f"{self.old_state} → {self.new_state}"


class RunTotal(models.Model):
    """Lines and their sum for one amount type and currency, at one of the three places."""

    class Place(models.TextChoices):
        CUBE = "cube", "Cube"
        PACKAGE = "package", "Package"
        FINANCE = "finance", "Finance"

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="totals")
    place = models.CharField(max_length=10, choices=Place)
    amount_type = models.CharField(max_length=10)
    currency = models.CharField(max_length=10)
    lines = models.PositiveBigIntegerField()
    amount = ExactDecimalField()

    class Meta:
        ordering = ["amount_type", "currency"]
        constraints = [
            models.UniqueConstraint(fields=["run", "place", "amount_type", "currency"], name="total_once_per_place")
        ]

    def __str__(self) -> str:
        return f"{self.place} {self.amount_type} {self.currency}"


class Reconciliation(models.Model):
    """What the read-back found."""

    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="reconciliation")
    checked_at = models.DateTimeField()
    lines = models.PositiveBigIntegerField()
    missing = models.PositiveBigIntegerField()
    extra = models.PositiveBigIntegerField()
    different = models.PositiveBigIntegerField()
    entry_status = models.CharField(max_length=30, blank=True)
    read_back_sha256 = models.CharField(max_length=64, blank=True)

    @property
    def agrees(self) -> bool:
        return not (self.missing or self.extra or self.different)


class Rejection(models.Model):
    """One message of Finance about a line that it refused."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="rejections")
    record_id = models.CharField(max_length=200, blank=True)
    field = models.CharField(max_length=200, blank=True)
    message = models.TextField()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.message
