"""Which notation of numbers and dates a file uses: chosen by a person, or found and said, or asked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bpp_portal.kernel.problems import Problem
from cubes.intake import Table
from cubes.rules.notation import (
    DateNotation,
    Evidence,
    Example,
    NumberNotation,
    date_notation,
    fits_date,
    number_notation,
    number_pattern,
    plain_date,
    plain_number,
    replacements,
)

from .refusals import LoadRefused


@dataclass(frozen=True)
class Notations:
    """How numbers and dates are written. None = as the file shows."""

    numbers: NumberNotation | None = NumberNotation.PLAIN
    dates: DateNotation | None = DateNotation.ISO


Fits = Callable[[pa.Array], dict[str, np.ndarray]]
Plain = Callable[[str, Any], str]
PLAIN = Notations()
AS_DETECTED = Notations(None, None)


@dataclass(frozen=True)
class Reading:
    """The notations one file is read with, and a sentence that says so; empty when nothing was found out."""

    numbers: NumberNotation
    dates: DateNotation
    said: str


def reading_of(table: Table, file: str, wish: Notations, numbers: Iterable[int], dates: Iterable[int]) -> Reading:
    """How to read `table`, whose columns at `numbers` and `dates` hold these. LoadRefused when that must be asked."""
    said = []
    number, date = wish.numbers, wish.dates
    numbers, dates = list(numbers), list(dates)
    if number is None:
        seen = _seen(table, numbers, _number_fits)
        number = number_notation(seen)
        if number is None:
            raise LoadRefused([_ask_number(seen, file)])
        said += [_said("Numbers", seen.example, number, plain_number)]
    if date is None:
        seen = _seen(table, dates, _date_fits)
        date = date_notation(seen)
        if date is None:
            raise LoadRefused([_ask_date(seen, file)])
        said += [_said("Dates", seen.example, date, plain_date)]
    return Reading(number, date, " ".join(sentence for sentence in said if sentence))


def plain_numbers(texts: pa.Array, typed: pa.Array | None, notation: NumberNotation) -> tuple[pa.Array, pa.Array]:
    """The texts in plain digits, missing where one does not fit; and which fit. Typed cells are plain already."""
    fits = pc.fill_null(pc.match_substring_regex(texts, number_pattern(notation)), False)
    plain = texts
    for mark, by in replacements(notation):
        plain = pc.replace_substring(plain, mark, by)
    if typed is not None:
        fits, plain = pc.or_(fits, typed), pc.if_else(typed, texts, plain)
    return pc.if_else(fits, plain, pa.scalar(None, pa.string())), fits


def _seen(table: Table, places: list[int], fits: Fits) -> Evidence:
    """Texts that fit some notation but not this one. The example is the first text that does not fit all."""
    misfits: dict[str, int] = {}
    example = None
    for batch in table.batches if places else ():
        for place in places:
            texts = batch.columns[place]
            if batch.typed:
                texts = pc.if_else(batch.typed[place], pa.scalar(None, pa.string()), texts)
            found = fits(texts)
            some = np.logical_or.reduce(list(found.values()))
            for notation, mask in found.items():
                misfits[notation] = misfits.get(notation, 0) + int(np.count_nonzero(some & ~mask))
            telling = np.flatnonzero(some & ~np.logical_and.reduce(list(found.values())))
            if example is None and len(telling):
                row = int(telling[0])
                example = Example(texts[row].as_py(), table.headers[place], int(batch.lines[row]))
    return Evidence(misfits, example)


def _number_fits(texts: pa.Array) -> dict[str, np.ndarray]:
    return {str(item): _mask(pc.match_substring_regex(texts, number_pattern(item))) for item in NumberNotation}


def _date_fits(texts: pa.Array) -> dict[str, np.ndarray]:
    encoded = pc.fill_null(texts, "").dictionary_encode()
    values = encoded.dictionary.to_pylist()
    places = encoded.indices.to_numpy(zero_copy_only=False)
    return {
        str(item): np.array([fits_date(text, item) for text in values], dtype=bool)[places]
        if values
        else np.zeros(0, dtype=bool)
        for item in DateNotation
    }


def _mask(found: pa.Array) -> np.ndarray:
    mask: np.ndarray = pc.fill_null(found, False).to_numpy(zero_copy_only=False)
    return mask


def _said(what: str, example: Example | None, notation: NumberNotation | DateNotation, plain: Plain) -> str:
    if example is None:
        return ""
    try:
        read = f", so '{example.text}' is {plain(example.text, notation)}"
    except ValueError:
        read = ""
    return f"{what} were read as {notation}{read} (found in the file)."


def _ask_number(seen: Evidence, file: str) -> Problem:
    example = seen.example
    message = (
        f"{file} does not show how its numbers are written: '{example.text}' in column {example.column}, "
        f"line {example.line}, may have a point or a comma before the decimals. Choose how numbers are written."
        if example
        else ""
    )
    return Problem("number-notation-unclear", message, "numbers")


def _ask_date(seen: Evidence, file: str) -> Problem:
    example = seen.example
    message = (
        f"{file} does not show how its dates are written: '{example.text}' in column {example.column}, "
        f"line {example.line}, can begin with the day or with the month. Choose how dates are written."
        if example
        else ""
    )
    return Problem("date-notation-unclear", message, "dates")
