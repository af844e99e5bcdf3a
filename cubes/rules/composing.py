"""A definition out of parts: dimensions, names of drivers, a name for the cube."""

from collections.abc import Callable, Sequence

from .definition import Definition
from .links import link_dimensions
from .naming import free_logical_name
from .shape import DimensionShape, DriverShape

CUBE, DIMENSION, COLUMN = "msdyn_xpnacube_", "msdyn_xpnadim_", "msdyn_"


def named_drivers(names: Sequence[str], precision: int) -> tuple[DriverShape, ...]:
    """Drivers of these names, with logical names of their own."""
    found: list[DriverShape] = []
    for name in names:
        logical = free_logical_name(COLUMN + name, {driver.logical_name for driver in found})
        found.append(DriverShape(name, logical, precision))
    return tuple(found)


def composed(
    name: str,
    logical_name: str,
    dimensions: Sequence[DimensionShape],
    drivers: Sequence[DriverShape],
    named: Callable[[str], DimensionShape],
) -> Definition:
    """The cube `name` of `dimensions`; `named` finds those that only supply linked columns."""
    links = link_dimensions(dimensions, named)
    related = tuple((dimension.logical_name, dimension.source_column) for dimension in dimensions)
    return Definition(name, logical_name, tuple(drivers), (*dimensions, *links), related)
