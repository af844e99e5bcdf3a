"""What of a cube a person may see: the one predicate that every query of facts takes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Visibility:
    """Whether the reader sees the facts. All or nothing today; members per dimension will join here."""

    everything: bool = False


EVERYTHING = Visibility(everything=True)
NOTHING = Visibility(everything=False)


def visibility_of(*, may_read: bool) -> Visibility:
    """The facts that a reader sees who holds, or lacks, the right to read the cube."""
    return EVERYTHING if may_read else NOTHING
