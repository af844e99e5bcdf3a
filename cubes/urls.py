"""Addresses of cubes."""

from django.urls import path

from .views import exploring, listing, loading, parts, reports, security

app_name = "cubes"
urlpatterns = [
    path("", listing.cube_list, name="list"),
    path("import/", loading.import_definition, name="import"),
    path("<slug:slug>/", exploring.cube, name="cube"),
    path("<slug:slug>/definition/", parts.definition, name="definition"),
    path("<slug:slug>/snapshots/", parts.snapshots, name="snapshots"),
    path("<slug:slug>/loads/", reports.loads, name="loads"),
    path("<slug:slug>/loads/<int:pk>/", reports.load_report, name="load-report"),
    path("<slug:slug>/loads/<int:pk>/errors.csv", reports.errors_file, {"kind": "csv"}, name="load-errors-csv"),
    path("<slug:slug>/loads/<int:pk>/errors.xlsx", reports.errors_file, {"kind": "xlsx"}, name="load-errors-xlsx"),
    path("<slug:slug>/loads/<int:pk>/records/", reports.records_file, name="load-records"),
    path("<slug:slug>/loads/<int:pk>/correct/", reports.correct, name="load-correct"),
    path("<slug:slug>/security/", security.of_cube, name="security"),
    path("<slug:slug>/load/", loading.load, name="load"),
    path("<slug:slug>/publish/", loading.publish, name="publish"),
]
