"""Signing in to the API with name and password: the same lock-out as the sign-in page."""

from copy import copy
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.utils import is_mfa_enabled
from django.core.exceptions import ValidationError
from drf_spectacular.authentication import BasicScheme
from rest_framework import exceptions
from rest_framework.authentication import BasicAuthentication
from rest_framework.request import Request


class BasicSignIn(BasicAuthentication):
    """Name and password in each request. Who has a second factor can't come in with the first one alone."""

    www_authenticate_realm = "BPP Portal"

    def authenticate_credentials(self, userid: str, password: str, request: Request | None = None) -> tuple[Any, None]:
        assert request is not None  # noqa: S101 - the base class always gives it
        attempt = copy(request._request)
        attempt.method = "POST"  # allauth counts no failures of a GET, which has no password elsewhere
        try:
            user = get_adapter().authenticate(attempt, username=userid, password=password)
        except ValidationError as error:
            raise exceptions.AuthenticationFailed(error.messages[0]) from error
        if user is None or not user.is_active:
            raise exceptions.AuthenticationFailed("The username or the password is not correct.")
        if is_mfa_enabled(user):
            raise exceptions.AuthenticationFailed("This account has a second factor. Sign in with the browser.")
        return user, None


class BasicSignInScheme(BasicScheme):  # type: ignore[no-untyped-call]
    """How the API's description names it; drf-spectacular finds this class by its base."""

    target_class = "bpp_portal.api_sign_in.BasicSignIn"
