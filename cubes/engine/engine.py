"""DuckDB over the Parquet files of one snapshot: a new sealed connection for every use."""

import functools
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from django.conf import settings
from sqlglot import exp

from bpp_portal.kernel.problems import Problem
from cubes.rules.filters import slice_problems
from cubes.rules.security import Visibility
from cubes.rules.shape import DECIMAL_DIGITS, CubeShape
from cubes.rules.slices import ColumnRef, Condition, Slice

from .conditions import predicate
from .relation import FACTS, build_relation, is_visible, members_name, visible_name

if TYPE_CHECKING:
    from cubes.models import Snapshot

DIALECT = "duckdb"


class SliceRefused(Exception):
    """The slice does not fit the cube; `problems` says where."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems


class AmountOverflow(SliceRefused):
    """A calculated amount has more digits than are kept exactly; nothing is cut, so there is no answer."""

    def __init__(self, shape: CubeShape) -> None:
        names = ", ".join(driver.name for driver in shape.calculated) or "A sum"
        message = (
            f"{names}: an amount has more digits than can be kept exactly. ROUND a part of the formula, or leave the "
            "records with the largest amounts out."
        )
        super().__init__([Problem("amount-overflow", message, "driver")])


class Engine:
    """Answers about one snapshot. Trees come in, rows or files go out; text never becomes a statement."""

    def __init__(self, connection: Any, shape: CubeShape, visible: Visibility, scratch: Path) -> None:
        self._connection = connection
        self._shape = shape
        self._visible = visible
        self._scratch = scratch

    def relation(
        self,
        slice_: Slice,
        columns: Mapping[str, ColumnRef],
        drivers: Mapping[str, str],
        row_no: bool = False,
    ) -> exp.Select:
        """One row for each fact in `slice_`: alias → column (text, date, decimal …) and alias → driver (DECIMAL).

        Fits as a subquery under any tree. With `row_no` the record number joins as `row_no`. Aliases must differ
        without regard to case. LookupError for an unknown column or driver, SliceRefused for an unfit slice.
        """
        problems = slice_problems(self._shape, slice_)
        if problems:
            raise SliceRefused(problems)
        return build_relation(self._shape, self._visible, slice_, columns, drivers, row_no)

    def holding(self, conditions: list[Condition]) -> list[bool]:
        """Which of `conditions`, all over one column, hold for some member that the reader sees, with facts or
        without. LookupError for an unknown column, ValueError for a value of another type."""
        place = self._shape.find(conditions[0].column)
        if place is None:
            raise LookupError(f"{conditions[0].column} is not a column of {self._shape.name}.")
        dimension, column = place
        name = members_name(dimension)
        value = exp.column(column.logical_name, name, quoted=True)
        any_of = [exp.func("bool_or", predicate(condition, value, column)) for condition in conditions]
        select = exp.select(*any_of).from_(exp.to_table(name, quoted=True))
        if dimension.logical_name in self._visible.only:
            select = select.where(is_visible(exp.column(dimension.primary, name, quoted=True), dimension.logical_name))
        return [bool(found) for found in self.rows(select)[0]]

    def rows(self, select: exp.Expression) -> list[tuple[Any, ...]]:
        """All rows of a small result; amounts are Decimal, dates are date."""
        rows: list[tuple[Any, ...]] = self._asked(lambda: self._connection.execute(select.sql(DIALECT)).fetchall())
        return rows

    def arrow(self, select: exp.Expression) -> pa.Table:
        """The result as one Arrow table, decimals exact."""
        return self._asked(lambda: self._connection.sql(select.sql(DIALECT)).to_arrow_table())

    def copy(
        self,
        select: exp.Expression,
        path: Path,
        format: Literal["parquet", "csv"] = "parquet",
        header: bool = True,
    ) -> int:
        """Write the result to `path` (zstd Parquet, or UTF-8 CSV) and return the number of rows.

        The file appears at once and whole: it is written aside and renamed.
        """
        part = self._scratch / f"part.{format}"
        options = {"parquet": "FORMAT PARQUET, COMPRESSION ZSTD", "csv": f"FORMAT CSV, HEADER {header}"}
        target = exp.Literal.string(str(part)).sql(DIALECT)
        statement = f"COPY ({select.sql(DIALECT)}) TO {target} ({options[format]})"
        rows: int = self._asked(lambda: self._connection.execute(statement).fetchall())[0][0]
        shutil.move(part, path)
        return rows

    def _asked(self, ask: Callable[[], Any]) -> Any:
        """The answer of `ask`. AmountOverflow when an amount on the way is too long."""
        try:
            return ask()
        except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
            raise AmountOverflow(self._shape) from error

    def attach(self, name: str, arrow_table: pa.Table) -> None:
        """Register a small Arrow table under `name`, to join or filter with."""
        self._connection.register(name, arrow_table)


@contextmanager
def open_engine(snapshot: "Snapshot", visible: Visibility) -> Iterator[Engine]:
    """An engine over `snapshot` that shows what is `visible`."""
    with open_folder(snapshot.path, snapshot.cube.shape(), visible) as engine:
        yield engine


@contextmanager
def open_folder(folder: Path, shape: CubeShape, visible: Visibility) -> Iterator[Engine]:
    """An engine over a snapshot's folder, before or after it became a snapshot."""
    parent = Path(settings.DATA_DIR) / "scratch"
    parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=parent))
    config: dict[str, Any] = {
        "memory_limit": settings.ENGINE_MEMORY_LIMIT,
        "temp_directory": str(scratch),
        "autoinstall_known_extensions": False,
    }
    connection = duckdb.connect(":memory:", config=config)
    try:
        _name_tables(connection, folder, shape)
        _seal(connection, [folder, scratch])
        for name, keys in visible.only.items():
            connection.register(visible_name(name), keys_table(keys))
        yield Engine(connection, shape, visible, scratch)
    finally:
        connection.close()
        shutil.rmtree(scratch, ignore_errors=True)


@functools.lru_cache(maxsize=16)
def keys_table(keys: frozenset[str]) -> pa.Table:
    """Keys as a table to join with; those of a large rule are made once."""
    return pa.table({"key": pa.array(sorted(keys), pa.string())})


def _name_tables(connection: Any, folder: Path, shape: CubeShape) -> None:
    """Views hide the files, so that the shared tree never names where the data lies."""
    for name in (FACTS, *(members_name(dimension) for dimension in shape.dimensions)):
        path = exp.Literal.string(str(folder / f"{name}.parquet"))
        source = exp.select("*").from_(exp.func("read_parquet", path))
        if name == FACTS:
            source = source.select(*_added_later(folder, shape))
        view = exp.Create(this=exp.to_table(f'"{name}"', dialect=DIALECT), kind="VIEW", expression=source)
        connection.execute(view.sql(DIALECT))


def _added_later(folder: Path, shape: CubeShape) -> list[exp.Expr]:
    """Drivers that the cube got after this snapshot was loaded: nothing was planned for them yet, which is 0."""
    wanted = {f"m_{driver.logical_name}": driver for driver in shape.drivers}
    there = {name.lower() for name in pq.read_schema(folder / f"{FACTS}.parquet").names}
    return [
        exp.alias_(exp.cast(exp.Literal.number(0), f"DECIMAL({DECIMAL_DIGITS}, {driver.precision})"), name, quoted=True)
        for name, driver in wanted.items()
        if name.lower() not in there
    ]


def _seal(connection: Any, folders: list[Path]) -> None:
    """Only these folders may be read or written from here on. The order of the three settings matters."""
    allowed = exp.Array(expressions=[exp.Literal.string(f"{folder}/") for folder in folders]).sql(DIALECT)
    connection.execute(f"SET allowed_directories={allowed}")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")
