"""Where an act comes from: the door, the address and the person of the request that is being answered."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.db.models import TextChoices
from django.http import HttpRequest, HttpResponse


class Door(TextChoices):
    PAGE = "page", "Page"
    ADMINISTRATION = "admin", "Administration"
    API = "api", "API"
    COMMAND = "command", "Command"
    WORKER = "worker", "Worker"


@dataclass(frozen=True)
class Origin:
    """`ip` is empty where no request is answered."""

    door: Door
    ip: str = ""
    person: Any = None


_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)
_door: ContextVar[Door] = ContextVar("door", default=Door.COMMAND)


def present() -> Origin:
    """The origin of what happens now. The person is read late: the API finds out who it is after the middleware."""
    request = _request.get()
    return Origin(_door.get()) if request is None else of(request)


def of(request: HttpRequest) -> Origin:
    """The origin of `request`; a proxy's header counts only where the deployment names proxies."""
    user = getattr(request, "user", None)
    known = user if user is not None and user.is_authenticated else None
    try:
        ip = get_adapter().get_client_ip(request)
    except PermissionDenied:
        ip = ""
    return Origin(_door_of(request.path), ip, known)


def _door_of(path: str) -> Door:
    if path.startswith("/admin/"):
        return Door.ADMINISTRATION
    return Door.API if path.startswith("/api/") else Door.PAGE


def enter(door: Door) -> None:
    """From now on, what this process does without a request comes through `door`."""
    _door.set(door)


@contextmanager
def answering(request: HttpRequest) -> Iterator[None]:
    """What happens inside belongs to `request`."""
    token = _request.set(request)
    try:
        yield
    finally:
        _request.reset(token)


class OriginMiddleware:
    """Lets the trail know which request is being answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with answering(request):
            return self.get_response(request)
