"""What every page's frame needs."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from bpp_portal.kernel.roles import Right, rights_of


def frame(request: HttpRequest) -> dict[str, Any]:
    """The reader's rights (`can.export`, `can.read_cubes` …) and the kind of installation."""
    user = getattr(request, "user", None)
    held = rights_of(user) if user is not None else frozenset()
    return {
        "can": {right.name.lower(): right in held for right in Right},
        "portal_env": settings.PORTAL_ENV,
        "theme": request.COOKIES.get("bpp_theme", "system"),
    }
