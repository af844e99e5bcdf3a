"""What one running sandbox consists of; handed to every handler."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from sandbox.control.faults import Faults
from sandbox.control.journal import Journal
from sandbox.dataverse.protection import Protection
from sandbox.store import Store


@dataclass
class World:
    store: Store
    journal: Journal
    faults: Faults
    folder: Path
    port: int
    tls_port: int
    loop: asyncio.AbstractEventLoop | None = None
    finance_calls: Iterator[int] = field(default_factory=count)
    protection: Protection = field(default_factory=Protection)
    imports: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def plain_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def dataverse_url(self) -> str:
        return f"https://127.0.0.1:{self.tls_port}"

    @property
    def finance_url(self) -> str:
        return f"https://localhost:{self.tls_port}"
