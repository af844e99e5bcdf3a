"""Linked columns: which dimensions supply them, and whether what they name is there."""

from collections.abc import Callable, Iterable, Sequence

from .shape import ColumnShape, DimensionShape


def linked_columns(dimension: DimensionShape) -> tuple[ColumnShape, ...]:
    """The columns of `dimension` that take their values from another one."""
    return tuple(column for column in dimension.columns if column.linked_to)


def link_dimensions(
    dimensions: Sequence[DimensionShape], named: Callable[[str], DimensionShape]
) -> tuple[DimensionShape, ...]:
    """The column link dimensions of `dimensions` that are not among them, with those that supply them in turn."""
    known = {dimension.name for dimension in dimensions}
    waiting, found = list(dimensions), []
    while waiting:
        for column in linked_columns(waiting.pop(0)):
            if column.linked_to and column.linked_to.dimension not in known:
                known.add(column.linked_to.dimension)
                found.append(named(column.linked_to.dimension))
                waiting.append(found[-1])
    return tuple(found)


def sources_first(dimensions: Iterable[DimensionShape]) -> list[DimensionShape]:
    """`dimensions` so that each comes after those that supply its linked columns. Links form no circle."""
    by_name = {dimension.name: dimension for dimension in dimensions}
    ordered: dict[str, DimensionShape] = {}

    def place(dimension: DimensionShape) -> None:
        for column in linked_columns(dimension):
            source = by_name.get(column.linked_to.dimension) if column.linked_to else None
            if source and source.name not in ordered:
                place(source)
        ordered.setdefault(dimension.name, dimension)

    for dimension in by_name.values():
        place(dimension)
    return list(ordered.values())


def link_problems(dimensions: Sequence[DimensionShape]) -> list[str]:
    """What is wrong with the links among `dimensions`, as sentences."""
    by_name = {dimension.name: dimension for dimension in dimensions}
    problems = []
    for dimension in dimensions:
        for column in linked_columns(dimension):
            problem = _problem(dimension, column, by_name)
            if problem:
                problems.append(problem)
    return problems or _circles(by_name)


def _problem(dimension: DimensionShape, column: ColumnShape, by_name: dict[str, DimensionShape]) -> str | None:
    place, target = f"{dimension.name}.{column.name}", column.linked_to
    assert target  # noqa: S101  the caller asks for linked columns only
    source = by_name.get(target.dimension)
    if column.logical_name == dimension.primary:
        return f"{place} is the key of {dimension.name} and cannot be a linked column. Link another column."
    if source is None or source is dimension:
        return f"{place} is linked to {target}, which is not another dimension. Choose one."
    found = next((one for one in source.columns if one.name == target.column), None)
    if found is None:
        return f"{place} is linked to {target}, which does not exist. Choose a column of {source.name}."
    if (found.data_type, found.precision) != (column.data_type, column.precision):
        return f"{place} is {column.data_type} and {target} is {found.data_type}. Give both the same type."
    return None


def _circles(by_name: dict[str, DimensionShape]) -> list[str]:
    done: set[str] = set()

    def circular(name: str, way: tuple[str, ...]) -> bool:
        if name in way:
            return True
        if name in done:
            return False
        targets = [column.linked_to.dimension for column in linked_columns(by_name[name]) if column.linked_to]
        found = any(circular(target, (*way, name)) for target in targets)
        done.add(name)
        return found

    for name in by_name:
        if circular(name, ()):
            return [f"The linked columns of {name} lead back to {name}. Remove one of the links."]
    return []
