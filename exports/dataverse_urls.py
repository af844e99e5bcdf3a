"""Addresses of loads from Dataverse; they stand below a cube's own address."""

from django.urls import path

from .views import from_dataverse

app_name = "dataverse"
urlpatterns = [
    path("<slug:slug>/load/dataverse/", from_dataverse.load, name="load"),
    path("<slug:slug>/load/dataverse/<int:pk>/", from_dataverse.status, name="status"),
    path("<slug:slug>/load/dataverse/<int:pk>/live/", from_dataverse.live, name="live"),
    path("<slug:slug>/load/dataverse/<int:pk>/stop/", from_dataverse.stop, name="stop"),
    path("<slug:slug>/load/dataverse/<int:pk>/go-on/", from_dataverse.go_on, name="go-on"),
]
