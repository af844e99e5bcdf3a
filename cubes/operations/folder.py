"""The folder of a snapshot: written aside, made durable, hashed, and put in its place in one step."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings


@contextmanager
def staging(slug: str, kind: str = "cubes") -> Iterator[Path]:
    """A new folder beside the cube's snapshots, or its `loads`; what is still there at the end goes."""
    parent = Path(settings.DATA_DIR) / kind / slug
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".staging-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def seal(folder: Path) -> str:
    """Make the files durable and read-only; the hash over their names and bytes."""
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            total.update(f"{path.name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
            os.fsync(file.fileno())
        path.chmod(0o440)
    folder.chmod(0o750)
    _sync(folder)
    return total.hexdigest()


def place(folder: Path, target: Path) -> None:
    """Rename the sealed folder to `target`. A leftover there, of a load that never ended, gives way."""
    if target.exists():
        shutil.rmtree(target)
    folder.rename(target)
    _sync(target.parent)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
