"""Django's own administration behind the portal's rights."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from bpp_portal.kernel.roles import Right, has_right, require


class PortalAdminSite(admin.AdminSite):
    site_header = "BPP Portal administration"
    site_title = "BPP Portal"
    index_title = "Administration"
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return has_right(request.user, Right.USE_ADMIN)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The portal's own sign-in page, with its lock-out and second factor. Who is signed in lacks the right."""
        if not request.user.is_authenticated:
            back = request.GET.get("next") or reverse("admin:index")
            return redirect(reverse("account_login", query={"next": back}))
        require(request.user, Right.USE_ADMIN)
        return redirect("admin:index")


class PortalAdminConfig(AdminConfig):
    default_site = "bpp_portal.admin.PortalAdminSite"
