"""What Finance checks of each row of *Budget account entries*. Texts that are not documented are the sandbox's own."""

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from sandbox.entities import DELIMITERS, NO_DATE
from sandbox.store import Store


@dataclass(frozen=True)
class RowError(Exception):
    """One row is refused."""

    field: str
    message: str


@dataclass
class Rulebook:
    """The set-up of one legal entity, read once for an import."""

    legal_entity: str
    currency: str
    delimiter: str
    segments: list[str]
    models: dict[str, str]
    codes: dict[str, str]
    currencies: set[str]
    values: dict[str, dict[str, tuple[bool, str, str]]]  # segment → value → suspended, from, to
    account_types: dict[str, str]
    periods: list[tuple[str, str, str]]  # first day, last day, status
    memory: dict[tuple[str, str], str] = field(default_factory=dict)

    @classmethod
    def read(cls, store: Store, legal_entity: str) -> "Rulebook":
        ledger = store.row("SELECT * FROM Ledgers WHERE LegalEntityId = ?", (legal_entity,))
        active = store.row(
            "SELECT FinancialDimensionFormat FROM DimensionIntegrationFormats WHERE IsActive = 'Yes' "
            "AND DimensionFormatType = 'DataEntityBudgetDimensionFormat'"
        )
        name = store.value("SELECT DimensionSegmentDelimiter FROM DimensionParameters") or "Hyphen"
        delimiter = DELIMITERS[name]
        coa, calendar = (ledger["ChartOfAccounts"], ledger["FiscalCalendar"]) if ledger else ("", "")
        accounts = store.rows("SELECT * FROM MainAccounts WHERE ChartOfAccounts = ?", (coa,))
        values: dict[str, dict[str, tuple[bool, str, str]]] = {
            "MainAccount": {
                row["MainAccountId"]: (row["IsSuspended"] == "Yes", row["ActiveFrom"], row["ActiveTo"])
                for row in accounts
            }
        }
        for row in store.rows("SELECT * FROM FinancialDimensionValues WHERE LegalEntityId IN (?, '')", (legal_entity,)):
            values.setdefault(row["FinancialDimension"], {})[row["DimensionValue"]] = (
                row["IsSuspended"] == "Yes",
                row["ActiveFrom"],
                row["ActiveTo"],
            )
        periods = store.rows(
            "SELECT p.StartDate, p.EndDate, coalesce(l.PeriodStatus, 'Open') FROM FiscalPeriods p LEFT JOIN "
            "LedgerFiscalPeriods l ON l.Calendar = p.Calendar AND l.YearName = p.FiscalYear AND "
            "l.PeriodName = p.PeriodName AND l.LedgerName = ? WHERE p.Calendar = ?",
            (legal_entity, calendar),
        )
        return cls(
            legal_entity,
            ledger["AccountingCurrency"] if ledger else "",
            delimiter,
            segments_of(active[0], delimiter) if active else [],
            {
                row["BudgetModel"]: row["Stopped"]
                for row in store.rows("SELECT * FROM BudgetModels WHERE dataAreaId = ?", (legal_entity,))
            },
            {
                row["BudgetCode"]: row["BudgetType"]
                for row in store.rows("SELECT * FROM BudgetCodes WHERE dataAreaId = ?", (legal_entity,))
            },
            {row[0] for row in store.rows("SELECT CurrencyCode FROM Currencies")},
            values,
            {row["MainAccountId"]: row["MainAccountType"] for row in accounts},
            [(row[0][:10], row[1][:10], row[2]) for row in periods],
        )

    def check(self, row: dict[str, str]) -> dict[str, str]:
        """The line as it will stand in the ledger, or RowError."""
        self._check_header(row)
        day = row.get("DATE", "")[:10]
        self._check_date(day)
        value, account = self._display_value(row.get("DIMENSIONDISPLAYVALUE", ""), day)
        currency = row.get("CURRENCYCODE", "") or self.currency
        if currency not in self.currencies:
            raise RowError("CURRENCYCODE", not_found(currency, "Currency", "Currency"))
        amount = decimal_of(row.get("TRANSACTIONCURRENCYAMOUNT", "0"), "TRANSACTIONCURRENCYAMOUNT")
        kind = row.get("AMOUNTTYPE", "") or ("Revenue" if self.account_types.get(account) == "Revenue" else "Expense")
        if kind not in ("Expense", "Revenue"):
            raise RowError("AMOUNTTYPE", f"The string '{kind}' is not a valid enumeration type constant.")
        return {
            "EntryDate": f"{day}T12:00:00Z",
            "DimensionDisplayValue": value,
            "DimensionAccountStructure": "Budgeting",
            "CurrencyCode": currency,
            "Comment": row.get("COMMENT", ""),
            "TransactionCurrencyAmount": amount,
            "AccountingCurrencyAmount": amount,
            "AmountType": kind,
            "Quantity": decimal_of(row.get("QUANTITY", "") or "0", "QUANTITY"),
            "Price": decimal_of(row.get("PRICE", "") or "0", "PRICE"),
        }

    def _check_header(self, row: dict[str, str]) -> None:
        model, code = row.get("BUDGETMODELID", ""), row.get("BUDGETCODE", "")
        if not model:
            raise RowError("BUDGETMODELID", "Field 'Budget model' must be filled in.")
        if model not in self.models:
            raise RowError("BUDGETMODELID", not_found(model, "Budget model", "Budget model"))
        if self.models[model] == "Yes":
            raise RowError("BUDGETMODELID", f"Budget model {model} is stopped.")
        if code not in self.codes:
            raise RowError("BUDGETCODE", not_found(code, "Budget code", "Budget code"))

    def _check_date(self, day: str) -> None:
        key = ("date", day)
        if key not in self.memory:
            status = next((s for first, last, s in self.periods if first <= day <= last), "")
            self.memory[key] = status
        if not self.memory[key]:
            raise RowError("DATE", f"The date {day} is not within a period of the fiscal calendar.")
        if self.memory[key] != "Open":
            raise RowError("DATE", f"The period for {day} is not open.")

    def _display_value(self, text: str, day: str) -> tuple[str, str]:
        if not self.segments:
            raise RowError("DIMENSIONDISPLAYVALUE", "No active budget register dimension format is set up.")
        parts = text.split(self.delimiter)[: len(self.segments)]  # extra segments are dropped without a word
        parts += [""] * (len(self.segments) - len(parts))
        account = ""
        for name, value in zip(self.segments, parts, strict=True):
            if name == "MainAccount":
                account = value
                if not value:
                    raise RowError("DIMENSIONDISPLAYVALUE", "Field 'Main account' must be filled in.")
            if value:
                self._check_value(name, value, day)
        return self.delimiter.join(parts), account

    def _check_value(self, name: str, value: str, day: str) -> None:
        found = self.values.get(name, {}).get(value)
        if found is None:
            raise RowError("DIMENSIONDISPLAYVALUE", not_found(value, name, name))
        suspended, first, last = found
        inactive = (first != NO_DATE and day < first[:10]) or (last != NO_DATE and day > last[:10])
        if suspended or inactive:
            raise RowError("DIMENSIONDISPLAYVALUE", f"{name} {value} is suspended or not active on {day}.")


def segments_of(text: str, delimiter: str) -> list[str]:
    """The names of a format. It was written with the delimiter of its day; names hold no sign of any delimiter."""
    for sign in sorted({delimiter, *DELIMITERS.values()}, key=len, reverse=True):
        if sign in text:
            return text.split(sign)
    return [text]


def not_found(value: str, field_name: str, table: str) -> str:
    return f"The value '{value}' in field '{field_name}' is not found in the related table '{table}'."


def decimal_of(text: str, name: str) -> str:
    try:
        value = Decimal(text)
        if not value.is_finite():
            raise InvalidOperation
    except InvalidOperation:
        raise RowError(name, f"DMF2018: bad data in column {name}: {text}") from None
    return format(value, "f")
