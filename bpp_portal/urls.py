"""Addresses of the portal."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("cubes/", include("cubes.urls")),
    path("exports/", include("exports.urls")),
    path("connections/", include("connections.urls")),
    path("api/v1/", include("bpp_portal.api")),
]
