"""Exports in the administration: configurations and runs are facts there, read-only."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from bpp_portal.kernel.admin import RightsAdmin
from bpp_portal.kernel.roles import Right, has_right

from .models import Attempt, Export, Filter, Mapping, Run, RunEvent, RunTotal
from .operations.leasing import LeaseLost
from .operations.requesting import NotYours, cancel, retry
from .queries.run_page import texts_are_free

# Cube data, and texts that may quote it; the run's page hides the same.
NUMBERS = (
    *("snapshot", "cube_rows", "unseen_rows", "line_count", "rounding_difference", "segments", "lines_sha256"),
    *("package_sha256", "package_bytes", "finance_lines"),
)
TEXTS = ("headline", "cause", "hint", "trouble")


def _sees_numbers(request: HttpRequest) -> bool:
    """Whether dimension security hides nothing from the reader."""
    return has_right(request.user, Right.MAINTAIN_SECURITY)


@contextmanager
def _told(request: HttpRequest, run: Run) -> Iterator[None]:
    """What the operation refuses becomes a message; the other chosen runs go on."""
    try:
        yield
    except NotYours as refusal:
        messages.error(request, f"{run}: {refusal}")
    except LeaseLost:
        messages.warning(request, f"{run}: this cannot be done in its present state.")


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
    """Runs: their states, attempts and events. Nothing is edited; a run is stopped or retried as on its page.

    Who may read states only sees no cube data here either.
    """

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

    actions = ("stop", "send_again")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return has_right(request.user, Right.EXPORT)

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        hidden = () if _sees_numbers(request) else NUMBERS
        return tuple(name for name in self.list_display if name not in hidden)

    def get_exclude(self, request: HttpRequest, obj: Run | None = None) -> tuple[str, ...]:
        if _sees_numbers(request):
            return ()
        return NUMBERS if obj is not None and texts_are_free(obj) else (*NUMBERS, *TEXTS)

    def get_inlines(self, request: HttpRequest, obj: Run | None = None) -> Any:
        return self.inlines if _sees_numbers(request) else ()

    @admin.action(description="Cancel, or ask to stop after the start", permissions=["export"])
    def stop(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        for run in queryset:
            with _told(request, run):
                done = cancel(actor=request.user, run=run)
                text = "cancelled, nothing was sent" if done else "asked to stop, Finance decides"
                messages.success(request, f"{run}: {text}.")

    @admin.action(description="Retry what failed", permissions=["export"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        for run in queryset:
            with _told(request, run):
                retry(actor=request.user, run=run)
                messages.success(request, f"{run}: sent again.")

    @admin.display(description="Name", ordering="export__name")
    def name(self, run: Run) -> str:
        return run.export.name

    @admin.display(description="In the portal")
    def in_portal(self, run: Run) -> str:
        return format_html('<a href="{}">Open</a>', reverse("exports:run", args=[run.entry_number]))
