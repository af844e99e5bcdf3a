"""What every page's frame needs."""

from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.http import HttpRequest

from bpp_portal.demo.people import PEOPLE, password_of
from bpp_portal.entra.provider import is_configured
from bpp_portal.kernel.roles import Right, rights_of, roles_of
from bpp_portal.notices.queries import unread_count
from connections.chosen import chosen_environment
from connections.queries import environments

THEMES = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"))
# Which entry of the navigation is marked, by the first part of the address.
AREAS = {
    "cubes": "cubes",
    "exports": "exports",
    "readiness": "readiness",
    "connections": "connections",
    "flows": "flows",
    "environments": "environments",
    "audit": "audit",
}


def frame(request: HttpRequest) -> dict[str, Any]:
    """The reader and their rights (`can.export`, `can.read_cubes` …), the environment, and how the page should look."""
    user = getattr(request, "user", None)
    reader = user if user is not None and user.is_authenticated else None
    held = rights_of(reader) if reader else frozenset()
    return {
        "reader": reader,
        "reader_roles": roles_of(reader) if reader else (),
        "can": {right.name.lower(): right in held for right in Right},
        "unread_notices": unread_count(user=reader) if reader else 0,
        "portal_env": settings.PORTAL_ENV,
        # A page about one environment puts that one in its place, so that the frame never says another.
        "environment": chosen_environment(request) if held else None,
        "all_environments": environments() if held else (),
        "area": AREAS.get(request.path.strip("/").split("/")[0], ""),
        "correlation_id": getattr(request, "correlation_id", ""),
        "themes": THEMES,
        "demo_signins": demo_signins,
        "entra_sign_in": is_configured(),
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
        **looks(request),
    }


def looks(request: HttpRequest) -> dict[str, str]:
    """The reader's choices, kept in cookies and read as one of the known words only."""
    theme = request.COOKIES.get("bpp_theme")
    return {
        "theme": theme if theme in dict(THEMES) and theme else "system",
        "single_keys": "off" if request.COOKIES.get("bpp_keys") == "off" else "on",
        "navigation": "narrow" if request.COOKIES.get("bpp_nav") == "narrow" else "wide",
    }


def demo_signins() -> list[dict[str, str]]:
    """The demo's people for its sign-in page, as far as they are there; nobody wherever the portal is not a demo."""
    if settings.PORTAL_ENV != "demo":
        return []
    known = set(get_user_model().objects.values_list("username", flat=True))
    return [
        {"username": one.username, "password": password_of(one.username), "role": one.role or "no role"}
        for one in PEOPLE
        if one.username in known
    ]
