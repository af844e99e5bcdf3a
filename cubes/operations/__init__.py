"""What people do with cubes: import a definition, publish it, load data."""

from cubes.intake import Source

from .definitions import import_definition, publish
from .loading import load
from .refusals import CubeRefused, LoadRefused

__all__ = ["CubeRefused", "LoadRefused", "Source", "import_definition", "load", "publish"]
