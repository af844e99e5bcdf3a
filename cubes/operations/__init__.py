"""What people do with cubes: import a definition, publish it, load data."""

from cubes.intake import Source

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
from .refusals import CubeRefused, LoadRefused

__all__ = [
    "CubeRefused",
    "Imported",
    "LoadRefused",
    "Source",
    "add_driver",
    "create_cube",
    "create_from_dimensions",
    "delete_dimension",
    "import_definition",
    "load",
    "publish",
]
