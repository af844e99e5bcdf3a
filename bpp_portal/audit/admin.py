"""The trail in the administration, read-only."""

from django.contrib import admin

from bpp_portal.kernel.admin import RightsAdmin

from .models import AuditEntry


@admin.register(AuditEntry)
class AuditEntryAdmin(RightsAdmin):
    list_display = ("at", "actor", "verb", "subject", "detail")
    list_filter = ("verb",)
    search_fields = ("subject", "detail")
    date_hierarchy = "at"
