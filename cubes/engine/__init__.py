"""The query engine: facts of one snapshot, sealed off from everything else."""

from .engine import AmountOverflow, Engine, SliceRefused, open_engine, open_folder
from .formulas import FormulaRefused, formula_problem
from .relation import members_name

__all__ = [
    "AmountOverflow",
    "Engine",
    "FormulaRefused",
    "SliceRefused",
    "formula_problem",
    "members_name",
    "open_engine",
    "open_folder",
]
