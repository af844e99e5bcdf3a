"""Cubes, their dimensions and drivers, and the snapshots of their data."""

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from bpp_portal.kernel.fields import ExactDecimalField

from .rules.definition import Definition
from .rules.links import link_dimensions
from .rules.loading import Mode, TableState
from .rules.security import Access
from .rules.shape import CalculatedShape, ColumnShape, CubeShape, DataType, DimensionShape, DriverShape
from .rules.slices import ColumnRef

TYPES = [(data_type.value, data_type.value) for data_type in DataType]


class Dimension(models.Model):
    """A dimension, shared by the cubes that name it. `primary_column` is the logical name of its key column."""

    name = models.CharField(max_length=200, unique=True)
    logical_name = models.CharField(max_length=128)
    primary_column = models.CharField(max_length=128)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("logical_name"), name="dimension_logical_name")]

    def __str__(self) -> str:
        return self.name


class Column(models.Model):
    """A column of a dimension; the primary column is one of them."""

    dimension = models.ForeignKey(Dimension, on_delete=models.CASCADE, related_name="columns")
    name = models.CharField(max_length=200)
    logical_name = models.CharField(max_length=128)
    data_type = models.CharField(max_length=10, choices=TYPES, default=DataType.TEXT)
    precision = models.PositiveSmallIntegerField(default=0)
    linked_to = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint("dimension", "name", name="column_name"),
            models.UniqueConstraint("dimension", Lower("logical_name"), name="column_logical_name"),
            models.CheckConstraint(condition=models.Q(data_type__in=list(DataType)), name="column_data_type"),
        ]

    def __str__(self) -> str:
        return f"{self.dimension.name}.{self.name}"


class Cube(models.Model):
    """A planning cube. A draft may be replaced by another import, a published cube is protected."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"

    class Kind(models.TextChoices):
        PREVIEW = "preview", "Cubes (preview)"
        CLASSIC = "classic", "Classic"

    name = models.CharField(max_length=200, unique=True)
    slug = models.SlugField(max_length=200, unique=True)
    logical_name = models.CharField(max_length=128)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.PREVIEW)
    origin = models.CharField(max_length=200, blank=True, help_text="Where the definition came from.")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("logical_name"), name="cube_logical_name"),
            models.CheckConstraint(condition=models.Q(status__in=["draft", "published"]), name="cube_status"),
            models.CheckConstraint(condition=models.Q(kind__in=["preview", "classic"]), name="cube_kind"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_published(self) -> bool:
        return self.status == self.Status.PUBLISHED

    @property
    def is_classic(self) -> bool:
        return self.kind == self.Kind.CLASSIC

    def shape(self) -> CubeShape:
        """Dimensions, columns and drivers as plain facts, in the order of the definition."""
        columns = "dimension__columns__linked_to__dimension"
        uses = self.cube_dimensions.select_related("dimension").prefetch_related(columns)
        dimensions = tuple(dimension_shape(use.dimension, use.source_column) for use in uses)
        return CubeShape(
            name=self.name,
            dimensions=dimensions,
            drivers=tuple(
                DriverShape(
                    driver.name,
                    driver.logical_name,
                    driver.precision,
                    driver.source_column,
                    driver.lowest,
                    driver.highest,
                )
                for driver in self.drivers.all()
            ),
            calculated=tuple(
                CalculatedShape(driver.name, driver.logical_name, driver.precision, driver.formula)
                for driver in self.calculated_drivers.all()
            ),
            links=link_dimensions(dimensions, lambda name: dimension_shape(Dimension.objects.get(name=name))),
        )

    def definition(self) -> Definition:
        """The definition as a file can hold it."""
        shape = self.shape()
        return Definition(
            name=self.name,
            logical_name=self.logical_name,
            drivers=shape.drivers,
            dimensions=tuple(replace(dimension, source_column="") for dimension in shape.every_dimension),
            related=tuple((dimension.logical_name, dimension.source_column) for dimension in shape.dimensions),
            calculated=shape.calculated,
            kind=self.kind,
        )


def dimension_shape(dimension: Dimension, source_column: str = "") -> DimensionShape:
    """A dimension with its columns as plain facts."""
    return DimensionShape(
        name=dimension.name,
        logical_name=dimension.logical_name,
        primary=dimension.primary_column,
        columns=tuple(column_shape(column) for column in dimension.columns.all()),
        source_column=source_column,
    )


def column_shape(column: Column) -> ColumnShape:
    """A column as plain facts."""
    source = column.linked_to
    linked_to = ColumnRef(source.dimension.name, source.name) if source else None
    return ColumnShape(column.name, column.logical_name, DataType(column.data_type), column.precision, linked_to)


class CubeDimension(models.Model):
    """A dimension of a cube. `source_column` is the header in the fact file, empty = found by name."""

    cube = models.ForeignKey(Cube, on_delete=models.CASCADE, related_name="cube_dimensions")
    dimension = models.ForeignKey(Dimension, on_delete=models.PROTECT, related_name="cube_dimensions")
    source_column = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint("cube", "dimension", name="cube_dimension")]

    def __str__(self) -> str:
        return f"{self.dimension.name} of {self.cube.name}"


class Driver(models.Model):
    """A numeric column of a cube with at most `precision` decimals, from `lowest` to `highest` where these are set."""

    cube = models.ForeignKey(Cube, on_delete=models.CASCADE, related_name="drivers")
    name = models.CharField(max_length=200)
    logical_name = models.CharField(max_length=128)
    precision = models.PositiveSmallIntegerField(default=2)
    lowest = ExactDecimalField(null=True)
    highest = ExactDecimalField(null=True)
    source_column = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint("cube", "name", name="driver_name"),
            models.UniqueConstraint("cube", Lower("logical_name"), name="driver_logical_name"),
        ]

    def __str__(self) -> str:
        return self.name


class CalculatedDriver(models.Model):
    """A driver that a formula over the drivers of the same fact gives, rounded once to `precision` decimals."""

    cube = models.ForeignKey(Cube, on_delete=models.CASCADE, related_name="calculated_drivers")
    name = models.CharField(max_length=200)
    logical_name = models.CharField(max_length=128)
    precision = models.PositiveSmallIntegerField(default=2)
    formula = models.CharField(max_length=1000)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint("cube", "name", name="calculated_driver_name"),
            models.UniqueConstraint("cube", Lower("logical_name"), name="calculated_driver_logical_name"),
        ]

    def __str__(self) -> str:
        return self.name


class WorkbookImport(models.Model):
    """Workbooks on the way to becoming a cube: files in a private folder, and the answers given so far.

    Belongs to one person and ends with the cube, by *Discard*, or a day after its last step.
    """

    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    touched_at = models.DateTimeField(auto_now=True)
    plan = models.JSONField(default=dict)

    class Meta:
        ordering = ["-touched_at"]

    def __str__(self) -> str:
        return f"Workbooks of {self.owner}"

    @property
    def path(self) -> Path:
        """The folder of the uploaded files."""
        return Path(settings.DATA_DIR) / "uploads" / str(self.key)


class Snapshot(models.Model):
    """One immutable version of a cube's data: a folder of Parquet files and their hash."""

    cube = models.ForeignKey(Cube, on_delete=models.CASCADE, related_name="snapshots")
    number = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    rows = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    folder = models.CharField(max_length=400, help_text="Below the data folder.")

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint("cube", "number", name="snapshot_number")]

    def __str__(self) -> str:
        return f"{self.cube.name} #{self.number}"

    @property
    def path(self) -> Path:
        """The folder of the Parquet files."""
        return Path(settings.DATA_DIR) / self.folder

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A snapshot never changes. Load the data again for a new one.")
        super().save(*args, **kwargs)


class SnapshotTotal(models.Model):
    """The exact sum of one driver over a snapshot."""

    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="totals")
    driver = models.ForeignKey(Driver, on_delete=models.CASCADE, related_name="+")
    amount = ExactDecimalField()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint("snapshot", "driver", name="snapshot_total")]

    def __str__(self) -> str:
        return f"{self.driver.name}: {self.amount}"


class Load(models.Model):
    """The report of one load: records of the fact file and what was said. No snapshot = nothing was loaded.

    `base` is the snapshot that stood before. `folder` keeps what was refused, value by value and record by record, and
    the accepted part, so that a corrected file can complete the load; empty when nothing was refused.
    """

    cube = models.ForeignKey(Cube, on_delete=models.CASCADE, related_name="loads")
    snapshot = models.OneToOneField(Snapshot, null=True, on_delete=models.CASCADE, related_name="load")
    base = models.ForeignKey(Snapshot, null=True, on_delete=models.CASCADE, related_name="+")
    corrects = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="corrections")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    mode = models.CharField(max_length=10, choices=[(mode.value, mode.value) for mode in Mode], default=Mode.REPLACE)
    file = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64, blank=True, help_text="Of the files of a correction.")
    processed = models.PositiveBigIntegerField()
    loaded = models.PositiveBigIntegerField()
    failed = models.PositiveBigIntegerField()
    notes = models.TextField(blank=True)
    folder = models.CharField(max_length=400, blank=True, help_text="Below the data folder.")

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=models.Q(mode__in=list(Mode)), name="load_mode")]

    def __str__(self) -> str:
        return f"{self.file}: {self.loaded} of {self.processed}"

    @property
    def path(self) -> Path:
        """The folder of what was refused."""
        return Path(settings.DATA_DIR) / self.folder


class LoadTable(models.Model):
    """What became of one table of a load: the facts, with an empty `key`, or a dimension by its logical name."""

    load = models.ForeignKey(Load, on_delete=models.CASCADE, related_name="tables")
    key = models.CharField(max_length=128, blank=True)
    name = models.CharField(max_length=200)
    file = models.CharField(max_length=255, blank=True)
    sheet = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=20, choices=[(state.value, state.value) for state in TableState])
    processed = models.PositiveBigIntegerField(default=0)
    loaded = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    numbers = models.CharField(max_length=20, blank=True)
    dates = models.CharField(max_length=20, blank=True)
    note = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint("load", "key", name="load_table")]

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"


class DimensionGroup(models.Model):
    """People, and what they may see of dimensions."""

    name = models.CharField(max_length=100, unique=True)
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="dimension_groups")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class DimensionRule(models.Model):
    """What a group may see of one dimension. `stamp` changes with every change of the values granted."""

    group = models.ForeignKey(DimensionGroup, on_delete=models.CASCADE, related_name="rules")
    dimension = models.ForeignKey(Dimension, on_delete=models.PROTECT, related_name="rules")
    access = models.CharField(
        max_length=10, choices=[(access.value, access.label) for access in Access], default=Access.ROW_LEVEL
    )
    stamp = models.UUIDField(default=uuid4)

    class Meta:
        ordering = ["dimension__name"]
        constraints = [
            models.UniqueConstraint("group", "dimension", name="one_rule_per_group"),
            models.CheckConstraint(condition=models.Q(access__in=list(Access)), name="rule_access"),
        ]

    def __str__(self) -> str:
        return f"{self.dimension.name} for {self.group.name}"


class MemberGrant(models.Model):
    """One value of a row-level rule that the group reads, or edits as well."""

    rule = models.ForeignKey(DimensionRule, on_delete=models.CASCADE, related_name="grants")
    key = models.TextField()
    edit = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint("rule", "key", name="one_grant_per_value")]

    def __str__(self) -> str:
        return self.key
