"""What people do with cubes: import a definition, publish it, load data."""

from cubes.intake import Source

from .correcting import correct
from .definitions import (
    add_driver,
    create_cube,
    create_from_dimensions,
    delete_dimension,
    import_definition,
    publish,
)
from .loading import load
from .making import Imported
from .notations import AS_DETECTED, PLAIN, Notations
from .refusals import CubeRefused, LoadRefused

__all__ = [
    "AS_DETECTED",
    "PLAIN",
    "CubeRefused",
    "Imported",
    "LoadRefused",
    "Notations",
    "Source",
    "add_driver",
    "correct",
    "create_cube",
    "create_from_dimensions",
    "delete_dimension",
    "import_definition",
    "load",
    "publish",
]
