"""What the pages of the set-up share: the object for the reader, and refusals as message bars."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from bpp_portal.kernel.roles import Right, require
from connections.errors import ConnectionMissing, Refused, RemoteError
from connections.models import Environment


def open_environment(request: HttpRequest, pk: int, right: Right = Right.MANAGE_CONNECTIONS) -> Environment:
    """The environment for a reader with `right`; 404 when there is none."""
    require(request.user, right)
    return get_object_or_404(Environment, pk=pk)


def told(error: RemoteError) -> str:
    """An error in one message: documented headline, cause, next step. A sign-in that is missing has no headline."""
    plain = isinstance(error, ConnectionMissing) and bool(error.cause)
    texts = ("" if plain else error.headline, error.cause, error.hint)
    return " ".join(text if text.endswith((".", "!", "?")) else f"{text}." for text in texts if text)


def warned(request: HttpRequest, left: str) -> None:
    """What was done here and is still to be done elsewhere, if anything, as a message bar."""
    if left:
        messages.warning(request, left)


@contextmanager
def refusals_told(request: HttpRequest) -> Iterator[None]:
    """What could not be done becomes a message bar of the next page; nothing else of that page suffers."""
    try:
        yield
    except Refused as refused:
        for problem in refused.problems:
            messages.error(request, " ".join(filter(None, (problem.message, problem.hint))))
    except RemoteError as error:
        messages.error(request, told(error))
