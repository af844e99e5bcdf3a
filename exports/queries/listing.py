"""The list of all budget register entry exports, and of drafts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from bpp_portal.kernel.roles import Right, rights_of
from connections.models import Environment
from connections.queries import environments
from exports.models import Export, Run, RunTotal
from exports.rules.states import ACTIVE, CHIP_OF, State

NEEDS_A_PERSON = (State.FAILED, State.PARTIAL, State.NEEDS_ATTENTION)
DRAFTS = "drafts"
CREATED = ((1, "last 24 hours"), (7, "last 7 days"), (30, "last 30 days"), (365, "last 365 days"))


@dataclass(frozen=True)
class Tab:
    value: str
    label: str
    count: int


@dataclass(frozen=True)
class Asked:
    """The filters of the list, as they stand in its address."""

    tab: str = ""
    search: str = ""
    cube: str = ""
    legal_entity: str = ""
    budget_model: str = ""
    environment: str = ""
    days: int = 0

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Asked":
        """Read from an address; what cannot be read is left out."""
        return cls(
            tab=query.get("tab", ""),
            search=query.get("q", "").strip(),
            cube=query.get("cube", ""),
            legal_entity=query.get("entity", ""),
            budget_model=query.get("model", ""),
            environment=number if (number := query.get("environment", "")) in _numbers(environments()) else "",
            days=int(days) if (days := query.get("created", "")) in {str(number) for number, _ in CREATED} else 0,
        )

    @property
    def filters(self) -> bool:
        """Whether anything but the tab narrows the list."""
        return any((self.search, self.cube, self.legal_entity, self.budget_model, self.environment, self.days))


@dataclass(frozen=True)
class Row:
    """One run in the list; `totals` are (amount, amount type, currency) of the package."""

    run: Run
    kind: str
    word: str
    totals: tuple[RunTotal, ...]
    active: bool
    chosen: bool = False

    @property
    def reuse(self) -> str:
        """Address of Reuse configuration, also what its box in the list stands for."""
        return reverse("exports:reuse", args=[self.run.entry_number])


def may_see_drafts(user: Any) -> bool:
    """Drafts are for those who may save or send them."""
    return bool(rights_of(user) & {Right.SAVE_DRAFT, Right.EXPORT})


def runs_for(*, user: Any, asked: Asked) -> QuerySet[Run]:
    """Runs of the list, newest first, in the filters but over all tabs."""
    runs = Run.objects.select_related("export__cube", "requested_by", "environment").order_by("-id")
    return _narrowed(runs, asked, "export__", "created_at")


def drafts_for(*, user: Any, asked: Asked) -> QuerySet[Export]:
    """Saved configurations without a run, newest first."""
    if not may_see_drafts(user):
        return Export.objects.none()
    drafts = Export.objects.filter(run__isnull=True).select_related("cube", "created_by", "environment").order_by("-id")
    return _narrowed(drafts, asked, "", "created_at")


def _narrowed(rows: QuerySet[Any], asked: Asked, export: str, created: str) -> QuerySet[Any]:
    wanted = {
        f"{export}cube__slug": asked.cube,
        f"{export}legal_entity": asked.legal_entity,
        f"{export}budget_model": asked.budget_model,
        "environment": asked.environment,
        f"{created}__gte": timezone.now() - timedelta(days=asked.days) if asked.days else None,
    }
    rows = rows.filter(**{name: value for name, value in wanted.items() if value})
    if not asked.search:
        return rows
    found = Q(**{f"{export}name__icontains": asked.search})
    if export:
        found |= Q(entry_number__icontains=asked.search) | Q(attempts__execution_id=asked.search)
        return rows.filter(found).distinct()
    return rows.filter(found)


def tabs_for(*, user: Any, asked: Asked) -> list[Tab]:
    """The tabs with the counts of what the filters leave."""
    runs = runs_for(user=user, asked=asked)
    tabs = [
        Tab(value, label, _in_tab(runs, value, user).count())
        for value, label in (
            ("", "All"),
            ("mine", "Mine"),
            ("running", "In progress"),
            ("person", "Needs a person"),
            ("completed", "Completed"),
        )
    ]
    if may_see_drafts(user):
        tabs.append(Tab(DRAFTS, "Drafts", drafts_for(user=user, asked=asked).count()))
    return tabs


def runs_of_tab(*, user: Any, asked: Asked) -> QuerySet[Run]:
    """The runs of the chosen tab."""
    return _in_tab(runs_for(user=user, asked=asked), asked.tab, user)


def _in_tab(runs: QuerySet[Run], tab: str, user: Any) -> QuerySet[Run]:
    if tab == "mine":
        return runs.filter(requested_by=user)
    states = {"running": ACTIVE, "person": NEEDS_A_PERSON, "completed": (State.SUCCEEDED,)}.get(tab)
    return runs if states is None else runs.filter(state__in=[state.value for state in states])


def runs_again(*, shown: Collection[int]) -> list[Run]:
    """The runs of a page that is refreshed: the same ones in the same order, whatever became of them."""
    return list(
        Run.objects.select_related("export__cube", "requested_by", "environment").filter(pk__in=shown).order_by("-id")
    )


def newer_than(*, user: Any, asked: Asked, shown: Collection[int]) -> int:
    """How many runs of this tab came after those that are shown."""
    return runs_of_tab(user=user, asked=asked).filter(pk__gt=max(shown)).count() if shown else 0


def only_currency(rows: Sequence[Row]) -> str:
    """The currency when all totals have the same: it stands in the heading then."""
    found = {total.currency for row in rows for total in row.totals}
    return found.pop() if len(found) == 1 else ""


def rows_of(runs: Sequence[Run], *, chosen: Collection[str] = ()) -> list[Row]:
    """The rows of one page, with the totals of all of them in one question; `chosen` are selected reuse addresses."""
    totals: dict[int, list[RunTotal]] = {run.pk: [] for run in runs}
    for total in RunTotal.objects.filter(run__in=runs, place=RunTotal.Place.PACKAGE):
        totals[total.run_id].append(total)
    rows = [Row(run, *CHIP_OF[run.status], tuple(totals[run.pk]), run.is_active) for run in runs]
    return [replace(row, chosen=True) if row.reuse in chosen else row for row in rows]


def choices(*, user: Any) -> dict[str, list[tuple[str, str]]]:
    """What the filters offer: cubes, legal entities and budget models that occur, and all environments."""
    exports = Export.objects.all()
    return {
        "cubes": list(exports.order_by("cube__name").values_list("cube__slug", "cube__name").distinct()),
        "entities": _occurring(exports, "legal_entity"),
        "models": _occurring(exports, "budget_model"),
        "environments": [(str(one.pk), one.name) for one in environments()],
    }


def _numbers(rows: Iterable[Environment]) -> set[str]:
    return {str(one.pk) for one in rows}


def _occurring(exports: QuerySet[Export], name: str) -> list[tuple[str, str]]:
    values = exports.exclude(**{name: ""}).order_by(name).values_list(name, flat=True).distinct()
    return [(value, value) for value in values]
