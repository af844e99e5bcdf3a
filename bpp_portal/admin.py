"""Django's own administration behind the portal's rights."""

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest

from bpp_portal.kernel.roles import Right, has_right


class PortalAdminSite(admin.AdminSite):
    site_header = "BPP Portal administration"
    site_title = "BPP Portal"
    index_title = "Administration"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return has_right(request.user, Right.USE_ADMIN)


class PortalAdminConfig(AdminConfig):
    default_site = "bpp_portal.admin.PortalAdminSite"
