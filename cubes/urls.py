"""Addresses of cubes."""

from django.urls import path

from .views import creating, defining, dimensions, exploring, listing, loading, parts, reports, security, workbooks

app_name = "cubes"
urlpatterns = [
    path("", listing.cube_list, name="list"),
    path("import/", loading.import_definition, name="import"),
    path("new/excel/", workbooks.upload, name="new-excel"),
    path("new/excel/<uuid:key>/sheets/", workbooks.sheets, name="excel-sheets"),
    path("new/excel/<uuid:key>/columns/", workbooks.columns, name="excel-columns"),
    path("new/excel/<uuid:key>/review/", workbooks.review, name="excel-review"),
    path("new/excel/<uuid:key>/discard/", workbooks.discard, name="excel-discard"),
    path("new/dimensions/", creating.from_dimensions, name="new-from-dimensions"),
    path("dimensions/", dimensions.dimension_list, name="dimensions"),
    path("dimensions/<int:pk>/delete/", dimensions.delete, name="dimension-delete"),
    path("<slug:slug>/", exploring.cube, name="cube"),
    path("<slug:slug>/definition/", defining.definition, name="definition"),
    path("<slug:slug>/definition.json", defining.definition_json, name="definition-json"),
    path("<slug:slug>/drivers/new/", defining.add_driver, name="driver-new"),
    path("<slug:slug>/review/", defining.review, name="review"),
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
