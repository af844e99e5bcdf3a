"""The tables of a load: where each comes from, how its file is read, and what became of it."""

from dataclasses import dataclass

from cubes.intake import Source, Table, open_table
from cubes.rules.headers import Match, Wanted, match_headers, wanted_facts, wanted_members
from cubes.rules.loading import TableState, state_of
from cubes.rules.shape import CubeShape, DataType, DimensionShape

from .notations import Notations, Reading, reading_of
from .refusals import LoadRefused
from .refused import Place, Report

FACTS_NAME = "Facts"


@dataclass(frozen=True)
class TableReport:
    """One row of the load report; `key` is empty for the facts."""

    key: str
    name: str
    file: str = ""
    sheet: str = ""
    processed: int = 0
    loaded: int = 0
    numbers: str = ""
    dates: str = ""
    note: str = ""
    skipped: bool = False

    @property
    def failed(self) -> int:
        return self.processed - self.loaded

    @property
    def state(self) -> TableState:
        return TableState.SKIPPED if self.skipped else state_of(loaded=self.loaded, failed=self.failed)


@dataclass(frozen=True)
class Opened:
    """A file that fits its table, and how it is read."""

    table: Table
    match: Match
    place: Place
    reading: Reading
    has_numbers: bool
    has_dates: bool

    def report(self, *, processed: int, loaded: int, note: str = "") -> TableReport:
        """What became of it."""
        said = " ".join(text for text in (self.reading.said, note) if text)
        place = self.place
        numbers = self.reading.numbers if self.has_numbers else ""
        dates = self.reading.dates if self.has_dates else ""
        return TableReport(place.key, place.name, place.file, place.sheet, processed, loaded, numbers, dates, said)


def open_facts(shape: CubeShape, source: Source, notations: Notations, report: Report) -> Opened:
    """The file of facts. LoadRefused when it does not fit the cube or its notation must be asked."""
    numbers = [f"m_{driver.logical_name}" for driver in shape.drivers]
    return _open(("", FACTS_NAME), source, wanted_facts(shape), notations, report, numbers, [])


def open_members(dimension: DimensionShape, source: Source, notations: Notations, report: Report) -> Opened:
    """The file of members. LoadRefused when it does not fit the dimension or its notation must be asked."""
    numeric = (DataType.DECIMAL, DataType.INTEGER)
    numbers = [column.logical_name for column in dimension.columns if column.data_type in numeric]
    dates = [column.logical_name for column in dimension.columns if column.data_type is DataType.DATE]
    key = (dimension.logical_name, dimension.name)
    return _open(key, source, wanted_members(dimension), notations, report, numbers, dates)


def _open(
    key: tuple[str, str],
    source: Source,
    wanted: list[Wanted],
    notations: Notations,
    report: Report,
    numbers: list[str],
    dates: list[str],
) -> Opened:
    table = open_table(source)
    match, problems = match_headers(table.headers, wanted, source.label)
    if problems:
        raise LoadRefused(problems)
    for note in table.notes:
        report.note(f"{source.label}: {note}")
    if match.unused:
        report.note(f"{source.label}: columns not used: {', '.join(match.unused)}.")
    at = match.positions
    reading = reading_of(table, source.label, notations, [at[name] for name in numbers], [at[name] for name in dates])
    return Opened(
        table, match, Place(*key, source.label, table.sheet, tuple(table.headers)), reading, bool(numbers), bool(dates)
    )
