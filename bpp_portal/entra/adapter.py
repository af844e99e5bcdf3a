"""Rules of sign-ins with Entra ID that allauth asks for."""

from typing import Any

import structlog
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base.constants import AuthError, AuthProcess
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from .operations import SignInRefused, admit, refuse
from .provider import ID, NotForUs, is_configured
from .rules import Refusal
from .transport import EntraSession

log = structlog.get_logger(__name__)


def refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The page of a sign-in that ended."""
    return render(request, "entra/refused.html", {"refusal": refusal}, status=403)


class EntraSignIn(DefaultSocialAccountAdapter):
    """Nobody signs up through allauth: `admit` makes the accounts."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def list_apps(self, request: Any, provider: Any = None, client_id: Any = None) -> list[SocialApp]:
        """The one application that the deployment set; rows of the database count for nothing."""
        if (
            not is_configured()
            or provider not in (None, ID)
            or client_id not in (None, settings.ENTRA_SIGN_IN_CLIENT_ID)
        ):
            return []
        return [
            SocialApp(
                provider=ID,
                name="Microsoft",
                client_id=settings.ENTRA_SIGN_IN_CLIENT_ID,
                secret=settings.ENTRA_SIGN_IN_SECRET,
            )
        ]

    def get_requests_session(self) -> EntraSession:
        return EntraSession()

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Before anybody is signed in; linking from a signed-in session changes no roles."""
        if sociallogin.state.get("process") == AuthProcess.CONNECT:
            return
        try:
            link = admit(person=sociallogin.person)
        except SignInRefused as error:
            raise ImmediateHttpResponse(refused(request, error.refusal)) from error
        sociallogin.account, sociallogin.user = link, link.user

    def on_authentication_error(
        self, request: Any, provider: Any, error: Any = None, exception: Any = None, extra_context: Any = None
    ) -> None:
        raise ImmediateHttpResponse(refused(request, _refusal(request, error, exception, extra_context or {})))

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return reverse("entra_account")


def _refusal(request: HttpRequest, error: Any, exception: Any, context: dict[str, Any]) -> Refusal:
    """What allauth met, as one of our words; the log has the details."""
    if error == AuthError.CANCELLED:
        return Refusal.CANCELLED
    if isinstance(exception, NotForUs):
        log.warning("sign-in with Entra ID refused", reason=str(exception))
        refuse(Refusal.NOT_FOR_US, "an unknown name")
        return Refusal.NOT_FOR_US
    if exception is not None:
        log.warning("sign-in with Entra ID failed", reason=str(exception))
        return Refusal.UNREACHABLE if exception.__cause__ else Refusal.DECLINED
    return Refusal.DECLINED if context.get("state") else Refusal.STALE
