"""What people do with cubes: import a definition, publish it, load data."""

from cubes.intake import Source

from .correcting import correct
from .definitions import Imported, import_definition, publish
from .loading import load
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
    "correct",
    "import_definition",
    "load",
    "publish",
]
