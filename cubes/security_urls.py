"""Addresses of dimension groups."""

from django.urls import path

from .views import security

app_name = "dimension-groups"
urlpatterns = [
    path("", security.groups, name="list"),
    path("<int:pk>/", security.group, name="group"),
    path("<int:pk>/change/", security.change_group, name="change"),
    path("<int:pk>/values/<int:rule>/", security.values, name="values"),
]
