"""A named place where a test can stop a real process, to kill it there. Does nothing unless a test asks for it."""

import os
import time
from pathlib import Path

from django.conf import settings


def hold(place: str, seconds: float = 30.0) -> None:
    """If the file `PORTAL_HOLD` names says `place`: rename it to `….held` with our pid in it, and wait for `….go`.

    Only the first process that comes by is held; the one that takes over passes.
    """
    name = os.environ.get("PORTAL_HOLD", "")
    if not name or settings.PRODUCTION:
        return
    pid = os.getpid()
    asked, mine, held, go = Path(name), Path(f"{name}.{pid}"), Path(f"{name}.held"), Path(f"{name}.go")
    try:
        if asked.read_text() != place:
            return
        asked.rename(mine)
    except FileNotFoundError:
        return
    mine.write_text(str(pid))
    mine.rename(held)
    until = time.monotonic() + seconds
    while time.monotonic() < until and not go.exists():
        time.sleep(0.05)
