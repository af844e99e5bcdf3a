"""Addresses of the portal."""

from django.contrib import admin
from django.urls import include, path

from bpp_portal import flow_page, people_admin, views
from connections.urls import readiness_urls

people_admin.register(admin.site)

handler400 = "bpp_portal.errors.bad_request"
handler403 = "bpp_portal.errors.forbidden"
handler404 = "bpp_portal.errors.not_found"
handler500 = "bpp_portal.errors.failed"

urlpatterns = [
    path("", views.home, name="home"),
    path("preferences/", views.preferences, name="preferences"),
    path("accounts/signup/", views.ask_an_administrator),
    path("accounts/email/", views.ask_an_administrator),
    path("accounts/password/reset/", views.ask_an_administrator),
    # Who comes from Entra ID only must not get a way in that stays open when it is closed there.
    path("accounts/password/set/", views.ask_an_administrator),
    # Those pages of allauth would write a row for whoever follows a made-up link.
    path("accounts/password/reset/<path:rest>", views.ask_an_administrator),
    path("accounts/confirm-email/<path:rest>", views.ask_an_administrator),
    path("accounts/again/", views.signed_in_again, name="signed_in_again"),
    # Not allauth.urls as a whole: its pages of other providers stay closed.
    path("accounts/", include("bpp_portal.entra.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("admin/", admin.site.urls),
    path("cubes/", include("exports.pane_urls")),
    path("cubes/", include("exports.dataverse_urls")),
    path("cubes/", include("cubes.urls")),
    path("dimension-groups/", include("cubes.security_urls")),
    path("exports/", include("exports.urls")),
    path("audit/", include("bpp_portal.audit.urls")),
    path("notices/", include("bpp_portal.notices.urls")),
    path("flows/", flow_page.flows, name="flows"),
    path("readiness/", include(readiness_urls)),
    path("", include("connections.urls")),
    path("api/v1/", include("bpp_portal.api")),
]
