"""Addresses of cubes."""

from django.urls import path

from .views import exploring, listing, loading, parts, security

app_name = "cubes"
urlpatterns = [
    path("", listing.cube_list, name="list"),
    path("import/", loading.import_definition, name="import"),
    path("<slug:slug>/", exploring.cube, name="cube"),
    path("<slug:slug>/definition/", parts.definition, name="definition"),
    path("<slug:slug>/snapshots/", parts.snapshots, name="snapshots"),
    path("<slug:slug>/loads/", parts.loads, name="loads"),
    path("<slug:slug>/loads/<int:pk>/", parts.load_report, name="load-report"),
    path("<slug:slug>/security/", security.of_cube, name="security"),
    path("<slug:slug>/load/", loading.load, name="load"),
    path("<slug:slug>/publish/", loading.publish, name="publish"),
]
