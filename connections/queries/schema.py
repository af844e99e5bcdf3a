"""What an export to a legal entity can be mapped to, read from Finance."""

import re
from collections.abc import Mapping

from connections.dataverse import DataverseClient
from connections.errors import FormatMissing, Rejected
from connections.finance import FinanceClient
from connections.models import Environment
from connections.refusals import Asked
from connections.rules.facts import (
    SEPARATE,
    BudgetCode,
    BudgetModel,
    BudgetSchema,
    FiscalPeriod,
    LegalEntity,
    unseparated,
)
from connections.rules.flows import EXPORT_FLOW
from connections.rules.wire import DELIMITERS, day_of, literal, text_of

from .access import dataverse_client, finance_client_of, flow

_BUDGET_FORMAT = "DataEntityBudgetDimensionFormat"
_LEDGER_FIELDS = ("LegalEntityId", "Name", "Description", "AccountingCurrency", "FiscalCalendar", "ChartOfAccounts")


def legal_entities(*, environment: Environment) -> tuple[LegalEntity, ...]:
    """The legal entities with a ledger in Finance, by code."""
    rows = dataverse_client(environment=environment).virtual_rows("LedgerEntity", _LEDGER_FIELDS)
    return tuple(sorted(map(_legal_entity, rows), key=lambda entity: entity.code))


def budget_models(*, environment: Environment, legal_entity: str) -> tuple[BudgetModel, ...]:
    """The budget models of a legal entity by code, stopped ones included."""
    return _models(dataverse_client(environment=environment), legal_entity)


def budget_schema(*, environment: Environment, legal_entity: str) -> BudgetSchema:
    """All that a configuration for `legal_entity` is checked against.

    Ledger, models, codes, budget dimensions, format and parameters come through the virtual entities, periods and
    currencies from Finance itself; both as the owner of the export flow. Raises FormatMissing when no budget register
    dimension format is active.
    """
    wanted = flow(environment=environment, name=EXPORT_FLOW)
    dataverse = dataverse_client(environment=environment)
    ledger = ledger_of(dataverse, legal_entity)
    delimiter = _delimiter(dataverse)
    segments = _segments(dataverse, delimiter)
    models, codes = _models(dataverse, legal_entity), _codes(dataverse, legal_entity)
    dimensions = dataverse.virtual_rows(
        "BudgetDimensionEntity",
        ("DimensionAttributeId",),
        where=f"mserp_legalentityid eq {literal(legal_entity)}",
    )
    finance = finance_client_of(wanted, must_be_on=False)
    return BudgetSchema(
        legal_entity=_legal_entity(ledger),
        accounting_currency=ledger["AccountingCurrency"],
        delimiter=delimiter,
        segments=segments,
        budget_dimensions=tuple(row["DimensionAttributeId"] for row in dimensions),
        models=models,
        codes=codes,
        periods=_periods(finance, ledger),
        currencies=frozenset(text_of(row, "CurrencyCode") for row in finance.rows("Currencies", ("CurrencyCode",))),
    )


def ledger_of(dataverse: DataverseClient, legal_entity: str) -> Mapping[str, str]:
    """The ledger of a legal entity. Raises Rejected when Finance has no such legal entity."""
    where = f"mserp_legalentityid eq {literal(legal_entity)}"
    rows = dataverse.virtual_rows("LedgerEntity", _LEDGER_FIELDS, where=where)
    if not rows:
        raise Rejected(
            f"Finance has no legal entity {legal_entity}.",
            hint="Choose another one.",
            code="legal-entity-unknown",
        )
    return rows[0]


def _legal_entity(ledger: Mapping[str, str]) -> LegalEntity:
    """The ledger describes its legal entity; the ledger's own name often repeats the code."""
    return LegalEntity(ledger["LegalEntityId"], ledger["Description"] or ledger["Name"])


def _models(dataverse: DataverseClient, legal_entity: str) -> tuple[BudgetModel, ...]:
    where = f"mserp_dataareaid eq {literal(legal_entity)}"
    rows = dataverse.virtual_rows("BudgetModelEntity", ("BudgetModel", "Name", "Stopped"), where=where)
    models = (BudgetModel(row["BudgetModel"], row["Name"], row["Stopped"] == "Yes") for row in rows)
    return tuple(sorted(models, key=lambda model: model.code))


def _codes(dataverse: DataverseClient, legal_entity: str) -> tuple[BudgetCode, ...]:
    fields = ("BudgetCode", "Description", "BudgetType", "IsDefaultCode")
    where = f"mserp_dataareaid eq {literal(legal_entity)}"
    rows = dataverse.virtual_rows("BudgetCodeEntity", fields, where=where)
    codes = (
        BudgetCode(row["BudgetCode"], row["Description"], row["BudgetType"], row["IsDefaultCode"] == "Yes")
        for row in rows
    )
    return tuple(sorted(codes, key=lambda code: code.code))


def _delimiter(dataverse: DataverseClient) -> str:
    rows = dataverse.virtual_rows(
        "DimensionParametersEntity", ("DimensionSegmentDelimiter",), asked=Asked.DIMENSION_PARAMETERS
    )
    name = rows[0]["DimensionSegmentDelimiter"] if rows else ""
    if name not in DELIMITERS:
        raise FormatMissing(
            f"Finance names no known delimiter of dimension values ({name or 'none'}).",
            hint="Set it in Finance: General ledger parameters, Chart of accounts and dimensions.",
            headline="The delimiter of dimension values is not set in Finance",
            code="delimiter-missing",
        )
    return DELIMITERS[name]


def _segments(dataverse: DataverseClient, delimiter: str) -> tuple[str, ...]:
    fields = ("DimensionFormatName", "DimensionFormatType", "FinancialDimensionFormat", "IsActive")
    rows = dataverse.virtual_rows("DimensionIntegrationFormatEntity", fields)
    active = [r for r in rows if r["DimensionFormatType"] == _BUDGET_FORMAT and r["IsActive"] == "Yes"]
    if not active or not active[0]["FinancialDimensionFormat"]:
        raise FormatMissing(
            "Without it Finance can't read the accounts of any line.",
            hint="In Finance, open Financial dimension configuration for integrating applications and activate a "
            "format of type Budget register dimension format. A Finance administrator can.",
        )
    form = active[0]["FinancialDimensionFormat"]
    if wrong := unseparated(form, delimiter):
        raise FormatMissing(f"{wrong}.", hint=SEPARATE, code="format-unseparated")
    return tuple(form.split(delimiter))


def _periods(finance: FinanceClient, ledger: Mapping[str, str]) -> tuple[FiscalPeriod, ...]:
    """Operating periods by start date; a period without a status of this ledger counts as open."""
    calendar = literal(ledger["FiscalCalendar"])
    rows = finance.rows(
        "FiscalPeriods",
        ("FiscalYear", "PeriodName", "StartDate", "EndDate", "Type"),
        where=f"Calendar eq {calendar}",
    )
    states = finance.rows(
        "LedgerFiscalPeriods",
        ("YearName", "PeriodName", "PeriodStatus"),
        where=f"Calendar eq {calendar} and LedgerName eq {literal(ledger['Name'])}",
    )
    status = {(text_of(r, "YearName"), text_of(r, "PeriodName")): text_of(r, "PeriodStatus") for r in states}
    periods = []
    for row in rows:
        start, end = day_of(row["StartDate"]), day_of(row["EndDate"])
        key = text_of(row, "FiscalYear"), text_of(row, "PeriodName")
        if row["Type"] == "Operating" and start and end:
            periods.append(FiscalPeriod(_period_name(*key), start, end, status.get(key, "Open")))
    return tuple(sorted(periods, key=lambda period: period.start))


def _period_name(year: str, name: str) -> str:
    """The period's name, with its year unless the name says one: names repeat every year."""
    return name if year in name or re.search(r"\d{4}", name) else f"{name} {year}"
