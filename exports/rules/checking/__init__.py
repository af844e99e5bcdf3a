"""Is a configuration fit to be exported? Facts in, problems out; all of them together."""

from .chosen import check_choices, check_cube, check_mapping, unknown_entity
from .constants import check_constant, check_constant_date
from .facts import CubeFacts, ValueRows
from .texts import check_name, check_texts
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
    "check_constant",
    "check_constant_date",
    "check_cube",
    "check_currencies",
    "check_dates",
    "check_dimension",
    "check_mapping",
    "check_name",
    "check_rows",
    "check_texts",
    "unknown_entity",
]
