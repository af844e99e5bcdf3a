"""Refused values of a load, counted all and kept up to a limit."""

from dataclasses import dataclass, field

# A file of a million wrong records needs one correction, not a million rows of the report.
KEPT = 1_000


@dataclass(frozen=True)
class Refused:
    """One refused value with its place."""

    file: str
    sheet: str
    row: int
    column: str
    value: str
    reason: str


@dataclass
class Report:
    """What a load tells: refused values, and sentences about what was done."""

    refused: list[Refused] = field(default_factory=list)
    not_kept: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def has_room(self) -> bool:
        return len(self.refused) < KEPT

    def refuse(self, refused: Refused) -> None:
        if self.has_room:
            self.refused.append(refused)
        else:
            self.not_kept += 1

    def note(self, text: str) -> None:
        self.notes.append(text)
