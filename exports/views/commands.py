"""Cancel, ask to stop, retry."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from bpp_portal.kernel.roles import Right, require
from exports.operations.leasing import LeaseLost
from exports.operations.requesting import cancel, retry

from .run import run_of

MOVED_ON = "The run moved on meanwhile. Look at its state and try again."


@require_POST
@login_required
def cancel_run(request: HttpRequest, number: str) -> HttpResponse:
    """Cancel before the start; after it, ask to stop."""
    require(request.user, Right.EXPORT)
    run = run_of(request, number)
    try:
        done = cancel(actor=request.user, run=run)
    except LeaseLost:
        messages.warning(request, MOVED_ON)
    else:
        text = "The run is cancelled. Nothing was sent." if done else "Asked to stop. Finance decides."
        messages.info(request, text)
    return redirect("exports:run", number)


@require_POST
@login_required
def retry_run(request: HttpRequest, number: str) -> HttpResponse:
    """Send a failed run again."""
    require(request.user, Right.EXPORT)
    run = run_of(request, number)
    try:
        retry(actor=request.user, run=run)
    except LeaseLost:
        messages.warning(request, MOVED_ON)
    return redirect("exports:run", number)
