"""What a file declares of a dimension that exists already: it is reused as it stands, and every difference is told."""

from dataclasses import dataclass

from .shape import ColumnShape, DataType, DimensionShape


@dataclass(frozen=True)
class Reused:
    """A dimension that was there before an import, and sentences about what the file says differently."""

    name: str
    differences: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join([f"{self.name} already exists and is reused.", *self.differences])


def reused(declared: DimensionShape, standing: DimensionShape) -> Reused:
    """`standing`, reused in place of what the file declares. Columns are compared by name."""
    there = {column.name: column for column in standing.columns}
    here = {column.name: column for column in declared.columns}
    gone, more = [name for name in here if name not in there], [name for name in there if name not in here]
    differences = []
    if gone:
        noun, verb = ("column", "is") if len(gone) == 1 else ("columns", "are")
        was = "was" if len(gone) == 1 else "were"
        differences.append(f"Its {noun} {', '.join(gone)} {verb} not in it and {was} left out.")
    if more:
        noun = "column" if len(more) == 1 else "columns"
        differences.append(f"It has the {noun} {', '.join(more)}, which the file does not name.")
    if declared.key.name != standing.key.name:
        differences.append(f"Its key is {standing.key.name} there and {declared.key.name} in the file.")
    for name, column in here.items():
        if name in there and _kind(column) != _kind(there[name]):
            differences.append(f"{standing.name}.{name} is {_kind(there[name])} there and {_kind(column)} in the file.")
    return Reused(standing.name, tuple(differences))


def _kind(column: ColumnShape) -> str:
    if column.data_type is DataType.DATE:
        return "Date"
    if column.data_type is DataType.DECIMAL:
        return f"decimal with {column.precision} decimals"
    return str(column.data_type)
