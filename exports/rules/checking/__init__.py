"""Is a configuration fit to be exported? Facts in, problems out; all of them together."""

from .chosen import check_choices, check_cube, check_mapping
from .facts import CubeFacts, ValueRows
from .values import (
    AMOUNT_TYPES,
    check_amount_types,
    check_currencies,
    check_dates,
    check_dimension,
    check_rows,
)

__all__ = [
    "AMOUNT_TYPES",
    "CubeFacts",
    "ValueRows",
    "check_amount_types",
    "check_choices",
    "check_cube",
    "check_currencies",
    "check_dates",
    "check_dimension",
    "check_mapping",
    "check_rows",
]
