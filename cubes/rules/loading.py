"""How a load changes the data of a cube, and what became of its tables."""

from enum import StrEnum


class Mode(StrEnum):
    """What happens to the data that stand when a file is loaded.

    The key of a record is the members of all dimensions. Real data hold several records of one key, so *overwrite*
    takes all records of a key away and puts all records of that key of the file in their place: nothing is lost, and
    the same file twice gives the same content as once.
    """

    REPLACE = "replace"
    OVERWRITE = "overwrite"
    APPEND = "append"


MODE_WORDS = {
    Mode.REPLACE: "Replace: the file is all data",
    Mode.OVERWRITE: "Overwrite by key: records of the same members in all dimensions give way to those of the file",
    Mode.APPEND: "Append: the records of the file are added",
}


class TableState(StrEnum):
    """What became of one table of a load; the words are those of *Data load status*."""

    LOADED = "Loaded"
    PARTIAL = "Partially loaded"
    FAILED = "Failed"
    SKIPPED = "Skipped"


def state_of(*, loaded: int, failed: int) -> TableState:
    """The state of a table of which so many records were loaded and refused; a table without a record is loaded."""
    if not failed:
        return TableState.LOADED
    return TableState.PARTIAL if loaded else TableState.FAILED
