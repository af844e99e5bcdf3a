"""Sign-in rules that allauth asks for."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from bpp_portal.audit.operations import record
from bpp_portal.audit.origin import of
from bpp_portal.audit.people import named


class NoSignUpAdapter(DefaultAccountAdapter):
    """People get their account from an administrator; nobody signs up alone."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            record(actor=None, verb="sign-in locked", subject=named(credentials), origin=of(request))
            raise
