"""The tenant that is played: its ids, its registered application and its accounts, as seeded."""

import json
from pathlib import Path
from typing import Any

ENTRA: dict[str, Any] = json.loads((Path(__file__).parent / "seed" / "entra.json").read_text(encoding="utf-8"))
