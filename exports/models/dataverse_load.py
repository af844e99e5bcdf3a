"""The load of a cube from Dataverse: the row that is the truth, and the place in each table where reading goes on."""

from pathlib import Path

from django.conf import settings
from django.db import models

from cubes.models import Load
from cubes.rules.loading import Mode
from exports.rules.dataverse_tables import ACTIVE, Extent, LoadState

from .leased import Leased

STATES = [(state.value, state.value) for state in LoadState]


class DataverseLoad(Leased):
    """One load. `report` is the load report, None while there is none.

    `read_at` is Dataverse's own time before the first row was read, from where the next load may take the changes.
    """

    cube = models.ForeignKey("cubes.Cube", on_delete=models.CASCADE, related_name="dataverse_loads")
    environment = models.ForeignKey("connections.Environment", on_delete=models.PROTECT, related_name="+")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=10, choices=[(mode.value, mode.value) for mode in Mode])
    extent = models.CharField(max_length=10, choices=[(extent.value, extent.value) for extent in Extent])
    allow_partial = models.BooleanField(default=False)
    report = models.OneToOneField(Load, null=True, on_delete=models.SET_NULL, related_name="dataverse_load")

    state = models.CharField(max_length=10, choices=STATES, default=LoadState.QUEUED, db_index=True)
    failures = models.PositiveSmallIntegerField(default=0)
    window_since = models.DateTimeField(null=True)
    window_requests = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)
    since = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    said = models.TextField(blank=True)
    trouble = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=list(LoadState)), name="dataverse_load_state"),
            models.UniqueConstraint(
                fields=["cube"], condition=models.Q(state__in=[*ACTIVE]), name="one_dataverse_load_of_a_cube"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cube} from {self.environment}"

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def folder(self) -> Path:
        """Where the pages that were read lie."""
        return Path(settings.DATA_DIR) / "dataverse" / str(self.pk)


class DataverseTable(models.Model):
    """One table of a load. `next_url` is where reading goes on, as Dataverse gave it; each page is a file."""

    load = models.ForeignKey(DataverseLoad, on_delete=models.CASCADE, related_name="tables")
    position = models.PositiveSmallIntegerField()
    key = models.CharField(max_length=128, blank=True)
    name = models.CharField(max_length=200)
    table = models.CharField(max_length=200)
    table_set = models.CharField(max_length=200)
    columns = models.JSONField(help_text="Triples: column in Dataverse, its type there, header of the file.")
    has_times = models.BooleanField(default=False)
    why_all = models.TextField(blank=True)
    pages = models.PositiveIntegerField(default=0)
    rows = models.PositiveBigIntegerField(default=0)
    renamed = models.PositiveBigIntegerField(default=0)
    next_url = models.TextField(blank=True)
    restarts = models.PositiveSmallIntegerField(default=0)
    is_done = models.BooleanField(default=False)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["load", "position"], name="dataverse_table_once")]

    def __str__(self) -> str:
        return self.table

    @property
    def folder(self) -> Path:
        return self.load.folder / str(self.position)
