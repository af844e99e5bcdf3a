"""Tells the requester that their run has ended."""

from django.urls import reverse

from bpp_portal.notices.operations import tell
from exports.models import Run
from exports.rules.states import CHIP_OF, State

TOLD = frozenset({State.SUCCEEDED, State.PARTIAL, State.FAILED, State.NEEDS_ATTENTION})


def tell_end(*, run: Run, state: State) -> None:
    """One notice for who asked for `run`, when it ended in a state to be told of; inside the caller's transaction."""
    if state not in TOLD:
        return
    run = Run.objects.select_related("export", "requested_by").get(pk=run.pk)
    kind, word = CHIP_OF[state]
    detail = ". ".join(part.rstrip(".") for part in (run.headline, run.cause) if part)
    if state is State.SUCCEEDED and run.line_count:
        detail = "1 line is in Finance." if run.line_count == 1 else f"{run.line_count:,} lines are in Finance."
    tell(
        users=[run.requested_by],
        topic=f"run {run.uuid}",
        kind=kind,
        word=word,
        text=f"Export {run.export.name} ({run.entry_number}) to {run.export.legal_entity}: {word.lower()}.",
        detail=detail,
        link=reverse("exports:run", args=[run.entry_number]),
    )
