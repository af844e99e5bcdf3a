"""An export configuration as a JSON file, for commands and the API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bpp_portal.kernel.problems import Problem
from cubes.rules.slices import ColumnRef, Condition, Operator

from .configuration import Configuration, LineDetail, Source

KNOWN = {
    "name",
    "environment",
    "cube",
    "legal_entity",
    "budget_model",
    "budget_code",
    "line_detail",
    "mapping",
    "filters",
}


@dataclass(frozen=True)
class ConfigurationFile:
    """What the file says; `problems` is not empty when it cannot be read as a configuration."""

    cube: str
    environment: str
    configuration: Configuration
    problems: tuple[Problem, ...]


def read(data: Any) -> ConfigurationFile:
    """Read parsed JSON. Every finding is named with its place; nothing is guessed."""
    if not isinstance(data, Mapping):
        return _refused("The configuration is not a JSON object.", "")
    problems = [_problem(f"{key} is not a field of a configuration.", key) for key in data if key not in KNOWN]
    texts = {}
    for key in ("name", "cube", "environment", "legal_entity", "budget_model", "budget_code"):
        value = data.get(key, "")
        if not isinstance(value, str):
            problems.append(_problem(f"{key} must be text.", key))
            value = ""
        texts[key] = value
    detail = data.get("line_detail", LineDetail.AGGREGATE.value)
    if detail not in [item.value for item in LineDetail]:
        problems.append(_problem("line_detail must be aggregate or record.", "line_detail"))
        detail = LineDetail.AGGREGATE.value
    mapping, found = _mapping(data.get("mapping", {}))
    conditions, refused = _conditions(data.get("filters", []))
    configuration = Configuration(
        texts["name"],
        texts["legal_entity"],
        texts["budget_model"],
        texts["budget_code"],
        LineDetail(detail),
        mapping,
        conditions,
    )
    return ConfigurationFile(texts["cube"], texts["environment"], configuration, tuple(problems + found + refused))


def _problem(text: str, field: str) -> Problem:
    return Problem("BRE-CONFIGURATION", text, field)


def _refused(text: str, field: str) -> ConfigurationFile:
    return ConfigurationFile("", "", Configuration(), (_problem(text, field),))


def _mapping(data: Any) -> tuple[dict[str, Source], list[Problem]]:
    if not isinstance(data, Mapping):
        return {}, [_problem("mapping must be an object: target → column or constant.", "mapping")]
    mapping, problems = {}, []
    for target, source in data.items():
        ok = (
            isinstance(source, Mapping)
            and len(source) == 1
            and all(key in ("column", "constant") and isinstance(value, str) for key, value in source.items())
        )
        if ok:
            mapping[str(target)] = Source(source.get("column", ""), source.get("constant", ""))
        else:
            text = f'The mapping of {target} must be {{"column": "Dimension.Column"}} or {{"constant": "…"}}.'
            problems.append(_problem(text, f"mapping-{target}"))
    return mapping, problems


def _conditions(data: Any) -> tuple[tuple[Condition, ...], list[Problem]]:
    if not isinstance(data, list):
        return (), [_problem("filters must be a list.", "filters")]
    conditions, problems = [], []
    for index, item in enumerate(data):
        try:
            values = item.get("values", [])
            if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
                raise ValueError("values must be a list of texts")
            column = ColumnRef.parse(item["column"])
            conditions.append(Condition(column, Operator(item["operator"]), tuple(values)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            operators = ", ".join(operator.value for operator in Operator)
            text = (
                f"Filter {index + 1} is not a condition ({error}). It needs column, operator ({operators}) and values."
            )
            problems.append(_problem(text, f"filter-{index}"))
    return tuple(conditions), problems
