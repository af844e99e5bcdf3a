"""An export and its configuration: name, target, mapping, filters, line detail."""

from django.conf import settings
from django.db import models


class LineDetail(models.TextChoices):
    AGGREGATE = "aggregate", "Aggregate to budget model level"
    RECORD = "record", "One line per cube record"


class Export(models.Model):
    """One budget register entry export. Without a run it is a draft; with one it never changes again."""

    cube = models.ForeignKey("cubes.Cube", on_delete=models.PROTECT, related_name="exports")
    environment = models.ForeignKey("connections.Environment", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    legal_entity = models.CharField(max_length=20, blank=True)
    budget_model = models.CharField(max_length=60, blank=True)
    budget_code = models.CharField(max_length=60, blank=True)
    line_detail = models.CharField(max_length=10, choices=LineDetail, default=LineDetail.AGGREGATE)
    fingerprint = models.CharField(max_length=64, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    reused_from = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ["-id"]
        verbose_name = "export configuration"

    def __str__(self) -> str:
        return self.name


class Mapping(models.Model):
    """Where one target of Finance takes its value from: a cube column (or driver), or a constant."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="mappings")
    target = models.CharField(max_length=100)
    column = models.CharField(max_length=250, blank=True)
    constant = models.CharField(max_length=250, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["export", "target"], name="one_source_per_target"),
            models.CheckConstraint(condition=models.Q(column="") | models.Q(constant=""), name="column_or_constant"),
        ]

    def __str__(self) -> str:
        return f"{self.target} from {self.column or self.constant}"


class Filter(models.Model):
    """One condition; all conditions of an export hold together."""

    export = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="filters")
    column = models.CharField(max_length=250)
    operator = models.CharField(max_length=20)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.column} {self.operator}"


class FilterValue(models.Model):
    """One value of a condition, exactly as typed or chosen."""

    filter = models.ForeignKey(Filter, on_delete=models.CASCADE, related_name="values")
    value = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.value
