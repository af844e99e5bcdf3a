"""An export configuration as a JSON file, for commands and the API."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bpp_portal.kernel.problems import Problem
from cubes.rules.slices import ColumnRef, Condition, Operator
from cubes.rules.values import legible, storable

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


CONDITION = {"column", "operator", "values"}


@dataclass(frozen=True)
class ConfigurationFile:
    """What the file says; `problems` is not empty when it cannot be read as a configuration."""

    cube: str
    environment: str
    configuration: Configuration
    problems: tuple[Problem, ...]


def parse(text: str) -> Any:
    """The JSON in `text`. ValueError with a sentence for anything else, and for a name that stands twice."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError as error:
        raise ValueError("It is nested too deeply.") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{legible(twice)} stands twice in one object. Remove one.")
    return data


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
        elif key in ("cube", "environment") and not storable(value):
            problems.append(_problem(f"{key} holds a character that no name can have. Enter it again.", key))
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
    return Problem("BRE-CONFIGURATION", legible(text), legible(field))


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
        if ok and source.get("column") == "":
            continue  # no column is chosen yet
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
        unfit = _unfit(item)
        if unfit:
            problems.append(_problem(f"Filter {index + 1} is not a condition. {unfit}", f"filters.{index}"))
        else:
            column, operator = ColumnRef.parse(item["column"]), Operator(item["operator"])
            conditions.append(Condition(column, operator, tuple(item.get("values", []))))
    return tuple(conditions), problems


def _unfit(item: Any) -> str:
    """Why `item` is no condition, as a sentence; empty when it is one."""
    if not isinstance(item, Mapping):
        return "Write it as an object with column, operator and values."
    unknown = [key for key in item if key not in CONDITION]
    if unknown:
        return f"{unknown[0]} is not one of its fields: column, operator, values."
    column, operator, values = item.get("column"), item.get("operator"), item.get("values", [])
    dimension, _, name = column.partition(".") if isinstance(column, str) else ("", "", "")
    if not (dimension and name):
        return "Its column must be written as Dimension.Column."
    if operator not in list(Operator):
        return f"Its operator must be one of: {', '.join(Operator)}."
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return "Its values must be a list of texts."
    return ""
