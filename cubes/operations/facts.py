"""Facts from a file to Parquet: every record that is complete, unchanged and in its order."""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cubes.intake import Batch, Table
from cubes.rules.headers import Match
from cubes.rules.notation import NumberNotation, plain_number
from cubes.rules.shape import DECIMAL_DIGITS, CubeShape, DriverShape
from cubes.rules.values import UNSTORABLE, amount_pattern, amount_problem, bound_problem, legible, shown, storable

from .members import Members
from .notations import plain_numbers
from .refused import Place, Report, listed


def facts_schema(shape: CubeShape) -> pa.Schema:
    """The Parquet columns of the facts."""
    fields = [(f"d_{item.logical_name}", pa.string()) for item in shape.dimensions]
    fields += [(f"m_{item.logical_name}", pa.decimal128(DECIMAL_DIGITS, item.precision)) for item in shape.drivers]
    return pa.schema([*fields, ("row_no", pa.int64())])


@dataclass
class Tally:
    """What became of the records, and the exact sum of every driver by logical name."""

    processed: int = 0
    loaded: int = 0
    totals: dict[str, Decimal] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        return self.processed - self.loaded


@dataclass(frozen=True)
class Renumber:
    """Gives records of a corrected file, whose own numbers are `theirs` in order, the numbers `ours`."""

    theirs: np.ndarray
    ours: np.ndarray

    def batch(self, batch: Batch) -> Batch:
        refused = [replace(item, record=int(self._ours(item.record))) for item in batch.refused]
        return replace(batch, records=self._ours(batch.records), refused=refused)

    def _ours(self, records: Any) -> Any:
        return self.ours[np.searchsorted(self.theirs, records)]


@dataclass(frozen=True)
class FactLoader:
    """Writes the facts of one file into a folder."""

    shape: CubeShape
    place: Place
    table: Table
    match: Match
    members: Mapping[str, Members]
    numbers: NumberNotation
    report: Report
    renumber: Renumber | None = None

    def write(self, path: Path) -> Tally:
        """Write all good records to `path`; the others go to the report."""
        tally = Tally(totals={driver.logical_name: Decimal(0) for driver in self.shape.drivers})
        with pq.ParquetWriter(path, facts_schema(self.shape), compression="zstd") as writer:
            for read in self.table.batches:
                batch = self.renumber.batch(read) if self.renumber else read
                self.report.refuse_lines(self.place, batch.refused)
                facts = self._good(batch)
                tally.processed += batch.size + len(batch.refused)
                tally.loaded += len(facts)
                if len(facts):
                    writer.write_table(facts)
                    add_totals(tally.totals, self.shape, facts)
        return tally

    def _good(self, batch: Batch) -> pa.Table:
        values: dict[str, pa.Array] = {}
        bad: dict[str, pa.Array] = {}
        for dimension in self.shape.dimensions:
            name = f"d_{dimension.logical_name}"
            texts = batch.columns[self.match.positions[name]]
            values[name] = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
            members = self.members[dimension.logical_name]
            if members.grows:
                bad[name] = pc.fill_null(pc.match_substring(values[name], "\0"), False)
            else:
                bad[name] = members.unknown(values[name])
        for driver in self.shape.drivers:
            name = f"m_{driver.logical_name}"
            at = self.match.positions[name]
            typed = batch.typed[at] if batch.typed else None
            plain, _ = plain_numbers(batch.columns[at], typed, self.numbers)
            values[name], bad[name] = _amounts(plain, driver)
        values["row_no"] = pa.array(batch.records)
        facts = pa.table(values, schema=facts_schema(self.shape))
        any_bad = functools.reduce(pc.or_, bad.values())
        if pc.any(any_bad).as_py():
            self._refuse(batch, bad, any_bad)
            facts = facts.filter(pc.invert(any_bad))
        for dimension in self.shape.dimensions:
            members = self.members[dimension.logical_name]
            if members.grows:
                members.add(facts.column(f"d_{dimension.logical_name}").combine_chunks())
        return facts

    def _refuse(self, batch: Batch, bad: Mapping[str, pa.Array], any_bad: pa.Array) -> None:
        found = []
        for name, mask in bad.items():
            at = self.match.positions[name]
            texts = batch.columns[at]
            values = pc.fill_null(texts.filter(mask), "").unique().to_pylist()
            found.append((self.table.headers[at], texts, mask, {value: self._reason(name, value) for value in values}))
        self.report.refuse(self.place, listed(batch.lines, found))
        self.report.refuse_records(self.place, batch, any_bad)

    def _reason(self, name: str, value: str) -> str:
        if not storable(value):
            return UNSTORABLE.format(shown(legible(value)))
        for dimension in self.shape.dimensions:
            if name == f"d_{dimension.logical_name}":
                return f"{shown(value)} is not a member of {dimension.name}. Add the member or correct the record."
        driver = next(item for item in self.shape.drivers if name == f"m_{item.logical_name}")
        return _why(value, driver, self.numbers)


def _why(value: str, driver: DriverShape, numbers: NumberNotation) -> str:
    """Why `value` is no amount of `driver`, whichever notation a typed cell came in."""
    try:
        plain = plain_number(value, numbers) if value and numbers is not NumberNotation.PLAIN else value
    except ValueError as error:
        if amount_problem(value, driver.precision) is None:
            return bound_problem(value, driver) or str(error)
        return str(error)
    return amount_problem(plain, driver.precision) or bound_problem(plain, driver) or "The amount cannot be read."


def add_totals(totals: dict[str, Decimal], shape: CubeShape, facts: pa.Table | pa.RecordBatch) -> None:
    """Add the sum of every driver over `facts`, exact."""
    with localcontext(prec=80):  # the usual 28 digits would round the sum of long amounts
        for driver in shape.drivers:
            totals[driver.logical_name] += pc.sum(facts.column(f"m_{driver.logical_name}")).as_py()


def _amounts(texts: pa.Array, driver: DriverShape) -> tuple[pa.Array, pa.Array]:
    """The amounts, and which texts are none."""
    good = pc.fill_null(pc.match_substring_regex(texts, amount_pattern(driver.precision)), False)
    plain = pc.if_else(good, texts, pa.scalar(None, pa.string()))
    amounts = plain.cast(pa.decimal128(DECIMAL_DIGITS, driver.precision))
    outside = [pc.fill_null(compare(amounts, bound), False) for compare, bound in _bounds(driver, amounts.type)]
    return amounts, functools.reduce(pc.or_, outside, pc.invert(good))


def _bounds(driver: DriverShape, decimal: pa.DataType) -> Iterator[tuple[Callable[..., pa.Array], pa.Scalar]]:
    """Comparisons that find amounts outside the driver's bounds, which are cut to what an amount can be."""
    with localcontext(prec=80):
        step = Decimal(1).scaleb(-driver.precision)
        most = Decimal(10) ** (DECIMAL_DIGITS - driver.precision) - step
        if driver.lowest is not None:
            lowest = driver.lowest.quantize(step, ROUND_CEILING)
            yield pc.less, pa.scalar(min(max(lowest, -most), most), decimal)
        if driver.highest is not None:
            highest = driver.highest.quantize(step, ROUND_FLOOR)
            yield pc.greater, pa.scalar(min(max(highest, -most), most), decimal)
