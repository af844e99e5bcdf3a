"""The trail in the administration, read-only."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from bpp_portal.kernel.admin import RightsAdmin
from bpp_portal.kernel.roles import Right

from .models import AuditEntry
from .queries import veiled_for


@admin.register(AuditEntry)
class AuditEntryAdmin(RightsAdmin):
    view_right = Right.READ_AUDIT
    list_display = ("seq", "at", "actor", "door", "ip", "verb", "subject", "detail")
    list_filter = ("verb", "door")
    search_fields = ("subject", "detail", "actor_name")
    date_hierarchy = "at"
    list_select_related = ("actor",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        return super().get_queryset(request).exclude(verb__in=veiled_for(request.user))
