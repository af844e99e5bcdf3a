"""A named place where a test can stop a real process, to kill it there. Does nothing unless a test asks for it."""

import os
import time
from pathlib import Path

from django.conf import settings


def hold(place: str, seconds: float = 30.0) -> None:
    """If `PORTAL_HOLD` is `<place>=<file>` and the file is not there yet: write our pid into it and wait.

    The file stays, so the process that takes over is not held again.
    """
    wanted, _, marker = os.environ.get("PORTAL_HOLD", "").partition("=")
    if wanted != place or settings.PRODUCTION:
        return
    path = Path(marker)
    try:
        with path.open("x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        return
    until = time.monotonic() + seconds
    while time.monotonic() < until and not path.with_suffix(".go").exists():
        time.sleep(0.05)
