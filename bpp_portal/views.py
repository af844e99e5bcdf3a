"""The start page and the reader's preferences."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import Resolver404, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from bpp_portal import home_lists
from bpp_portal.context import THEMES
from bpp_portal.errors import administrators
from bpp_portal.first_steps import first_steps
from bpp_portal.kernel.roles import roles_of
from connections.chosen import COOKIE as ENVIRONMENT
from connections.queries import environments

A_YEAR = 365 * 24 * 3600
# Cookie and allowed words of each preference.
OF_ONE_EXPORT = ("exports:run", "exports:reuse", "exports:draft")
PREFERENCES = {"theme": ("bpp_theme", tuple(dict(THEMES))), "keys": ("bpp_keys", ("on", "off"))}


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """What needs the reader; for a person without a role, whom to ask for one."""
    if not roles_of(request.user):
        return render(request, "no_role.html", {"administrators": administrators()})
    context = {"lists": home_lists.lists_for(user=request.user), "steps": first_steps(user=request.user)}
    return render(request, "home.html", context)


@require_safe
@login_required
def signed_in_again(request: HttpRequest) -> HttpResponse:
    """Where a sign-in ends that was opened beside a page whose sign-in had run out."""
    return render(request, "signed_in_again.html")


@require_POST
def preferences(request: HttpRequest) -> HttpResponse:
    """Keep the reader's theme, keys or environment in a cookie and return to the page."""
    target = request.POST.get("next", "/")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    chosen = request.POST.get("environment", "")
    if chosen not in _environments_for(request):
        chosen = ""
    response = HttpResponseRedirect(same_page_in(target, chosen) if chosen else target)
    if chosen:
        response.set_cookie(ENVIRONMENT, chosen, max_age=A_YEAR, samesite="Lax", httponly=True)
    for name, (cookie, words) in PREFERENCES.items():
        if request.POST.get(name) in words:
            response.set_cookie(cookie, request.POST[name], max_age=A_YEAR, samesite="Lax")
    return response


def _environments_for(request: HttpRequest) -> set[str]:
    return {str(one.pk) for one in environments()} if roles_of(request.user) else set()


def same_page_in(target: str, environment: str) -> str:
    """Where the page `target` of this portal leads for another environment; the page of one export, to the list."""
    parts = urlsplit(target)
    try:
        page = resolve(parts.path)
    except Resolver404:
        return target
    if page.view_name == "connections:environment":
        return reverse(page.view_name, args=[environment])
    if page.view_name in OF_ONE_EXPORT:
        return reverse("exports:list")
    query = [(name, environment if name == "environment" else value) for name, value in parse_qsl(parts.query)]
    return f"{parts.path}?{urlencode(query)}" if query else parts.path


@require_safe
def ask_an_administrator(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Instead of the pages that would need a mail server: accounts and passwords come from an administrator."""
    return render(request, "account/ask_an_administrator.html")
