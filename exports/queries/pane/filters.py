"""The conditions of the pane."""

from cubes.rules.filters import OPERATORS
from cubes.rules.shape import DataType
from cubes.rules.slices import Operator
from exports.forms import FilterRow, PaneForm
from exports.queries.checking import Checked

from .parts import Choice, FilterView

WORDS = {
    Operator.IN: "is any of",
    Operator.NOT_IN: "is not",
    Operator.BETWEEN: "between",
    Operator.CONTAINS: "contains",
    Operator.BEGINS: "begins with",
    Operator.BLANK: "is blank",
    Operator.NOT_BLANK: "is not blank",
}


def filter_views(form: PaneForm, checked: Checked) -> tuple[FilterView, ...]:
    views, numbered = [], 0
    for index, row in enumerate(form.filters):
        # Conditions are numbered without the rows that have no column yet.
        anchor = f"filters.{numbered}" if row.column else f"filter-row-{index}"
        numbered += bool(row.column)
        views.append(_filter_view(index, row, anchor, checked))
    return tuple(views)


def _filter_view(index: int, row: FilterRow, anchor: str, checked: Checked) -> FilterView:
    names = list(checked.cube.columns)
    if row.column and row.column not in names:
        names.append(row.column)  # what no longer fits stays visible, with its problem beside it
    columns = tuple(Choice(name, name, name == row.column) for name in names)
    data_type = DataType(checked.cube.columns.get(row.column, "text"))
    allowed = [operator for operator in Operator if operator in OPERATORS[data_type] or operator == row.operator]
    operators = tuple(Choice(o.value, WORDS[o], o.value == row.operator) for o in allowed)
    return FilterView(index, row, columns, operators, anchor, tuple(checked.problems_of(anchor)))
