"""Addresses of notices."""

from django.urls import path

from . import views

app_name = "notices"
urlpatterns = [
    path("", views.notice_list, name="list"),
    path("read/", views.read_all, name="read-all"),
    path("<int:pk>/read/", views.read, name="read"),
]
