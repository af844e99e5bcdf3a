"""Expected findings: what a person has to correct, shown beside the field."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One finding. `message` is a sentence with its next step, `field` names the form field it belongs to."""

    code: str
    message: str
    field: str = ""
    hint: str = ""
    examples: tuple[str, ...] = ()
