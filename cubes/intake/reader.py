"""Opens a file by what its name says it is."""

from pathlib import Path

from .delimited import open_csv
from .parquet import open_parquet
from .source import FileRefused, Source, Table
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
    return opener(source)
