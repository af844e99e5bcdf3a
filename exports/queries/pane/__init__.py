"""What the export pane shows."""

from .filters import WORDS
from .opening import Pane, open_pane
from .parts import FilterView, MapRow

__all__ = ["WORDS", "FilterView", "MapRow", "Pane", "open_pane"]
