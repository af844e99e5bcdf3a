"""Exports in the administration: configurations and runs are facts there, read-only."""

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from bpp_portal.kernel.admin import RightsAdmin
from bpp_portal.kernel.roles import Right, has_right

from .models import Attempt, Export, Filter, Mapping, Run, RunEvent, RunTotal


class ReadOnlyInline(admin.TabularInline):
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return True

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class MappingInline(ReadOnlyInline):
    model = Mapping


class FilterInline(ReadOnlyInline):
    model = Filter


class AttemptInline(ReadOnlyInline):
    model = Attempt


class EventInline(ReadOnlyInline):
    model = RunEvent


class TotalInline(ReadOnlyInline):
    model = RunTotal

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return has_right(request.user, Right.MAINTAIN_SECURITY)


# Facts about the data of a cube.
CUBE_DATA = (
    *("snapshot", "cube_rows", "unseen_rows", "line_count", "rounding_difference", "segments", "lines_sha256"),
    *("package_sha256", "package_bytes", "finance_lines", "headline", "cause", "hint", "trouble"),
)


@admin.register(Export)
class ExportAdmin(RightsAdmin):
    """Configurations: what was asked for. They are made and changed in the portal."""

    view_right = Right.READ_EXPORTS
    list_display = ("name", "cube", "legal_entity", "budget_model", "line_detail", "created_by", "created_at")
    list_filter = ("legal_entity", "budget_model", "line_detail")
    search_fields = ("name",)
    date_hierarchy = "created_at"
    inlines = (MappingInline, FilterInline)


@admin.register(Run)
class RunAdmin(RightsAdmin):
    """Runs: their states, attempts and events. Nothing here can be changed."""

    view_right = Right.READ_RUNS
    list_display = (
        "entry_number",
        "name",
        "state",
        "requested_by",
        "runs_as",
        "line_count",
        "created_at",
        "in_portal",
    )
    list_filter = ("state", "environment")
    search_fields = ("entry_number", "export__name", "uuid")
    date_hierarchy = "created_at"
    list_select_related = ("export", "requested_by")
    inlines = (AttemptInline, EventInline, TotalInline)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return tuple(name for name in self.list_display if name not in self._hidden(request))

    def get_exclude(self, request: HttpRequest, obj: Run | None = None) -> tuple[str, ...]:
        return self._hidden(request)

    def _hidden(self, request: HttpRequest) -> tuple[str, ...]:
        """Facts about the cube's data, for those from whom dimension security hides nothing."""
        return () if has_right(request.user, Right.MAINTAIN_SECURITY) else CUBE_DATA

    @admin.display(description="Name", ordering="export__name")
    def name(self, run: Run) -> str:
        return run.export.name

    @admin.display(description="In the portal")
    def in_portal(self, run: Run) -> str:
        return format_html('<a href="{}">Open</a>', reverse("exports:run", args=[run.entry_number]))
