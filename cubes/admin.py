"""Cubes in the administration: read, and published; definitions and data come in by import and load."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from bpp_portal.kernel.admin import RightsAdmin
from bpp_portal.kernel.roles import Right

from . import operations
from .models import (
    CalculatedDriver,
    Column,
    Cube,
    CubeDimension,
    Dimension,
    Driver,
    Load,
    LoadTable,
    Snapshot,
    SnapshotTotal,
)


class ReadOnly(RightsAdmin):
    """Whoever maintains cubes may look; nothing is changed here by hand."""

    view_right = Right.MAINTAIN_CUBES


class WholeData(RightsAdmin):
    """Facts about all data of a cube: only for those from whom dimension security hides nothing."""

    view_right = Right.MAINTAIN_SECURITY


class ReadOnlyInline(admin.TabularInline):
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # the page around it has asked already

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ColumnInline(ReadOnlyInline):
    model = Column


class CubeDimensionInline(ReadOnlyInline):
    model = CubeDimension


class DriverInline(ReadOnlyInline):
    model = Driver


class CalculatedDriverInline(ReadOnlyInline):
    model = CalculatedDriver


class TotalInline(ReadOnlyInline):
    model = SnapshotTotal


class LoadTableInline(ReadOnlyInline):
    model = LoadTable


@admin.register(Cube)
class CubeAdmin(ReadOnly):
    list_display = ["name", "slug", "status", "kind", "origin"]
    list_filter = ["status", "kind"]
    search_fields = ["name", "slug"]
    inlines = [CubeDimensionInline, DriverInline, CalculatedDriverInline]
    actions = ["publish"]

    @admin.action(description="Publish the selected cubes")
    def publish(self, request: HttpRequest, cubes: QuerySet[Cube]) -> None:
        for cube in cubes:
            operations.publish(actor=request.user, cube=cube)
        self.message_user(request, f"{len(cubes)} cubes are published.", messages.SUCCESS)


@admin.register(Dimension)
class DimensionAdmin(ReadOnly):
    list_display = ["name", "logical_name", "primary_column"]
    search_fields = ["name"]
    inlines = [ColumnInline]


@admin.register(Snapshot)
class SnapshotAdmin(WholeData):
    list_display = ["cube", "number", "created_at", "created_by", "rows", "sha256"]
    list_filter = ["cube"]
    list_select_related = ["cube", "created_by"]
    inlines = [TotalInline]


@admin.register(Load)
class LoadAdmin(WholeData):
    list_display = ["file", "cube", "created_at", "created_by", "processed", "loaded", "failed"]
    list_filter = ["cube"]
    list_select_related = ["cube", "created_by"]
    inlines = [LoadTableInline]
