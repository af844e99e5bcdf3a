"""The facts of a file joined with those of a snapshot, by one statement."""

from pathlib import Path

import duckdb
import pyarrow as pa
from django.conf import settings
from sqlglot import exp

from cubes.rules.loading import Mode

DIALECT = "duckdb"


def merged(
    *, base: Path | None, added: list[Path], mode: Mode, schema: pa.Schema, scratch: Path
) -> pa.RecordBatchReader:
    """The facts of Parquet file `base` and of `added` as `mode` says, numbered from 1 in `row_no`: what stays, then
    what comes, each in its order. In mode *replace* there is what comes only, in its own numbers.

    The reader holds its connection; batches come in the order of `row_no`, amounts exact.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": settings.ENGINE_MEMORY_LIMIT,
        "temp_directory": str(scratch),
        "autoinstall_known_extensions": False,
    }
    connection = duckdb.connect(":memory:", config=config)
    statement = _statement(base, added, mode, schema)
    reader: pa.RecordBatchReader = connection.sql(statement.sql(DIALECT)).to_arrow_reader(200_000)
    return reader


def _statement(base: Path | None, added: list[Path], mode: Mode, schema: pa.Schema) -> exp.Select:
    names = [name for name in schema.names if name != "row_no"]
    columns = [exp.column(name, quoted=True) for name in names]
    place = exp.column("row_no", quoted=True)
    if mode is Mode.REPLACE:
        return exp.select(*columns, place).from_(_file(added)).order_by(place.copy())
    new = exp.select(*columns, exp.alias_(place, "place"), exp.alias_(exp.Literal.number(1), "part")).from_(
        _file(added)
    )
    every = exp.union(_stays(base, names, added, mode), new, distinct=False) if base else new
    order = exp.Order(expressions=[exp.column("part"), exp.column("place")])
    number = exp.Window(this=exp.RowNumber(), order=order.copy())
    numbered = exp.alias_(exp.cast(number, exp.DataType.Type.BIGINT), "row_no")
    return (
        exp.select(*[column.copy() for column in columns], numbered).from_(every.subquery("every")).order_by("row_no")
    )


def _stays(base: Path, names: list[str], added: list[Path], mode: Mode) -> exp.Select:
    stays = exp.select(
        *[exp.column(name, "old", quoted=True) for name in names],
        exp.alias_(exp.column("row_no", "old", quoted=True), "place"),
        exp.alias_(exp.Literal.number(0), "part"),
    ).from_(exp.alias_(exp.select("*").from_(_file([base])).subquery(), "old", table=True))
    return stays.where(exp.not_(exp.Exists(this=_same_key(names, added)))) if mode is Mode.OVERWRITE else stays


def _same_key(names: list[str], added: list[Path]) -> exp.Select:
    """The records of the file with the members of the record of `old`; no member at all is a member here."""
    keys = [name for name in names if name.startswith("d_")]
    chosen = exp.select(*[exp.column(name, quoted=True) for name in keys]).distinct().from_(_file(added))
    same = [
        exp.NullSafeEQ(this=exp.column(name, "old", quoted=True), expression=exp.column(name, "new", quoted=True))
        for name in keys
    ]
    source = exp.alias_(chosen.subquery(), "new", table=True)
    return exp.select("1").from_(source).where(*same)


def _file(paths: list[Path]) -> exp.Func:
    array = exp.Array(expressions=[exp.Literal.string(str(path)) for path in paths])
    return exp.func("read_parquet", array)
