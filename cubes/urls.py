"""Addresses of cubes."""

from django.urls import path

from . import views

app_name = "cubes"
urlpatterns = [path("", views.cube_list, name="list")]
