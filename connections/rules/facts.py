"""What Finance says about itself, as plain values. Codes are text exactly as Finance has them."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class LegalEntity:
    code: str
    name: str


@dataclass(frozen=True)
class BudgetModel:
    code: str
    name: str
    stopped: bool


@dataclass(frozen=True)
class BudgetCode:
    code: str
    description: str
    budget_type: str  # member name of BudgetTransactionType, e.g. "OriginalBudget"
    is_default: bool


@dataclass(frozen=True)
class FiscalPeriod:
    """One operating period of the ledger's calendar; both days belong to it."""

    name: str
    start: date
    end: date
    status: str  # "Open", "OnHold", "Closed"


@dataclass(frozen=True)
class MemberStatus:
    """One value of a financial dimension or one main account. A bound of None is no bound."""

    value: str
    suspended: bool
    active_from: date | None
    active_to: date | None
    description: str
    account_type: str = ""  # main accounts only: "Revenue", "Expense", …


@dataclass(frozen=True)
class BudgetSchema:
    """All that a mapping to one legal entity is checked against.

    `segments` are the dimension names in the order of the active budget register dimension format (the first is named
    as the format names it, usually "MainAccount"); a line's dimension value joins them with `delimiter`, without
    escaping.
    """

    legal_entity: LegalEntity
    accounting_currency: str
    delimiter: str
    segments: tuple[str, ...]
    budget_dimensions: tuple[str, ...]
    models: tuple[BudgetModel, ...]
    codes: tuple[BudgetCode, ...]
    periods: tuple[FiscalPeriod, ...]
    currencies: frozenset[str]


def unseparated(form: str, delimiter: str) -> str:
    """Why a dimension format can't be read with the delimiter: no segment of it is the main account. Else empty."""
    if "MainAccount" in form.split(delimiter):
        return ""
    return f"The format {form} is not separated by the delimiter {delimiter}"


SEPARATE = (
    "In Finance, give the budget register dimension format and General ledger parameters, Chart of accounts and "
    "dimensions, the same delimiter. A Finance administrator can."
)
