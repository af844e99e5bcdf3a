"""Version 1 of the API."""

from django.urls import path
from drf_spectacular.views import SpectacularJSONAPIView
from rest_framework.routers import SimpleRouter

from cubes.api import CubeViewSet
from exports.api import ExportDetail, ExportList, ExportStatus

router = SimpleRouter()
router.register("cubes", CubeViewSet, basename="cube")

urlpatterns = [
    *router.urls,
    path("exports/", ExportList.as_view(), name="api-exports"),
    path("exports/<str:key>/", ExportDetail.as_view(), name="api-export"),
    path("exports/<str:key>/status/", ExportStatus.as_view(), name="api-export-status"),
    path("schema/", SpectacularJSONAPIView.as_view(), name="schema"),
]
