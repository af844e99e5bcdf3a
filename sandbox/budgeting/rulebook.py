"""The set-up of one legal entity as an import needs it, read once."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.budgeting import account_structures, exchange
from sandbox.budgeting.account_structures import AccountStructure
from sandbox.budgeting.exchange import Rate
from sandbox.control.faults import Faults
from sandbox.entities import DELIMITERS
from sandbox.finance.sets import FINANCE_SETS
from sandbox.store import Store

_OVERRIDES = ("FinancialDimensionValueLegalEntityOverrides", "FinancialDimensionValueLegalEntityOverridesV2")


@dataclass(frozen=True)
class Member:
    """One value of a dimension, or a main account."""

    is_suspended: bool
    first: str
    last: str
    is_blocked: bool  # for entries that are not made by Finance itself
    is_total: bool

    def is_usable(self, day: str) -> bool:
        return not self.is_suspended and account_structures.is_active(self.first, self.last, day)


@dataclass(frozen=True)
class BudgetCode:
    type: str
    reason: str
    workflow: str


@dataclass(frozen=True)
class Setup:
    legal_entity: str
    currency: str
    delimiter: str
    segments: tuple[str, ...]  # of the active budget register format; empty when there is none
    models: dict[str, str]  # model → stopped
    codes: dict[str, BudgetCode]
    currencies: frozenset[str]
    reasons: frozenset[str] | None  # None: this Finance has no set of reasons
    members: dict[str, dict[str, Member]]  # segment → value → member
    account_types: dict[str, str]
    periods: tuple[tuple[str, str, str], ...]  # first day, last day, status
    structures: tuple[AccountStructure, ...]
    rates: tuple[Rate, ...]
    checks_rows: bool
    checks_format: bool
    derives_structure: bool
    longest_code: int | None
    memory: dict[str, str] = field(default_factory=dict)  # day → status of its period


def read(store: Store, legal_entity: str, faults: Faults | None = None) -> Setup:
    """The set-up of a legal entity; modes and switched off behaviours count when `faults` are given."""
    ledger: Any = store.row("SELECT * FROM Ledgers WHERE LegalEntityId = ?", (legal_entity,))
    active = store.value(
        "SELECT FinancialDimensionFormat FROM DimensionIntegrationFormats WHERE IsActive = 'Yes' "
        "AND DimensionFormatType = 'DataEntityBudgetDimensionFormat'"
    )
    delimiter = DELIMITERS[store.value("SELECT DimensionSegmentDelimiter FROM DimensionParameters") or "Hyphen"]
    accounts = store.rows("SELECT * FROM MainAccounts WHERE ChartOfAccounts = ?", (_of(ledger, "ChartOfAccounts"),))
    names = [_of(ledger, f"AccountStructureName{n}") for n in range(1, 21)]
    rate_type = _of(ledger, "BudgetExchangeRateType") or _of(ledger, "ExchangeRateType")
    return Setup(
        legal_entity,
        _of(ledger, "AccountingCurrency"),
        delimiter,
        tuple(segments_of(active, delimiter)) if active else (),
        {
            row["BudgetModel"]: row["Stopped"]
            for row in store.rows("SELECT * FROM BudgetModels WHERE dataAreaId = ?", (legal_entity,))
        },
        {
            row["BudgetCode"]: BudgetCode(row["BudgetType"], row["ReasonCode"], row["WorkflowId"])
            for row in store.rows("SELECT * FROM BudgetCodes WHERE dataAreaId = ?", (legal_entity,))
        },
        frozenset(row[0] for row in store.rows("SELECT CurrencyCode FROM Currencies")),
        _reasons(store, legal_entity),
        _members(store, legal_entity, accounts),
        {row["MainAccountId"]: row["MainAccountType"] for row in accounts},
        _periods(store, legal_entity, _of(ledger, "FiscalCalendar")),
        tuple(account_structures.read(store, [name for name in names if name])),
        tuple(exchange.read(store, rate_type)),
        faults is None or faults.plays("row-rules"),
        faults is None or faults.plays("dimension-format"),
        faults is None or bool(faults.mode("derive_account_structure")),
        faults.mode("code_length") if faults else None,
    )


def _of(ledger: Any, name: str) -> str:
    return str(ledger[name]) if ledger is not None else ""


def _reasons(store: Store, legal_entity: str) -> frozenset[str] | None:
    if "LedgerFinancialReasons" not in FINANCE_SETS:
        return None
    rows = store.rows("SELECT ReasonCode FROM LedgerFinancialReasons WHERE dataAreaId = ?", (legal_entity,))
    return frozenset(row[0] for row in rows)


def _members(store: Store, legal_entity: str, accounts: list[Any]) -> dict[str, dict[str, Member]]:
    members = {"MainAccount": {row["MainAccountId"]: _account(row) for row in accounts}}
    for row in store.rows("SELECT * FROM FinancialDimensionValues WHERE LegalEntityId IN (?, '')", (legal_entity,)):
        members.setdefault(row["FinancialDimension"], {})[row["DimensionValue"]] = Member(
            row["IsSuspended"] == "Yes",
            row["ActiveFrom"],
            row["ActiveTo"],
            row["IsBlockedForManualEntry"] == "Yes",
            row["IsTotal"] == "Yes",
        )
    for name in _OVERRIDES:
        if name in FINANCE_SETS:
            _override(members, store.rows(f"SELECT * FROM {name} WHERE LegalEntityId = ?", (legal_entity,)))
    return members


def _account(row: Any) -> Member:
    return Member(
        row["IsSuspended"] == "Yes",
        row["ActiveFrom"],
        row["ActiveTo"],
        row["DoNotAllowManualEntry"] == "Yes",
        row["MainAccountType"] in ("Total", "Reporting"),
    )


def _override(members: dict[str, dict[str, Member]], rows: list[Any]) -> None:
    """Exceptions of one legal entity: what they say of a value goes before what the value says of itself."""
    for row in rows:
        known = members.get(row["FinancialDimension"], {})
        old = known.get(row["DimensionValue"])
        if old is not None:
            suspended = old.is_suspended or row["IsSuspended"] == "Yes"
            known[row["DimensionValue"]] = Member(
                suspended, row["ActiveFrom"], row["ActiveTo"], old.is_blocked, old.is_total
            )


def _periods(store: Store, legal_entity: str, calendar: str) -> tuple[tuple[str, str, str], ...]:
    rows = store.rows(
        "SELECT p.StartDate, p.EndDate, coalesce(l.PeriodStatus, 'Open') FROM FiscalPeriods p LEFT JOIN "
        "LedgerFiscalPeriods l ON l.Calendar = p.Calendar AND l.YearName = p.FiscalYear AND "
        "l.PeriodName = p.PeriodName AND l.LedgerName = ? WHERE p.Calendar = ? AND p.Type = 'Operating'",
        (legal_entity, calendar),
    )
    return tuple((row[0][:10], row[1][:10], row[2]) for row in rows)


def segments_of(text: str, delimiter: str) -> list[str]:
    """The names of a format. It was written with the delimiter of its day; names hold no sign of any delimiter."""
    for sign in sorted({delimiter, *DELIMITERS.values()}, key=len, reverse=True):
        if sign in text:
            return text.split(sign)
    return [text]
