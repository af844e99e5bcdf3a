"""A form that was posted after its sign-in had run out, until the same person has signed in again.

It waits in the browser's own session, under the form's token. A form whose reader is somebody else is not given out.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, QueryDict

from exports.forms import PaneForm, read_form

KEPT = "kept_forms"
AGAIN = "kept"
MOST_FORMS, MOST_CHARACTERS = 3, 50_000
GIVEN_BACK = "You are signed in again. What you typed is here; nothing was sent."

View = Callable[..., HttpResponse]


def login_keeping_form(view: View) -> View:
    """`login_required` for a form that takes long to fill in: what was posted comes back after the sign-in."""
    checked = login_required(view)

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST" and not request.user.is_authenticated:
            return _keep(request)
        return checked(request, *args, **kwargs)

    return answer


def _keep(request: HttpRequest) -> HttpResponse:
    data = request.POST.copy()
    data.pop("csrfmiddlewaretoken", None)
    text, token = data.urlencode(), str(read_form(data).token)
    if len(text) > MOST_CHARACTERS:
        return redirect_to_login(request.path)
    others = {name: kept for name, kept in request.session.get(KEPT, {}).items() if name != token}
    newest = dict(list(others.items())[1 - MOST_FORMS :])
    request.session[KEPT] = newest | {token: {"path": request.path, "form": text}}
    start = {name: data[name] for name in ("reuse", "draft") if data.get(name)}
    return redirect_to_login(f"{request.path}?{urlencode({**start, AGAIN: token})}")


def kept_form(request: HttpRequest) -> PaneForm | None:
    """The form that the address asks to have back, if this reader posted it to this page."""
    kept = request.session.get(KEPT, {}).get(request.GET.get(AGAIN, ""))
    if kept is None or kept["path"] != request.path:
        return None
    data = QueryDict(kept["form"])
    if data.get("reader") != str(request.user.pk):
        del request.session[KEPT]
        return None
    messages.info(request, GIVEN_BACK)
    return read_form(data)
