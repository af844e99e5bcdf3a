"""What a workbook must not be: a bomb, a parcel of other archives, a way to other files.

The archive is looked at without unpacking it into memory: its table of contents first, by its size alone, then the
parts in small pieces. A declared size that lies ends in a checksum that does not fit.
"""

import re
import stat
import struct
import zipfile
from pathlib import Path

from .source import FileRefused, Source

MOST_ENTRIES = 5_000
MOST_CONTENTS = 2_000_000
MOST_BYTES = 1_000_000_000
# A sheet of equal rows shrinks a hundredfold; a bomb of zeros a thousandfold.
MOST_RATIO = 300
SMALL = 10_000_000
_END = struct.Struct("<4s4H2LH")
_ARCHIVES = re.compile(r"\.(zip|xlsx|xlsm|xlsb|docx|pptx|jar|gz|bz2|xz|7z|rar|tar)$", re.IGNORECASE)
_DECLARES = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_LINK = "xl/externallinks/"
PIECE = 65_536


def check_workbook(source: Source) -> None:
    """FileRefused for a workbook that does not look like one that a spreadsheet wrote; `.xls` is no archive."""
    path = Path(source.path)
    if not zipfile_like(path):
        return
    _check_contents(source, path)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            for entry in entries:
                _check_entry(source, entry)
            total = sum(entry.file_size for entry in entries)
            if total > MOST_BYTES:
                raise FileRefused(f"{source.label} unpacks to {total} bytes, at most {MOST_BYTES} are read. Split it.")
            for entry in entries:
                _check_part(source, archive, entry)
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise FileRefused(f"{source.label} cannot be read as a workbook: {error}. Save it as XLSX again.") from error


def zipfile_like(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"


def _check_contents(source: Source, path: Path) -> None:
    """Number of entries and size of the table of contents, from the last bytes of the file."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - PIECE - _END.size))
        tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise FileRefused(f"{source.label} cannot be read as a workbook: it is cut off. Save it as XLSX again.")
    _, _, _, _, count, length, _, _ = _END.unpack(tail[at : at + _END.size])
    if count > MOST_ENTRIES or length > MOST_CONTENTS:
        raise FileRefused(
            f"{source.label} is packed from more than {MOST_ENTRIES} parts, which no spreadsheet writes. "
            "Save it as XLSX again."
        )


def _check_entry(source: Source, entry: zipfile.ZipInfo) -> None:
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise FileRefused(f"{source.label} holds a link to another file ({entry.filename}). Save it as XLSX again.")
    if _ARCHIVES.search(entry.filename):
        raise FileRefused(f"{source.label} holds another archive ({entry.filename}). Take it out of the workbook.")
    if entry.filename.lower().startswith(_LINK):
        raise FileRefused(
            f"{source.label} is linked to other workbooks ({entry.filename}). "
            "Put values in place of the links (Data, Edit links, Break link)."
        )
    if entry.file_size > SMALL and entry.file_size > MOST_RATIO * max(entry.compress_size, 1):
        raise FileRefused(
            f"{source.label} is packed more tightly than a spreadsheet does ({entry.filename}). Save it as XLSX again."
        )


def _check_part(source: Source, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """The part is as long as declared, and declares no entities: these stand before the first element only."""
    with archive.open(entry) as part:
        start = part.read(PIECE)
        while part.read(PIECE):  # to the declared end, where the checksum tells a size that lies
            pass
    text = start.replace(b"\0", b"")  # UTF-16 as well
    if entry.filename.lower().endswith((".xml", ".rels", ".vml")) and _DECLARES.search(text):
        raise FileRefused(f"{source.label} declares XML entities ({entry.filename}). Save it as XLSX again.")
