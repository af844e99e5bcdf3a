"""A cube from its definition: dimensions that stand are reused, a draft of the same name is replaced."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from django.db import transaction
from django.utils.text import slugify

from bpp_portal.kernel.problems import Problem
from cubes.engine import formula_problem
from cubes.models import CalculatedDriver, Column, Cube, CubeDimension, Dimension, Driver, dimension_shape
from cubes.rules.definition import Definition
from cubes.rules.links import link_dimensions, link_problems
from cubes.rules.reusing import Reused, reused
from cubes.rules.shape import DimensionShape

from .refusals import CubeRefused

# First parts of addresses below /cubes/ that are no cubes.
RESERVED = {"import", "new", "dimensions"}


@dataclass(frozen=True)
class Imported:
    """A cube made from a definition, and the dimensions that were there before."""

    cube: Cube
    reused: tuple[Reused, ...]


def make_cube(definition: Definition, origin: str) -> Imported:
    """The draft of `definition`, new or in place of a draft of that name, inside the caller's transaction.

    CubeRefused when a published cube has the name, a logical name is taken, or a formula or link does not fit.
    """
    cube = Cube.objects.select_for_update().filter(name=definition.name).first()
    if cube and cube.is_published:
        message = (
            f"The cube {cube.name} is published, which protects its definition. "
            "Import the file under another DisplayName and LogicalName."
        )
        raise CubeRefused([Problem("cube-published", message, "definition")])
    problems = _names_taken(definition)
    if problems:
        raise CubeRefused(problems)
    definition, found = _with_reused_dimensions(definition, cube)
    problems = _unfit(definition)
    if problems:
        raise CubeRefused(problems)
    if cube is None:
        cube = Cube.objects.create(
            name=definition.name,
            slug=_free_slug(definition),
            logical_name=definition.logical_name,
            kind=definition.kind,
            origin=origin,
        )
        _fill(cube, definition)
    elif cube.shape() != definition.shape() or cube.logical_name != definition.logical_name:
        _empty(cube)
        cube.logical_name, cube.kind, cube.origin = definition.logical_name, definition.kind, origin
        cube.save()
        _fill(cube, definition)
    elif cube.kind != definition.kind:
        cube.kind = definition.kind
        cube.save(update_fields=["kind"])
    return Imported(cube, found)


def _unfit(definition: Definition) -> list[Problem]:
    """Links that lead nowhere with the dimensions as they stand, and formulas that cannot be used."""
    links = [Problem("link-unfit", text, "definition") for text in link_problems(definition.dimensions)]
    drivers = {driver.name: driver for driver in definition.drivers}
    formulas = [formula_problem(driver, drivers) for driver in definition.calculated]
    return links + [replace(problem, field="definition") for problem in formulas if problem]


def _names_taken(definition: Definition) -> list[Problem]:
    """Logical names that belong to something of another name."""
    problems = []
    cube = Cube.objects.filter(logical_name__iexact=definition.logical_name).exclude(name=definition.name).first()
    if cube:
        problems.append(_taken(definition.logical_name, f"the cube {cube.name}"))
    for shape in definition.dimensions:
        same = Dimension.objects.filter(logical_name__iexact=shape.logical_name).exclude(name=shape.name).first()
        if same and not Dimension.objects.filter(name=shape.name).exists():
            problems.append(_taken(shape.logical_name, f"the dimension {same.name}"))
    return problems


def _taken(logical_name: str, owner: str) -> Problem:
    message = f"The logical name {logical_name} belongs to {owner}. Choose another one in the file."
    return Problem("logical-name-taken", message, "definition")


def _with_reused_dimensions(definition: Definition, cube: Cube | None) -> tuple[Definition, tuple[Reused, ...]]:
    """The definition with the dimensions that stand already in place of those of the file, and which these are."""
    renamed: dict[str, str] = {}
    shapes: list[DimensionShape] = []
    found: list[Reused] = []
    for shape in definition.dimensions:
        standing = Dimension.objects.filter(name=shape.name).first()
        if standing and not _only_of(standing, cube):
            renamed[shape.logical_name] = standing.logical_name
            declared, shape = shape, dimension_shape(standing)
            found.append(reused(declared, shape))
        shapes.append(shape)
    # A dimension that stands brings the ones along that supply its linked columns.
    shapes += link_dimensions(shapes, lambda name: dimension_shape(Dimension.objects.get(name=name)))
    related = tuple((renamed.get(name, name), source) for name, source in definition.related)
    return replace(definition, dimensions=tuple(shapes), related=related), tuple(found)


def _only_of(dimension: Dimension, cube: Cube | None) -> bool:
    """Whether `cube`, a draft, is the only one that uses the dimension, which then is replaced together with it.

    A dimension that a group secures is never replaced: its successor would be open to all.
    """
    if dimension.rules.exists():
        return False
    # Links form no circle, so neither does the question whether those who link here are only of the cube too.
    linked = Dimension.objects.filter(columns__linked_to__dimension=dimension).distinct()
    users = set(dimension.cube_dimensions.values_list("cube_id", flat=True))
    return cube is not None and users == {cube.pk} and all(_only_of(one, cube) for one in linked)


def _empty(cube: Cube) -> None:
    """Take the draft's parts and data away; its folders go when that is final."""
    folders = [snapshot.path for snapshot in cube.snapshots.all()]
    folders += [load.path for load in cube.loads.exclude(folder="")]
    own = [use.dimension for use in cube.cube_dimensions.select_related("dimension") if _only_of(use.dimension, cube)]
    cube.loads.all().delete()
    cube.snapshots.all().delete()
    cube.drivers.all().delete()
    cube.calculated_drivers.all().delete()
    cube.cube_dimensions.all().delete()
    Column.objects.filter(dimension__in=own).update(linked_to=None)
    for dimension in own:
        dimension.delete()
    transaction.on_commit(lambda: _remove(folders))


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _fill(cube: Cube, definition: Definition) -> None:
    rows = {shape.logical_name: _dimension(shape) for shape in definition.dimensions}
    _link(definition.dimensions)
    for logical_name, source_column in definition.related:
        CubeDimension.objects.create(cube=cube, dimension=rows[logical_name], source_column=source_column)
    for driver in definition.drivers:
        Driver.objects.create(
            cube=cube,
            name=driver.name,
            logical_name=driver.logical_name,
            precision=driver.precision,
            lowest=driver.lowest,
            highest=driver.highest,
            source_column=driver.source_column,
        )
    for calculated in definition.calculated:
        CalculatedDriver.objects.create(
            cube=cube,
            name=calculated.name,
            logical_name=calculated.logical_name,
            precision=calculated.precision,
            formula=calculated.formula,
        )


def _dimension(shape: DimensionShape) -> Dimension:
    dimension, is_new = Dimension.objects.get_or_create(
        name=shape.name, defaults={"logical_name": shape.logical_name, "primary_column": shape.primary}
    )
    if is_new:
        for column in shape.columns:
            Column.objects.create(
                dimension=dimension,
                name=column.name,
                logical_name=column.logical_name,
                data_type=column.data_type,
                precision=column.precision,
            )
    return dimension


def _link(shapes: tuple[DimensionShape, ...]) -> None:
    """Links of linked columns, once all columns are there."""
    for shape in shapes:
        for column in shape.columns:
            if column.linked_to:
                source = Column.objects.get(dimension__name=column.linked_to.dimension, name=column.linked_to.column)
                Column.objects.filter(dimension__name=shape.name, name=column.name).update(linked_to=source)


def _free_slug(definition: Definition) -> str:
    base = (slugify(definition.name) or slugify(definition.logical_name))[:190]
    taken = set(Cube.objects.filter(slug__startswith=base).values_list("slug", flat=True)) | RESERVED
    numbered = (f"{base}-{number}" for number in range(2, len(taken) + 3))
    return base if base not in taken else next(slug for slug in numbered if slug not in taken)
