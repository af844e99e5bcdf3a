"""The page of a person's own notices."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from . import operations, queries

PER_PAGE = 50


@require_safe
@login_required
def notice_list(request: HttpRequest) -> HttpResponse:
    """What the reader was told, newest first: the unread ones, or all."""
    return _list(request, "notices/page.html")


@require_POST
@login_required
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything read that the reader was told."""
    operations.mark_read(user=request.user)
    return _after(request)


@require_POST
@login_required
def read(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark one read; somebody else's is not there."""
    get_object_or_404(queries.notices_of(user=request.user), pk=pk)
    operations.mark_read(user=request.user, pk=pk)
    return _after(request)


def _after(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return _list(request, "notices/list.html")
    return redirect("notices:list")


def _list(request: HttpRequest, template: str) -> HttpResponse:
    unread = queries.unread_count(user=request.user)
    only_unread = request.GET.get("show") == "unread"
    found = queries.notices_of(user=request.user, unread=only_unread)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "unread": unread, "only_unread": only_unread, "swapped": template.endswith("list.html")}
    return render(request, template, context)
