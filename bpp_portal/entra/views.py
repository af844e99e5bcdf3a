"""The way to Entra ID and back, and the page that links an account."""

from allauth.account.decorators import reauthentication_required
from allauth.decorators import rate_limit
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from .adapter import EntraSignIn, refused
from .operations import unlink
from .provider import ID, EntraClient, is_configured
from .rules import Refusal

_callback = OAuth2CallbackView.adapter_view(EntraClient)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def sign_in(request: HttpRequest) -> HttpResponse:
    """A sign-in begins with the button; who only followed the address finds it on the sign-in page."""
    if request.method != "POST":
        return redirect("account_login")
    answer: HttpResponse = _begin(request)
    return answer


@rate_limit(action="login")  # type: ignore[untyped-decorator]  # as often as with a password: it calls Entra ID
def _begin(request: HttpRequest) -> HttpResponse:
    """Begin a sign-in. What the page does not send is not asked: scopes, prompt and process are the portal's."""
    target = request.POST.get("next", "")
    is_local = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return _leave(request, AuthProcess.LOGIN, target if is_local else "")


@require_safe
@never_cache
def signed_in(request: HttpRequest) -> HttpResponse:
    """Where Entra ID sends the browser back to. A sign-in is good once, in the session that began it."""
    _check_configured()
    answer: HttpResponse = _callback(request)
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]
def account(request: HttpRequest) -> HttpResponse:
    """One's own link to an account of Entra ID: seen, made, taken away. To change it, one's password is asked again."""
    _check_configured()
    link = SocialAccount.objects.filter(provider=ID, user=request.user).first()
    if request.method == "POST" and link is None:
        return _leave(request, AuthProcess.CONNECT, "")
    can_unlink = request.user.has_usable_password()  # type: ignore[union-attr]
    if request.method == "POST" and can_unlink:
        unlink(actor=request.user)
        messages.success(request, "Your Microsoft account is no longer linked.")
        return redirect("entra_account")
    return render(request, "entra/account.html", {"link": link, "can_unlink": can_unlink})


def _leave(request: HttpRequest, process: str, target: str) -> HttpResponse:
    """To Entra's page by a header, not by the form's answer: the policy lets forms lead to the portal only."""
    _check_configured()
    provider = EntraSignIn(request).get_provider(request, ID)
    try:
        away: HttpResponse = provider.redirect(request, process, next_url=target or None)
    except OAuth2Error:
        return refused(request, Refusal.UNREACHABLE)
    if not isinstance(away, HttpResponseRedirect):
        return away
    answer = render(request, "entra/leaving.html", {"address": away.url})
    answer["Refresh"] = f"0;url={away.url}"
    return answer


def _check_configured() -> None:
    if not is_configured():
        raise Http404
