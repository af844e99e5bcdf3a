"""Minor units of currencies, from ISO 4217 as CLDR publishes it."""

from functools import cache

from babel.numbers import get_currency_precision


@cache
def minor_units(currency: str) -> int:
    """Decimal places of `currency`: 2 for USD, 0 for JPY, 3 for KWD; 2 for a code that is not known."""
    return get_currency_precision(currency)
