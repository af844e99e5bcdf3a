"""Text that a spreadsheet would take for a formula, and the apostrophe that keeps it from doing so."""

import re

STARTS = ("=", "+", "-", "@", "\t", "\r")
GUARDED = r"^'('*[=+\-@\t\r])"
_TAKEN = re.compile(r"^'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[-+]?[0-9][0-9.,'’ \u00a0\u202f]*")


def neutral(text: str) -> str:
    """`text` for a download that people read."""
    return f"'{text}" if text.startswith(STARTS) else text


def guarded(text: str) -> str:
    """`text` for a download that comes back: numbers stay as they are, and `unguarded` gives exactly `text` again."""
    return f"'{text}" if _TAKEN.match(text) and not _NUMBER.fullmatch(text) else text


def unguarded(text: str) -> str:
    """What `guarded` was given."""
    return re.sub(GUARDED, r"\1", text)
