"""Loads the data of a cube from its tables in Dataverse, page by page, as the person who asks."""

from .requesting import LoadNotRequested, go_on, request_load, stop
from .stepping import step, sweep, working

__all__ = ["LoadNotRequested", "go_on", "request_load", "step", "stop", "sweep", "working"]
