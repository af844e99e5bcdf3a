"""What waits for a person: three short lists of the start page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bpp_portal.kernel.roles import Right, has_right
from exports.models import Export, Run
from exports.rules.states import ACTIVE, CHIP_OF, State

NEEDS_A_PERSON = (State.FAILED, State.PARTIAL, State.NEEDS_ATTENTION)
SHORT = 5


@dataclass(frozen=True)
class Item:
    name: str
    address: str
    kind: str
    word: str
    at: Any


@dataclass(frozen=True)
class ShortList:
    title: str
    items: tuple[Item, ...]


def lists_for(*, user: Any) -> tuple[ShortList, ...]:
    """Exports of `user` that run, exports of `user` that ended badly, and drafts; newest first, at most five each.

    A list without an item is left out, so an empty result means that nothing waits.
    """
    mine = Run.objects.filter(requested_by=user).select_related("export").order_by("-id")
    lists = (
        ShortList("My running exports", _items(mine.filter(state__in=[state.value for state in ACTIVE]))),
        ShortList(
            "My exports that need a person",
            _items(mine.filter(state__in=[state.value for state in NEEDS_A_PERSON])),
        ),
        ShortList("Drafts", _drafts(user)),
    )
    return tuple(one for one in lists if one.items)


def _items(runs: Iterable[Run]) -> tuple[Item, ...]:
    shortened = runs[:SHORT]  # type: ignore[index]
    return tuple(
        Item(run.export.name, f"/exports/{run.entry_number}/", *CHIP_OF[run.status], run.created_at)
        for run in shortened
    )


def _drafts(user: Any) -> tuple[Item, ...]:
    """Drafts are for whoever may send them or saved them."""
    drafts = Export.objects.filter(run__isnull=True).order_by("-id")
    if not has_right(user, Right.EXPORT):
        drafts = drafts.filter(created_by=user)
    return tuple(
        Item(draft.name, f"/exports/drafts/{draft.pk}/", "neutral", "Draft", draft.created_at)
        for draft in drafts[:SHORT]
    )
