"""Can the texts of a configuration be stored and sent at all? Judged first: the other rules quote what they refuse."""

from collections.abc import Iterator

from bpp_portal.kernel.problems import Problem
from cubes.rules.values import storable
from exports.rules.configuration import Configuration

# Characters that the columns of the database keep, by field.
LONGEST = {"legal_entity": 20, "budget_model": 60, "budget_code": 60}
LONGEST_NAME = 100
LONGEST_TARGET = 100
LONGEST_SOURCE = 250
LABELS = {"legal_entity": "legal entity", "budget_model": "budget model", "budget_code": "budget code"}


def check_name(name: str) -> list[Problem]:
    """A name is there, not too long, and holds nothing that cannot be stored."""
    if not storable(name):
        return [_unstorable("name", "name")]
    if not name.strip():
        return [Problem("BRE-NAME", "Enter a name for this export.", "name")]
    if len(name) > LONGEST_NAME:
        return [Problem("BRE-NAME", f"Shorten the name to {LONGEST_NAME} characters.", "name")]
    return []


def check_texts(chosen: Configuration) -> list[Problem]:
    """Every text but the name that the database could not keep, at its field. At most one problem for each field."""
    found = [*_choices(chosen), *_sources(chosen), *_conditions(chosen)]
    return list({problem.field: problem for problem in reversed(found)}.values())[::-1]


def _choices(chosen: Configuration) -> Iterator[Problem]:
    for field, longest in LONGEST.items():
        yield from _text(getattr(chosen, field), LABELS[field], field, longest)


def _sources(chosen: Configuration) -> Iterator[Problem]:
    for target, source in chosen.mapping.items():
        unfit = list(_text(target, "name of a mapped field", "mapping", LONGEST_TARGET))
        yield from unfit
        if not unfit:
            field = f"mapping-{target}"
            yield from _text(source.column, f"column for {target}", field, LONGEST_SOURCE)
            yield from _text(source.constant, f"constant for {target}", field, LONGEST_SOURCE)


def _conditions(chosen: Configuration) -> Iterator[Problem]:
    for index, condition in enumerate(chosen.conditions):
        field = f"filters.{index}"
        yield from _text(str(condition.column), f"column of filter {index + 1}", field, LONGEST_SOURCE)
        if not all(map(storable, condition.values)):
            yield _unstorable(f"value of filter {index + 1}", field)


def _text(value: str, label: str, field: str, longest: int) -> Iterator[Problem]:
    if not storable(value):
        yield _unstorable(label, field)
    elif len(value) > longest:
        yield Problem("BRE-TOO-LONG", f"Shorten the {label} to {longest} characters. It has {len(value):,}.", field)


def _unstorable(label: str, field: str) -> Problem:
    text = f"The {label} holds a character that no text in Finance can have. Enter it again without it."
    return Problem("BRE-CHARACTER", text, field)
