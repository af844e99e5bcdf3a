"""Whether a slice fits a cube: operators, values and types of its conditions."""

from bpp_portal.kernel.problems import Problem

from .shape import CubeShape, DataType
from .slices import Condition, Operator, Slice
from .values import parse, shown, storable

_WITHOUT_VALUES = {Operator.BLANK, Operator.NOT_BLANK}
_LISTS = {Operator.IN, Operator.NOT_IN}
OPERATORS: dict[DataType, frozenset[Operator]] = {
    DataType.TEXT: frozenset(Operator),
    DataType.DATE: frozenset(_LISTS | _WITHOUT_VALUES | {Operator.BETWEEN}),
    DataType.DECIMAL: frozenset(_LISTS | _WITHOUT_VALUES | {Operator.BETWEEN}),
    DataType.INTEGER: frozenset(_LISTS | _WITHOUT_VALUES | {Operator.BETWEEN}),
    DataType.BOOLEAN: frozenset(_LISTS | _WITHOUT_VALUES),
}


def slice_problems(shape: CubeShape, slice_: Slice) -> list[Problem]:
    """What in `slice_` does not fit the cube. `field` is `filters.<index of the condition>`."""
    found: list[Problem] = []
    for index, condition in enumerate(slice_.conditions):
        problem = _condition_problem(shape, condition, f"filters.{index}")
        if problem:
            found.append(problem)
    return found


def _condition_problem(shape: CubeShape, condition: Condition, field: str) -> Problem | None:
    place = shape.find(condition.column)
    if place is None:
        return Problem(
            "filter-column-unknown",
            f"{condition.column} is not a column of {shape.name}. Choose another column or remove the filter.",
            field,
        )
    column = place[1]
    allowed = OPERATORS[column.data_type]
    if condition.operator not in allowed:
        fitting = ", ".join(operator.value for operator in Operator if operator in allowed)
        return Problem(
            "filter-operator-unfit",
            f"{condition.column} is of type {column.data_type}; *{condition.operator}* does not fit it. "
            f"Choose one of: {fitting}.",
            field,
        )
    return _count_problem(condition, field) or _values_problem(condition, column.data_type, column.precision, field)


def _count_problem(condition: Condition, field: str) -> Problem | None:
    values, name = condition.values, condition.column
    if condition.operator in _WITHOUT_VALUES:
        if values:
            message = f"*{condition.operator}* takes no value. Remove the values of the filter on {name}."
            return Problem("filter-values-unfit", message, field)
        return None
    if condition.operator is Operator.BETWEEN:
        if len(values) != 2 or "" in values:
            message = f"The filter on {name} needs a first and a last value. Enter both."
            return Problem("filter-values-missing", message, field)
        return None
    empty_means_all = condition.operator not in _LISTS and "" in values
    if not values or empty_means_all:
        message = f"The filter on {name} has no value. Enter one or remove the filter."
        return Problem("filter-values-missing", message, field)
    return None


def _values_problem(condition: Condition, data_type: DataType, precision: int, field: str) -> Problem | None:
    name, bad = condition.column, [value for value in condition.values if not storable(value)]
    if bad:
        message = f"The filter on {name} holds a character that no value can have. Enter it again."
        return Problem("filter-value-unfit", message, field, examples=tuple(ascii(value) for value in bad[:3]))
    reasons: dict[str, str] = {}
    for value in filter(None, condition.values):
        try:
            parse(value, data_type, precision)
        except ValueError as error:
            reasons[value] = str(error)
    if reasons:
        message = f"The filter on {name} cannot be read: {next(iter(reasons.values()))}"
        return Problem("filter-value-unfit", message, field, examples=tuple(reasons)[:3])
    if condition.operator is Operator.BETWEEN:
        first, last = (parse(value, data_type, precision) for value in condition.values)
        if first > last:  # type: ignore[operator]
            first_text, last_text = condition.values
            message = f"The filter on {name} begins at {shown(first_text)} after its end {shown(last_text)}. Swap them."
            return Problem("filter-values-unfit", message, field)
    return None
