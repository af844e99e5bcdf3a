"""The query engine: facts of one snapshot, sealed off from everything else."""

from .engine import Engine, SliceRefused, open_engine, open_folder
from .relation import members_name

__all__ = ["Engine", "SliceRefused", "members_name", "open_engine", "open_folder"]
