from django.urls import path

from connections.views import readiness

app_name = "readiness"
urlpatterns = [
    path("", readiness.page, name="page"),
    path("check/", readiness.check, name="check"),
    path("fix/", readiness.fix, name="fix"),
]
