"""Model pages of the administration, opened by portal rights instead of per-model permissions."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

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
