"""Addresses of connections, flows and environments, and of readiness, which has its own place."""

from django.urls import path

from .views import connecting, environments, flows, readiness

app_name = "connections"
urlpatterns = [
    path("connections/", connecting.connection_list, name="list"),
    path("connections/sign-in/", connecting.sign_in, name="sign-in"),
    path("connections/signed-in/", connecting.signed_in, name="signed-in"),
    path("connections/<int:pk>/remove/", connecting.remove, name="remove"),
    path("flows/<int:pk>/install/", flows.install, name="install"),
    path("flows/<int:pk>/update/", flows.update, name="update"),
    path("flows/<int:pk>/take-ownership/", flows.take_ownership, name="take-ownership"),
    path("flows/<int:pk>/in-line/", flows.bring_in_line, name="bring-in-line"),
    path("flows/<int:pk>/turn-on/", flows.turn_on_all, name="turn-on-all"),
    path("flows/<int:pk>/<str:name>/turn-on/", flows.turn_on, name="turn-on"),
    path("flows/<int:pk>/<str:name>/turn-off/", flows.turn_off, name="turn-off"),
    path("environments/", environments.environment_list, name="environments"),
    path("environments/new/", environments.edit, name="environment-new"),
    path("environments/<int:pk>/", environments.environment_page, name="environment"),
    path("environments/<int:pk>/edit/", environments.edit, name="environment-edit"),
    path("environments/<int:pk>/variable/", environments.set_variable, name="set-variable"),
    path("environments/<int:pk>/entities/<str:entity>/", environments.make_visible, name="make-visible"),
]
readiness_urls = (
    [
        path("", readiness.page, name="page"),
        path("live/", readiness.live, name="live"),
        path("check/", readiness.check, name="check"),
        path("fix/", readiness.fix, name="fix"),
    ],
    "readiness",
)
