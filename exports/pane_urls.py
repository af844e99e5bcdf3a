"""Addresses of the export pane; they stand below a cube's own address."""

from django.urls import path

from .views import pane

app_name = "pane"
urlpatterns = [
    path("<slug:slug>/export/", pane.pane, name="open"),
    path("<slug:slug>/export/values/", pane.values, name="values"),
]
