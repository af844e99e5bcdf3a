"""Notices as an app of their own: any app may tell, none is known here."""

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "bpp_portal.notices"
