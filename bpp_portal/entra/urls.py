"""Addresses of the sign-in with Entra ID; the second one is registered there."""

from django.urls import path

from . import views

urlpatterns = [
    path("entra/login/", views.sign_in, name="entra_login"),
    path("entra/login/callback/", views.signed_in, name="entra_callback"),
    path("entra/", views.account, name="entra_account"),
]
