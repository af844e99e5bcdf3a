"""What Finance checks of each row of a budget register entry. Texts that are not documented are the sandbox's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.budgeting import exchange, rulebook
from sandbox.budgeting.rulebook import Setup
from sandbox.control.faults import Faults
from sandbox.data_management.row_fields import RowError, day_of, decimal_of, member_of, must_be_filled, not_found
from sandbox.store import Store

__all__ = ["Row", "RowError", "Rulebook", "not_found"]
Row = Mapping[str, str]


@dataclass(frozen=True)
class Rulebook:
    """The rules of one legal entity; each check returns what will stand in the ledger, or raises RowError."""

    setup: Setup

    @classmethod
    def read(cls, store: Store, legal_entity: str, faults: Faults | None = None) -> "Rulebook":
        return cls(rulebook.read(store, legal_entity, faults))

    @property
    def codes(self) -> dict[str, str]:
        """Budget code → budget type."""
        return {code: known.type for code, known in self.setup.codes.items()}

    def check(self, row: Row) -> dict[str, Any]:
        """The line of a row of *Budget account entries*, header and line in one."""
        self.header(row)
        return self.line(row, "DATE")

    def header(self, row: Row) -> dict[str, Any]:
        """Fields of the entry; a code with a workflow leaves it not submitted."""
        model, code = row.get("BUDGETMODELID", ""), row.get("BUDGETCODE", "")
        self._check_model(model)
        if code not in self.setup.codes:
            raise RowError("BUDGETCODE", not_found(code, "Budget code", "Budget code"))
        known = self.setup.codes[code]
        reason = row.get("REASONCODE", "") or known.reason
        if row.get("REASONCODE") and self.setup.reasons is not None and reason not in self.setup.reasons:
            raise RowError("REASONCODE", not_found(reason, "Reason code", "Financial reasons"))
        return {
            "BudgetModelId": model,
            "BudgetCode": code,
            "BudgetType": known.type,
            "OneTimeRevision": member_of(row.get("ONETIMEREVISION") or "No", "NoYes", "ONETIMEREVISION"),
            "ReasonCode": reason,
            "ReasonComment": row.get("REASONCOMMENT", ""),
            "SourceDocument": row.get("SOURCEDOCUMENT", ""),
            "WorkflowStatus": "NotSubmitted" if known.workflow else "None",
        }

    def line(self, row: Row, date_column: str) -> dict[str, Any]:
        """Fields of the line as the ledger will show them."""
        if not row.get(date_column):
            raise RowError(date_column, must_be_filled("Date"))
        day = day_of(row[date_column], date_column)
        self._check_date(day, date_column)
        value, account, structure = self._dimensions(row, day)
        currency = row.get("CURRENCYCODE", "") or self.setup.currency
        if self.setup.checks_rows and currency not in self.setup.currencies:
            raise RowError("CURRENCYCODE", not_found(currency, "Currency", "Currency"))
        quantity = decimal_of(row.get("QUANTITY") or "0", "QUANTITY")
        amount = self._amount(row, quantity)
        kind = row.get("AMOUNTTYPE") or ("Revenue" if self.setup.account_types.get(account) == "Revenue" else "Expense")
        cash = row.get("INCLUDEINCASHFLOWFORECAST") or "No"
        return {
            "EntryDate": f"{day}T12:00:00Z",
            "DimensionDisplayValue": value,
            "DimensionAccountStructure": structure,
            "CurrencyCode": currency,
            "Comment": row.get("COMMENT", ""),
            "TransactionCurrencyAmount": amount,
            "AccountingCurrencyAmount": self._accounting(amount, currency, day),
            "AmountType": member_of(kind, "BudgetType", "AMOUNTTYPE"),
            "Quantity": quantity,
            "Price": decimal_of(row.get("PRICE") or "0", "PRICE"),
            "IncludeInCashFlowForecast": member_of(cash, "NoYes", "INCLUDEINCASHFLOWFORECAST"),
        }

    def _check_model(self, model: str) -> None:
        if not model:
            raise RowError("BUDGETMODELID", must_be_filled("Budget model"))
        if model not in self.setup.models:
            raise RowError("BUDGETMODELID", not_found(model, "Budget model", "Budget model"))
        if self.setup.checks_rows and self.setup.models[model] == "Yes":
            raise RowError("BUDGETMODELID", f"Budget model {model} is stopped.")

    def _check_date(self, day: str, column: str) -> None:
        if not self.setup.checks_rows:
            return
        memory = self.setup.memory
        if day not in memory:
            memory[day] = next((s for first, last, s in self.setup.periods if first <= day <= last), "")
        if not memory[day]:
            raise RowError(column, f"The date {day} is not within a period of the fiscal calendar.")
        if memory[day] != "Open":
            raise RowError(column, f"The period for {day} is not open.")

    def _amount(self, row: Row, quantity: str) -> str:
        """Since 10.0.7 a line may have a quantity and no amount."""
        text = row.get("TRANSACTIONCURRENCYAMOUNT", "")
        if not text and not Decimal(quantity):
            raise RowError("TRANSACTIONCURRENCYAMOUNT", must_be_filled("Amount"))
        return decimal_of(text or "0", "TRANSACTIONCURRENCYAMOUNT")

    def _accounting(self, amount: str, currency: str, day: str) -> str:
        if currency == self.setup.currency or not self.setup.checks_rows:
            return amount
        found = exchange.accounting_amount(list(self.setup.rates), Decimal(amount), currency, self.setup.currency, day)
        if found is None:
            text = f"There is no budget exchange rate between {currency} and {self.setup.currency} on {day}."
            raise RowError("CURRENCYCODE", text)
        return format(found, "f")

    def _dimensions(self, row: Row, day: str) -> tuple[str, str, str]:
        """Display value, main account and account structure of a line."""
        text, segments = row.get("DIMENSIONDISPLAYVALUE", ""), self.setup.segments
        if not segments:
            if self.setup.checks_format:
                raise RowError("DIMENSIONDISPLAYVALUE", "No active budget register dimension format is set up.")
            return text, "", row.get("DIMENSIONACCOUNTSTRUCTURE", "")
        sent = text.split(self.setup.delimiter)
        parts = sent[: len(segments)]  # extra segments are dropped without a word
        parts += [""] * (len(segments) - len(parts))
        values = dict(zip(segments, parts, strict=True))
        if self.setup.checks_rows:
            self._check_values(values, day)
        structure = self._structure(row.get("DIMENSIONACCOUNTSTRUCTURE", ""), values, day)
        kept = parts if self.setup.checks_format else parts + sent[len(segments) :]
        return self.setup.delimiter.join(kept), values.get("MainAccount", ""), structure

    def _check_values(self, values: Mapping[str, str], day: str) -> None:
        if "MainAccount" in values and not values["MainAccount"]:
            raise RowError("DIMENSIONDISPLAYVALUE", must_be_filled("Main account"))
        for name, value in values.items():
            if value:
                self._check_value(name, value, day)

    def _check_value(self, name: str, value: str, day: str) -> None:
        longest = self.setup.longest_code
        if longest is not None and len(value) > longest:
            raise RowError("DIMENSIONDISPLAYVALUE", f"{name} {value} is longer than {longest} characters.")
        found = self.setup.members.get(name, {}).get(value)
        if found is None:
            raise RowError("DIMENSIONDISPLAYVALUE", not_found(value, name, name))
        if not found.is_usable(day):
            raise RowError("DIMENSIONDISPLAYVALUE", f"{name} {value} is suspended or not active on {day}.")
        if found.is_total:
            raise RowError("DIMENSIONDISPLAYVALUE", f"{name} {value} is a total and takes no entry.")
        if found.is_blocked:
            raise RowError("DIMENSIONDISPLAYVALUE", f"{name} {value} does not allow manual entry.")

    def _structure(self, named: str, values: Mapping[str, str], day: str) -> str:
        structures = self.setup.structures
        if not self.setup.checks_rows:
            return named or next((structure.name for structure in structures), "")
        if named and named not in [structure.name for structure in structures]:
            raise RowError(
                "DIMENSIONACCOUNTSTRUCTURE", not_found(named, "Accounting structure", "Accounting structures")
            )
        if not named and not self.setup.derives_structure:
            raise RowError("DIMENSIONACCOUNTSTRUCTURE", must_be_filled("Accounting structure"))
        wanted = [structure for structure in structures if not named or structure.name == named]
        for structure in wanted:
            if structure.allows(values, day):
                return structure.name
        if not wanted:
            # The mission: a default account structure must be there before entries can be created. Wording our own.
            raise RowError("DIMENSIONACCOUNTSTRUCTURE", "The ledger has no account structure.")
        shown = self.setup.delimiter.join(values.values())
        text = f"The combination {shown} is not allowed by the account structure {wanted[0].name}."
        raise RowError("DIMENSIONDISPLAYVALUE", text)
