"""The pane's form: from what a browser posts to a configuration, and back. Values stay byte for byte.

A plain dataclass instead of a Django form: nothing is required while it is being filled, nothing may be trimmed, and
the fields depend on what Finance answers.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from django.http import QueryDict

from bpp_portal.kernel.problems import Problem
from cubes.rules.slices import ColumnRef, Condition, Operator
from exports.rules.configuration import Configuration, LineDetail, Source

CONSTANT = "constant"
COLUMN = "column:"
FIXED = "fixed:"
WITHOUT_VALUES = (Operator.BLANK.value, Operator.NOT_BLANK.value)
MOST_FILTERS = 100


@dataclass(frozen=True)
class FilterRow:
    """One condition as it stands in the form; it may still be incomplete."""

    column: str = ""
    operator: str = Operator.IN.value
    values: tuple[str, ...] = ()
    typed: str = ""

    def condition(self) -> Condition | None:
        if not self.column:
            return None
        return Condition(ColumnRef.parse(self.column), Operator(self.operator), self.values)


@dataclass(frozen=True)
class PaneForm:
    """Everything that the pane posts."""

    token: uuid.UUID = field(default_factory=uuid.uuid4)
    environment: str = ""  # its number; empty in a form that nobody has seen yet
    name: str = ""
    legal_entity: str = ""
    budget_model: str = ""
    budget_code: str = ""
    line_detail: LineDetail = LineDetail.AGGREGATE
    mapping: Mapping[str, Source] = field(default_factory=dict)
    constants: frozenset[str] = frozenset()  # targets whose constant is being typed
    filters: tuple[FilterRow, ...] = ()
    seen: frozenset[str] = frozenset()  # targets that were shown before: no suggestion is filled in again
    entity_before: str = ""
    reuse: str = ""
    draft: str = ""

    def unfinished(self) -> list[Problem]:
        """Conditions that somebody began and did not finish; nothing that was typed is left out in silence."""
        problems = []
        for index, row in enumerate(self.filters):
            if not row.column:
                text = "A condition has no column. Choose one, or remove the condition."
                problems.append(Problem("BRE-FILTER-OPEN", text, f"filter-row-{index}"))
            elif row.typed:
                text = f"{row.typed} is typed but not added. Add it, or clear the box."
                problems.append(Problem("BRE-FILTER-OPEN", text, f"filter-row-{index}"))
        return problems

    def configuration(self) -> Configuration:
        """The configuration as far as it is filled in."""
        conditions = tuple(c for row in self.filters if (c := row.condition()) is not None)
        return Configuration(
            self.name,
            self.legal_entity,
            self.budget_model,
            self.budget_code,
            self.line_detail,
            {name: source for name, source in self.mapping.items() if source or name in self.constants},
            conditions,
        )


def of_configuration(chosen: Configuration, **rest: str) -> PaneForm:
    """The form filled with `chosen`."""
    return PaneForm(
        name=chosen.name,
        legal_entity=chosen.legal_entity,
        budget_model=chosen.budget_model,
        budget_code=chosen.budget_code,
        line_detail=chosen.line_detail,
        mapping=dict(chosen.mapping),
        filters=tuple(FilterRow(str(c.column), c.operator.value, c.values) for c in chosen.conditions),
        seen=frozenset(chosen.mapping),
        entity_before=chosen.legal_entity,
        **rest,  # type: ignore[arg-type]
    )


def read_form(data: QueryDict) -> PaneForm:
    """What was posted. Nothing is stripped."""
    detail = data.get("line_detail", "")
    mapping, constants = _mapping(data)
    return PaneForm(
        token=_token(data.get("token", "")),
        environment=data.get("environment", ""),
        name=data.get("name", ""),
        legal_entity=data.get("legal_entity", ""),
        budget_model=data.get("budget_model", ""),
        budget_code=data.get("budget_code", ""),
        line_detail=LineDetail(detail) if detail in list(LineDetail) else LineDetail.AGGREGATE,
        mapping=mapping,
        constants=constants,
        filters=_filters(data),
        seen=frozenset(data.getlist("seen")),
        entity_before=data.get("entity_before", ""),
        reuse=data.get("reuse", ""),
        draft=data.get("draft", ""),
    )


def _token(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.uuid4()


def _mapping(data: QueryDict) -> tuple[dict[str, Source], frozenset[str]]:
    mapping, constants = {}, set()
    for key in data:
        if not key.startswith("map-"):
            continue
        target, choice = key.removeprefix("map-"), data.get(key, "")
        if choice.startswith(COLUMN):
            mapping[target] = Source(column=choice.removeprefix(COLUMN))
        elif choice.startswith(FIXED):
            mapping[target] = Source(constant=choice.removeprefix(FIXED))
        elif choice == CONSTANT:
            constants.add(target)
            mapping[target] = Source(constant=data.get(f"const-{target}", ""))
    return mapping, frozenset(constants)


def _filters(data: QueryDict) -> tuple[FilterRow, ...]:
    count = data.get("filter-count", "0")
    rows = []
    for index in range(min(int(count) if count.isdigit() else 0, MOST_FILTERS)):
        rows.append(_filter(data, f"filter-{index}"))
    return tuple(rows)


def _filter(data: QueryDict, name: str) -> FilterRow:
    column, operator = data.get(f"{name}-column", ""), data.get(f"{name}-operator", "")
    operator = operator if operator in list(Operator) else Operator.IN.value
    if column != data.get(f"{name}-was", column):
        return FilterRow(column)  # the values were those of another column
    values = () if operator in WITHOUT_VALUES else tuple(data.getlist(f"{name}-value"))
    return FilterRow(column, operator, values, data.get(f"{name}-add", ""))


def acted(form: PaneForm, action: str) -> PaneForm:
    """The form after one of its buttons: add or remove a filter or a value, take a suggestion."""
    verb, _, rest = action.partition(":")
    if verb == "add-filter":
        return replace(form, filters=(*form.filters, FilterRow()))
    if verb == "use":
        target, _, column = rest.partition(":")
        return replace(form, mapping={**form.mapping, target: Source(column=column)})
    if verb == "unmap":
        return replace(form, mapping={name: source for name, source in form.mapping.items() if name != rest})
    number, _, value = rest.partition(":")
    if not number.isdigit() or int(number) >= len(form.filters):
        return form
    index = int(number)
    row = form.filters[index]
    if verb == "remove-filter":
        return replace(form, filters=form.filters[:index] + form.filters[index + 1 :])
    if verb == "add" and row.typed and row.typed not in row.values:
        row = replace(row, values=(*row.values, row.typed), typed="")
    elif verb == "pick" and value not in row.values:
        row = replace(row, values=(*row.values, value), typed="")
    elif verb == "drop" and value.isdigit():
        row = replace(row, values=tuple(v for i, v in enumerate(row.values) if i != int(value)))
    return replace(form, filters=(*form.filters[:index], row, *form.filters[index + 1 :]))


def form_data(chosen: Configuration) -> dict[str, object]:
    """A configuration as the form posts it; also what a test sends in a browser's place."""
    data: dict[str, object] = {
        "token": str(uuid.uuid4()),
        "name": chosen.name,
        "legal_entity": chosen.legal_entity,
        "entity_before": chosen.legal_entity,
        "budget_model": chosen.budget_model,
        "budget_code": chosen.budget_code,
        "line_detail": chosen.line_detail.value,
        "filter-count": str(len(chosen.conditions)),
        "seen": ["MainAccount", "Department", "Fund", "Date", "Amount", "AmountType", "Currency"],
    }
    for target, source in chosen.mapping.items():
        data[f"map-{target}"] = f"{COLUMN}{source.column}" if source.column else f"{FIXED}{source.constant}"
    for index, condition in enumerate(chosen.conditions):
        data[f"filter-{index}-column"] = str(condition.column)
        data[f"filter-{index}-operator"] = condition.operator.value
        data[f"filter-{index}-value"] = list(condition.values)
    return data
