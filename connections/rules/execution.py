"""What Finance says about an import and about the entry it made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from .wire import amount_of, day_of, text_of, whole_of


class ExecutionStatus(StrEnum):
    """`DmfExecutionSummaryStatus`, plus our own NOT_FOUND: Finance does not know the execution (yet)."""

    UNKNOWN = "Unknown"
    NOT_RUN = "NotRun"
    EXECUTING = "Executing"
    SUCCEEDED = "Succeeded"
    PARTIALLY_SUCCEEDED = "PartiallySucceeded"
    FAILED = "Failed"
    CANCELED = "Canceled"
    NOT_FOUND = "NotFound"

    @property
    def is_final(self) -> bool:
        return self in _FINAL


_FINAL = frozenset(
    {
        ExecutionStatus.SUCCEEDED,
        ExecutionStatus.PARTIALLY_SUCCEEDED,
        ExecutionStatus.FAILED,
        ExecutionStatus.CANCELED,
    }
)


@dataclass(frozen=True)
class Counts:
    """Records of one execution so far."""

    to_process: int
    staged: int
    created: int
    updated: int


@dataclass(frozen=True)
class ExecutionError:
    """One refused record. `record_id` is Finance's own staging id, not a line number."""

    record_id: str
    field: str
    message: str


@dataclass(frozen=True)
class EntryHeader:
    """A budget register entry as it stands in Finance; totals in the accounting currency."""

    entry_number: str
    legal_entity: str
    budget_model: str
    budget_code: str
    budget_type: str
    status: str
    workflow_status: str
    expense_total: Decimal
    revenue_total: Decimal


@dataclass(frozen=True)
class EntryLine:
    """One line of an entry as it stands in Finance."""

    line_number: int
    display_value: str
    amount: Decimal
    currency: str
    amount_type: str  # "Expense" or "Revenue"
    date: date
    comment: str


COUNT_FIELDS = (
    "StagingRecordsToBeProcessedCount",
    "StagingRecordsCreatedCount",
    "TargetRecordsCreatedCount",
    "TargetRecordsUpdatedCount",
)
HEADER_FIELDS = (
    "EntryNumber",
    "LegalEntityId",
    "BudgetModelId",
    "BudgetCode",
    "BudgetType",
    "Status",
    "WorkflowStatus",
    "ExpenseBudgetTotal",
    "RevenueBudgetTotal",
)
LINE_FIELDS = (
    "LineNumber",
    "EntryDate",
    "DimensionDisplayValue",
    "TransactionCurrencyAmount",
    "CurrencyCode",
    "AmountType",
    "Comment",
)


def counts_of(rows: Iterable[Mapping[str, Any]]) -> Counts:
    """The counts of an execution: the sum over its entities. Raises ValueError when one is no whole number."""
    totals = [0] * len(COUNT_FIELDS)
    for row in rows:
        for position, field in enumerate(COUNT_FIELDS):
            totals[position] += whole_of(row.get(field) or 0)
    return Counts(*totals)


def header_of(row: Mapping[str, Any]) -> EntryHeader:
    """An entry's header from its row. Raises ValueError when a total is no number."""
    return EntryHeader(
        entry_number=text_of(row, "EntryNumber"),
        legal_entity=text_of(row, "LegalEntityId"),
        budget_model=text_of(row, "BudgetModelId"),
        budget_code=text_of(row, "BudgetCode"),
        budget_type=text_of(row, "BudgetType"),
        status=text_of(row, "Status"),
        workflow_status=text_of(row, "WorkflowStatus"),
        expense_total=amount_of(row.get("ExpenseBudgetTotal")),
        revenue_total=amount_of(row.get("RevenueBudgetTotal")),
    )


def line_of(row: Mapping[str, Any]) -> EntryLine:
    """An entry's line from its row; a line without a date has the day Finance shows for none, 1900-01-01.

    Raises ValueError when number, date or amount is none.
    """
    return EntryLine(
        line_number=whole_of(row.get("LineNumber")),
        display_value=text_of(row, "DimensionDisplayValue"),
        amount=amount_of(row.get("TransactionCurrencyAmount")),
        currency=text_of(row, "CurrencyCode"),
        amount_type=text_of(row, "AmountType"),
        date=day_of(row.get("EntryDate")) or date(1900, 1, 1),
        comment=text_of(row, "Comment"),
    )
