"""The query engine: facts of one snapshot, sealed off from everything else."""

from .engine import Engine, SliceRefused, open_engine, open_folder

__all__ = ["Engine", "SliceRefused", "open_engine", "open_folder"]
