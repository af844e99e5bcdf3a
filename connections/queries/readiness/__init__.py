"""Readiness, asked: every precondition, in parallel, as the owner of the flows. Nothing raises."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime
from typing import Any

from connections.dataverse import DataverseClient
from connections.finance import FinanceClient
from connections.models import Environment
from connections.rules.readiness import ENTITY_NAMES, Report

from . import setup
from .entities import Rows, linked, read_entity
from .people import Exporter, exporter_rights, exporters, owner_of, owner_rights
from .sheet import Sheet
from .way import dataverse_way, finance_way, flows_of, probe

WORKERS = 10


def check(*, environment: Environment, legal_entity: str = "") -> Report:
    """Ask about every precondition now. Without a `legal_entity` that Finance has, the flow owner's own is taken.

    Tokens and the portal's own tables are used by the calling thread; the other threads only speak HTTP.
    """
    started, moment = time.monotonic(), datetime.now(UTC)
    sheet = Sheet()
    mine = flows_of(sheet, environment)
    people = exporters()
    probe(sheet, "dataverse", environment.dataverse_url.rstrip("/"), "api/data/v9.2/")
    dataverse = dataverse_way(sheet, environment, mine.export) if mine.export else None
    entities: tuple[str, ...] = ()
    if dataverse is not None:
        with ThreadPoolExecutor(WORKERS) as pool:
            run = _Runner(pool)
            reads = _read_entities(run, sheet, dataverse, environment)
            finance = finance_way(sheet, dataverse, mine)
            company = _ask_finance(run, sheet, finance, people) if finance is not None else ""
            legal_entity, entities = _legal_entity(reads["LedgerEntity"].result(), legal_entity, company)
            _budget(run, sheet, reads, finance, legal_entity)
            run.wait()
    return Report(legal_entity, entities, sheet.rows(), moment, time.monotonic() - started)


class _Runner:
    """Starts questions in threads, each with the context (and so the correlation id) of the caller."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._started: list[Future[Any]] = []

    def __call__(self, what: Callable[..., Any], *args: Any) -> Future[Any]:
        future = self._pool.submit(copy_context().run, what, *args)
        self._started.append(future)
        return future

    def wait(self) -> None:
        for future in self._started:
            future.result()


def _read_entities(
    run: _Runner, sheet: Sheet, client: DataverseClient, environment: Environment
) -> dict[str, "Future[Rows | None]"]:
    run(linked, sheet, client, environment)
    return {name: run(read_entity, sheet, client, name) for name in ENTITY_NAMES}


def _legal_entity(ledgers: Rows | None, asked: str, company: str) -> tuple[str, tuple[str, ...]]:
    """The legal entity to look at, and all that have a ledger."""
    codes = tuple(sorted(row["LegalEntityId"] for row in ledgers or ()))
    own = next((code for code in codes if code.casefold() == company.casefold()), "")
    known = asked if asked in codes or not codes else ""
    return known or own or next(iter(codes), ""), codes


def _ask_finance(run: _Runner, sheet: Sheet, finance: FinanceClient, people: tuple[Exporter, ...]) -> str:
    """What Finance says about people and itself; the company that the flow owner starts in.

    The first question is asked in this thread: it may refresh the token.
    """
    owner = owner_of(sheet, finance)
    if owner is None:
        return ""
    run(owner_rights, sheet, finance, owner)
    run(exporter_rights, sheet, finance, people)
    run(setup.data_project, sheet, finance)
    run(setup.entry_numbers, sheet, finance)
    return owner.company


def _budget(
    run: _Runner,
    sheet: Sheet,
    reads: dict[str, "Future[Rows | None]"],
    finance: FinanceClient | None,
    legal_entity: str,
) -> None:
    """The set-up of the legal entity, from the virtual entities and from Finance itself."""
    found = {name: read.result() for name, read in reads.items()}
    ledger = next((row for row in found["LedgerEntity"] or () if row["LegalEntityId"] == legal_entity), None)
    formats, parameters = found["DimensionIntegrationFormatEntity"], found["DimensionParametersEntity"]
    form = setup.dimension_format(sheet, formats) if formats is not None else ""
    mark = setup.delimiter(sheet, parameters) if parameters is not None else ""
    if legal_entity and (models := found["BudgetModelEntity"]) is not None:
        setup.budget_models(sheet, models, legal_entity)
    if legal_entity and (codes := found["BudgetCodeEntity"]) is not None:
        setup.budget_code(sheet, codes, legal_entity)
    if ledger is None:
        return
    setup.account_structure(sheet, ledger)
    if finance is None or "owner-user" not in sheet.findings:
        return
    run(setup.fiscal_calendar, sheet, finance, ledger)
    if form and mark:
        run(setup.delimiter_values, sheet, finance, legal_entity, form.split(mark), mark)
