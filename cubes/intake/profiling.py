"""Looks at a whole sheet once: what its columns hold."""

import pyarrow as pa
import pyarrow.compute as pc

from cubes.rules.workbooks.profile import SheetProfile, profile_column

from .source import Source, Table


def profile_of(file: int, source: Source, table: Table) -> SheetProfile:
    """The profile of `table`, a sheet of the workbook number `file`. Columns without a header are not looked at."""
    named = [place for place, header in enumerate(table.headers) if header]
    headers = [table.headers[place] for place in named]
    twice = sorted({header for header in headers if headers.count(header) > 1})
    if twice:
        problem = f"{table.sheet} of {source.label} has the column '{twice[0]}' twice. Rename one."
        return SheetProfile(file, source.label, table.sheet, 0, (), problem)
    parts: dict[int, list[pa.Array]] = {place: [] for place in named}
    rows = 0
    for batch in table.batches:
        rows += batch.size
        for place in named:
            parts[place].append(batch.columns[place])
    columns = []
    for place in named:
        values = pa.chunked_array(parts[place], type=pa.string())
        filled = values.filter(pc.fill_null(pc.not_equal(values, ""), False))
        distinct = pc.unique(filled).to_pylist()
        columns.append(profile_column(table.headers[place], distinct, len(filled), rows - len(filled)))
    return SheetProfile(file, source.label, table.sheet, rows, tuple(columns))
