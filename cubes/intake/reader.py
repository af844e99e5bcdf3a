"""Opens a file by what its name says it is."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc

from bpp_portal.kernel.formulas import GUARDED, unguarded

from .delimited import open_csv
from .parquet import open_parquet
from .source import Batch, FileRefused, Source, Table
from .workbook import open_workbook

_OPENERS = {".csv": open_csv, ".xlsx": open_workbook, ".xls": open_workbook, ".parquet": open_parquet}


def open_table(source: Source) -> Table:
    """The records of `source`. FileRefused when it is missing or of no known kind."""
    path = Path(source.path)
    opener = _OPENERS.get(Path(source.label).suffix.lower())
    if opener is None:
        raise FileRefused(f"{source.label} is not a CSV, XLSX or Parquet file. Save it as one of these.")
    if not path.is_file():
        raise FileRefused(f"{source.label} does not exist or is not a file. Check the path.")
    table = opener(source)
    return _without_guards(table) if source.returned and opener is open_csv else table


def _without_guards(table: Table) -> Table:
    def read() -> Iterator[Batch]:
        for batch in table.batches:
            columns = [pc.replace_substring_regex(column, GUARDED, r"\1") for column in batch.columns]
            yield replace(batch, columns=columns)

    return replace(table, headers=[unguarded(header) for header in table.headers], read=read)
