"""Readiness, asked: every precondition, in parallel, as the owner of the flows. Nothing raises."""

import time
from collections.abc import Callable, Sequence
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any, TypeVar

from connections.dataverse import DataverseClient
from connections.finance import FinanceClient
from connections.models import Environment
from connections.rules.readiness import BY_KEY, ENTITY_NAMES, Holding, Report, entity_key, flow_key

from . import setup
from .cloud import shown_in_dataverse
from .entities import Rows, linked, read_entity
from .people import Exporter, exporter_rights, exporters, owner_of, owner_rights
from .sheet import Sheet
from .way import dataverse_way, finance_way, flows_of, probe

T = TypeVar("T")
WORKERS = 10
EVERYTHING = frozenset(BY_KEY)
TELL_EVERY = 0.2
SentValues = Callable[[str], Sequence[Holding]]
Tell = Callable[[Sheet], None]


def check(
    *,
    environment: Environment,
    legal_entity: str = "",
    wanted: frozenset[str] = EVERYTHING,
    sent_values: SentValues | None = None,
    tell: Tell = lambda sheet: None,
) -> Report:
    """Ask about the `wanted` preconditions now. Without a `legal_entity` that Finance has, the flow owner's is taken.

    `wanted` holds what each of its own waits for (`rules.readiness.needs`). `sent_values` tells where cubes hold a
    delimiter; `tell` hears of the sheet as it fills. Both are called by the calling thread, which alone uses tokens and
    the portal's own tables; the other threads only speak HTTP.
    """
    started, moment = time.monotonic(), datetime.now(UTC)
    sheet = Sheet()
    mine = flows_of(sheet, environment)
    people = exporters()
    tell(sheet)
    if "dataverse" in wanted:
        probe(sheet, "dataverse", environment.dataverse_url.rstrip("/"), "api/data/v9.2/")
        tell(sheet)
    signs_in = mine.export if "token-dataverse" in wanted else None
    dataverse = dataverse_way(sheet, environment, signs_in) if signs_in else None
    entities: tuple[str, ...] = ()
    if dataverse is not None:
        tell(sheet)
        with ThreadPoolExecutor(WORKERS) as pool:
            run = _Runner(pool, sheet, wanted, tell)
            reads = _read_entities(run, dataverse, environment)
            if mine.on and run.wants(*(flow_key("on", name) for name in mine.on)):
                run(shown_in_dataverse, dataverse, mine.on)
            finance = None
            if "variable" in wanted:
                finance = finance_way(sheet, dataverse, mine, beyond="finance" in wanted)
                tell(sheet)
            company = _ask_finance(run, finance, people) if finance and run.wants("owner-user") else ""
            if "LedgerEntity" in reads:
                legal_entity, entities = _legal_entity(run.result(reads["LedgerEntity"]), legal_entity, company)
            _budget(run, reads, finance, legal_entity, sent_values)
            run.wait()
    return Report(legal_entity, entities, sheet.rows(), moment, time.monotonic() - started)


class _Runner:
    """Starts the wanted questions in threads, each with the context (and so the correlation id) of the caller."""

    def __init__(self, pool: ThreadPoolExecutor, sheet: Sheet, wanted: frozenset[str], tell: Tell) -> None:
        self.sheet, self.wanted = sheet, wanted
        self._pool, self._tell = pool, tell
        self._started: list[Future[Any]] = []

    def __call__(self, what: Callable[..., Any], *args: Any) -> Future[Any]:
        future = self._pool.submit(copy_context().run, what, self.sheet, *args)
        self._started.append(future)
        return future

    def wants(self, *keys: str) -> bool:
        return not self.wanted.isdisjoint(keys)

    def result(self, future: Future[T]) -> T:
        """The answer of one question; what others answer meanwhile is told."""
        while not future.done():
            futures.wait([future], timeout=TELL_EVERY)
            self._tell(self.sheet)
        return future.result()

    def wait(self) -> None:
        for future in self._started:
            self.result(future)
        self._tell(self.sheet)


def _read_entities(run: _Runner, client: DataverseClient, environment: Environment) -> dict[str, "Future[Rows | None]"]:
    if run.wants("linked"):
        run(linked, client, environment)
    return {name: run(read_entity, client, name) for name in ENTITY_NAMES if run.wants(entity_key(name))}


def _legal_entity(ledgers: Rows | None, asked: str, company: str) -> tuple[str, tuple[str, ...]]:
    """The legal entity to look at, and all that have a ledger."""
    codes = tuple(sorted(row["LegalEntityId"] for row in ledgers or ()))
    own = next((code for code in codes if code.casefold() == company.casefold()), "")
    known = asked if asked in codes or not codes else ""
    return known or own or next(iter(codes), ""), codes


def _ask_finance(run: _Runner, finance: FinanceClient, people: tuple[Exporter, ...]) -> str:
    """What Finance says about people and itself; the company that the flow owner starts in.

    The first question is asked in this thread: it may refresh the token.
    """
    owner = owner_of(run.sheet, finance)
    if owner is None:
        return ""
    if run.wants("owner-role", "owner-duty"):
        run(owner_rights, finance, owner)
    if run.wants("exporter-role"):
        run(exporter_rights, finance, people)
    if run.wants("data-project"):
        run(setup.data_project, finance)
    if run.wants("entry-numbers"):
        run(setup.entry_numbers, finance)
    return owner.company


def _budget(
    run: _Runner,
    reads: dict[str, "Future[Rows | None]"],
    finance: FinanceClient | None,
    legal_entity: str,
    sent_values: SentValues | None,
) -> None:
    """The set-up of the legal entity, from the virtual entities and from Finance itself."""
    sheet, found = run.sheet, {name: run.result(read) for name, read in reads.items()}
    ledger = next((row for row in found.get("LedgerEntity") or () if row["LegalEntityId"] == legal_entity), None)
    formats, parameters = found.get("DimensionIntegrationFormatEntity"), found.get("DimensionParametersEntity")
    form = setup.dimension_format(sheet, formats) if formats is not None else ""
    mark = setup.delimiter(sheet, parameters) if parameters is not None else ""
    readable = bool(form and mark) and setup.separated(sheet, form, mark)
    if legal_entity and (models := found.get("BudgetModelEntity")) is not None:
        setup.budget_models(sheet, models, legal_entity)
    if legal_entity and (codes := found.get("BudgetCodeEntity")) is not None:
        setup.budget_code(sheet, codes, legal_entity)
    if ledger is None:
        return
    setup.account_structure(sheet, ledger)
    if finance is None or "owner-user" not in sheet.findings:
        return
    if run.wants("fiscal-calendar"):
        run(setup.fiscal_calendar, finance, ledger)
    if readable and run.wants("delimiter-values"):
        sent = None if sent_values is None else sent_values(mark)
        run(setup.delimiter_values, finance, legal_entity, form.split(mark), mark, sent)
