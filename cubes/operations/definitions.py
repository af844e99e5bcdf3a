"""Definitions of cubes: imported as drafts, reviewed, published, and given further drivers."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from bpp_portal.audit.operations import record
from bpp_portal.kernel.problems import Problem
from cubes.engine import formula_problem
from cubes.models import CalculatedDriver, Cube, Dimension, Driver, dimension_shape
from cubes.rules.composing import CUBE, composed, named_drivers
from cubes.rules.definition import Definition, parse_definition
from cubes.rules.definition_text import definition_text
from cubes.rules.naming import free_logical_name
from cubes.rules.shape import CalculatedShape, DriverShape

from .making import Imported, make_cube
from .refusals import CubeRefused


@transaction.atomic
def import_definition(*, actor: Any, text: str, publish: bool = False, origin: str = "") -> Imported:
    """Make or replace a draft cube from the JSON in `text`, and publish it if asked.

    A dimension of the same name that another cube uses, or that no cube uses, is reused as it stands; the answer names
    it and every difference from the file. Replacing a draft by a different definition drops the draft's data. `origin`
    is the file's name. CubeRefused when the text is no definition, the cube is published already or a logical name is
    taken.
    """
    definition, problems = parse_definition(text)
    if definition is None:
        raise CubeRefused(problems)
    return create_cube(actor=actor, definition=definition, publish=publish, origin=origin)


@transaction.atomic
def create_cube(*, actor: Any, definition: Definition, publish: bool = False, origin: str = "") -> Imported:
    """Make or replace a draft from `definition`, as `import_definition` does."""
    imported = make_cube(definition, origin)
    record(actor=actor, verb="import definition", subject=f"cube {imported.cube.slug}", detail=origin)
    if publish:
        _publish(actor, imported.cube)
    return imported


@transaction.atomic
def publish(*, actor: Any, cube: Cube, name: str = "") -> Cube:
    """Make a draft visible to everybody who reads cubes and protect its definition; twice is as good as once.

    `name` renames the draft before. CubeRefused when the name is taken, or the cube is published under another one.
    """
    locked = Cube.objects.select_for_update().get(pk=cube.pk)
    if name and name != locked.name:
        _rename(actor, locked, name)
    return _publish(actor, locked)


def _publish(actor: Any, cube: Cube) -> Cube:
    if not cube.is_published:
        cube.status = Cube.Status.PUBLISHED
        cube.save(update_fields=["status"])
        record(actor=actor, verb="publish", subject=f"cube {cube.slug}")
    return cube


def _rename(actor: Any, cube: Cube, name: str) -> None:
    if cube.is_published:
        message = f"{cube.name} is published, and published cubes cannot be renamed."
        raise CubeRefused([Problem("cube-published", message, "name")])
    if Cube.objects.filter(name__iexact=name).exclude(pk=cube.pk).exists():
        raise CubeRefused([Problem("name-taken", f"There is a cube {name} already. Choose another name.", "name")])
    before, cube.name = cube.name, name
    cube.save(update_fields=["name"])
    record(
        actor=actor, verb="rename", subject=f"cube {cube.slug}", before=f"name: {before}", after=f"name: {cube.name}"
    )


@transaction.atomic
def add_driver(
    *, actor: Any, cube: Cube, name: str, precision: int, source_column: str = "", formula: str = ""
) -> Driver | CalculatedDriver:
    """Give a cube, draft or published, a further driver; with a `formula` it is a calculated one.

    What is loaded stays: for the facts that stand, a driver that is loaded is 0 until the next load brings it.
    CubeRefused when the name is taken or the formula cannot be used.
    """
    locked = Cube.objects.select_for_update().get(pk=cube.pk)
    shape = locked.shape()
    taken = [one for one in shape.every_driver if one.name.casefold() == name.casefold()]
    if taken:
        message = f"{locked.name} has a driver {taken[0].name} already. Choose another name."
        raise CubeRefused([Problem("name-taken", message, "name")])
    logical_name = free_logical_name(f"msdyn_{name}", {one.logical_name for one in shape.every_driver})
    driver: Driver | CalculatedDriver
    if formula:
        _check_formula(CalculatedShape(name, logical_name, precision, formula), shape.drivers)
        driver = CalculatedDriver(
            cube=locked, name=name, logical_name=logical_name, precision=precision, formula=formula
        )
    else:
        driver = Driver(
            cube=locked, name=name, logical_name=logical_name, precision=precision, source_column=source_column
        )
    driver.save()
    record(actor=actor, verb="add driver", subject=f"cube {locked.slug}", detail=f"{name} {formula}".strip())
    return driver


def _check_formula(driver: CalculatedShape, drivers: tuple[DriverShape, ...]) -> None:
    problem = formula_problem(driver, {one.name: one for one in drivers})
    if problem:
        raise CubeRefused([problem])


@transaction.atomic
def delete_dimension(*, actor: Any, dimension: Dimension) -> None:
    """Delete a dimension. CubeRefused while a cube uses it or a linked column takes its values from it."""
    locked = Dimension.objects.select_for_update().get(pk=dimension.pk)
    cubes = list(Cube.objects.filter(cube_dimensions__dimension=locked).values_list("name", flat=True))
    linked = sorted(
        {str(one) for column in locked.columns.all() for one in column.column_set.exclude(dimension=locked)}
    )
    if cubes or linked:
        users = f"used by {', '.join(cubes)}" if cubes else f"the source of {', '.join(linked)}"
        message = f"{locked.name} is {users} and cannot be deleted."
        raise CubeRefused([Problem("dimension-used", message, "dimension")])
    name = locked.name
    locked.delete()
    record(actor=actor, verb="delete dimension", subject=f"dimension {name}")


@transaction.atomic
def create_from_dimensions(
    *, actor: Any, name: str, dimensions: Sequence[Dimension], drivers: Sequence[str], precision: int
) -> Cube:
    """A draft called `name` out of dimensions that exist, with drivers of `precision` decimals.

    CubeRefused when the name is taken, or cannot be used.
    """
    if Cube.objects.filter(name__iexact=name).exists():
        raise CubeRefused([Problem("name-taken", f"There is a cube {name} already. Choose another name.", "name")])
    logical_names = set(Cube.objects.values_list("logical_name", flat=True))
    definition = composed(
        name,
        free_logical_name(f"{CUBE}{name}", logical_names),
        [dimension_shape(dimension) for dimension in dimensions],
        named_drivers(drivers, precision),
        lambda known: dimension_shape(Dimension.objects.get(name=known)),
    )
    # What a file may hold is what a form may hold: one reader judges both.
    checked, problems = parse_definition(definition_text(definition))
    if checked is None:
        raise CubeRefused(problems)
    return create_cube(actor=actor, definition=checked, origin="existing dimensions").cube
