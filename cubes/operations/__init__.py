"""What people do with cubes: import a definition, publish it, load data."""

from cubes.intake import Source

from .definitions import Imported, import_definition, publish
from .loading import load
from .refusals import CubeRefused, LoadRefused

__all__ = ["CubeRefused", "Imported", "LoadRefused", "Source", "import_definition", "load", "publish"]
