"""Which environment a reader works in: chosen in the frame, remembered in this browser, named on every page."""

from django.http import HttpRequest

from connections.models import Environment
from connections.queries import environments

COOKIE = "bpp_environment"


def chosen_environment(request: HttpRequest, *, asked: str = "") -> Environment | None:
    """The environment with the number `asked`, else the remembered one, else the first; None when none is set up.

    A page that speaks of one environment sends its number along with every form, so that choosing another one in a
    second window never redirects what was read in the first.
    """
    known = {str(one.pk): one for one in environments()}
    remembered = request.COOKIES.get(COOKIE, "")
    return known.get(asked) or known.get(remembered) or next(iter(known.values()), None)
