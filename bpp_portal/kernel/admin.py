"""Model pages of the administration, opened by portal rights instead of per-model permissions."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from bpp_portal.audit.operations import record

from .roles import Right, has_right


class RightsAdmin(admin.ModelAdmin):
    """A model page: `view_right` to read, `change_right` to write; without it the page is read-only."""

    view_right: Right = Right.USE_ADMIN
    change_right: Right | None = None

    def _may_change(self, request: HttpRequest) -> bool:
        return self.change_right is not None and has_right(request.user, self.change_right)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return has_right(request.user, self.view_right)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_right(request.user, self.view_right)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_change(request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_change(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may_change(request)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """Remembers what the form changed, for the trail; secrets are named, never kept."""
        shown = [name for name in form.changed_data if name in form.fields and not _is_secret(name)]
        request._audited = tuple(  # type: ignore[attr-defined]
            "\n".join(f"{name}: {_word(side.get(name))}" for name in shown)
            for side in ({} if add else form.initial, form.cleaned_data)
        )
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, "add", obj)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        self._record(request, "change", obj)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        for obj in queryset:
            self._record(request, "delete", obj)
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, verb: str, obj: Any) -> None:
        before, after = getattr(request, "_audited", ("", ""))
        subject = f"{self.opts.verbose_name} {obj}"
        record(actor=request.user, verb=f"{verb} in administration", subject=subject, before=before, after=after)


def _is_secret(name: str) -> bool:
    return any(word in name.lower() for word in ("password", "secret", "token"))


def _word(value: Any) -> str:
    """A form's value in the trail: several objects by their names."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple, set)) or hasattr(value, "iterator"):
        return ", ".join(sorted(str(item) for item in value))
    return str(value)
