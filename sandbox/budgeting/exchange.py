"""Amounts in the accounting currency: the budget exchange rate of the day, exact, rounded once to minor units."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from babel.numbers import get_currency_precision

from sandbox.budgeting.account_structures import is_active
from sandbox.store import Store

FACTORS = {"One": 1, "Ten": 10, "Hundred": 100, "Thousand": 1000, "TenThousand": 10_000}
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)


@dataclass(frozen=True)
class Rate:
    """`rate` units of the second currency for `factor` units of the first."""

    source: str
    target: str
    first: str
    last: str
    rate: Decimal
    factor: int


def read(store: Store, rate_type: str) -> list[Rate]:
    """The rates of a type, the newest first."""
    rows = store.rows("SELECT * FROM ExchangeRates WHERE RateTypeName = ? ORDER BY StartDate DESC", (rate_type,))
    return [
        Rate(
            row["FromCurrency"],
            row["ToCurrency"],
            row["StartDate"],
            row["EndDate"],
            Decimal(row["Rate"]),
            FACTORS[row["ConversionFactor"]],
        )
        for row in rows
    ]


def accounting_amount(rates: list[Rate], amount: Decimal, source: str, target: str, day: str) -> Decimal | None:
    """The amount in the target currency, rounded half up to its minor units; None when no rate is known for the day.

    A rate of the other direction is used when there is none of this one.
    """
    for rate in rates:
        if not rate.rate or not is_active(rate.first, rate.last, day):
            continue
        if (rate.source, rate.target) == (source, target):
            return _rounded(_EXACT.divide(_EXACT.multiply(amount, rate.rate), Decimal(rate.factor)), target)
        if (rate.source, rate.target) == (target, source):
            return _rounded(_EXACT.divide(_EXACT.multiply(amount, Decimal(rate.factor)), rate.rate), target)
    return None


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-get_currency_precision(currency)), context=_EXACT)
