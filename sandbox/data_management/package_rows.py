"""The rows of a package's data file: CSV, CSV-Unicode, XML-Element, XML-Attribute and EXCEL, read as text."""

import csv
import datetime
import io
import re
from collections.abc import Iterator
from decimal import Decimal

import python_calamine

from sandbox.data_management.packages import PackageEntity, PackageError, check_file, parse_xml

Row = dict[str, str]  # field of the entity → text
_NOT_OF_THE_FORM = "FF004: the file does not have the form of the source data format."
_QUOTED = re.compile(r'"[^"]*"')
_BARE_BREAK = re.compile(r"(?<!\r)\n|\r(?!\n)")
_NO_GUID = "{00000000-0000-0000-0000-000000000000}"


def rows_of(entity: PackageEntity, *, strict: bool = True, need_maps: bool = True) -> list[Row]:
    """Rows in file order; none when the manifest maps no column, as seen on real environments.

    `need_maps` off takes the file's own headers instead. PackageError when the file as a whole cannot be read.
    """
    if not entity.maps and need_maps:
        return []
    data = check_file(entity)
    if not data:
        raise PackageError("DMF2053: the import file is empty.")
    if entity.source_format in ("XML-Element", "XML-Attribute"):
        return _checked([_mapped(entity, found) for found in _xml(data, entity)])
    if entity.source_format == "EXCEL":
        return _checked(_table(entity, _excel(data, entity), strict=strict))
    return _checked(_table(entity, _csv(data, entity, strict=strict), strict=strict))


def _checked(rows: list[Row]) -> list[Row]:
    if not rows:
        raise PackageError("DMF2053: the import file is empty.")
    return rows


def _mapped(entity: PackageEntity, found: Row) -> Row:
    if not entity.maps:
        return {name.upper(): value for name, value in found.items()}
    return {field: found.get(column, "") for column, field in entity.maps.items()}


def _csv(data: bytes, entity: PackageEntity, *, strict: bool) -> Iterator[list[str]]:
    text = _decoded(data, entity, strict=strict)
    if strict:
        _check_form(text, entity)
    try:
        yield from csv.reader(io.StringIO(text, newline=""), strict=strict)
    except csv.Error:
        raise PackageError(_NOT_OF_THE_FORM) from None


def _check_form(text: str, entity: PackageEntity) -> None:
    """Lines end with CR LF, all of them; a line break inside quotes is a part of its cell. No NUL, no open quote."""
    outside = _QUOTED.sub("", text)
    first_break = outside.find("\n")
    if first_break < 1 or outside[first_break - 1] != "\r":
        raise PackageError(f"the mapping is incorrect for entity {entity.label} and field {_NO_GUID}")
    if "\x00" in text or '"' in outside or _BARE_BREAK.search(outside):
        raise PackageError(_NOT_OF_THE_FORM)


def _decoded(data: bytes, entity: PackageEntity, *, strict: bool) -> str:
    is_unicode = data.startswith(b"\xff\xfe")
    try:
        if entity.source_format == "CSV-Unicode" or (not strict and is_unicode):
            if strict and not is_unicode:
                raise PackageError("Selected file is not Unicode")
            return data.removeprefix(b"\xff\xfe").decode("utf-16-le" if strict or is_unicode else "utf-8")
        if entity.source_format == "CSV" or not strict:
            return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PackageError("DMF1855: the file type does not match the source data format.") from None
    raise PackageError(f"The source data format {entity.source_format} is not set up.")


def _table(entity: PackageEntity, lines: Iterator[list[str]], *, strict: bool) -> list[Row]:
    header = next(lines, [])
    maps = dict(entity.maps) or {column: column.upper() for column in header}
    missing = [column for column, field in maps.items() if column not in header and not _is_drawn(entity, field)]
    if missing and len(missing) == len(maps):
        raise PackageError("FF004: the header row is missing.")
    if strict:
        _check_header(header)
    if missing and strict:
        raise PackageError(f"DMF1966: mapped columns do not match the file: {', '.join(missing)}")
    places = [(header.index(column), field) for column, field in maps.items() if column in header]
    return [
        {field: cells[place] if place < len(cells) else "" for place, field in places} for cells in lines if any(cells)
    ]


def _check_header(header: list[str]) -> None:
    """Columns are named once and in upper case (contract 5)."""
    for column in header:
        if column != column.upper():
            raise PackageError(f"DMF1966: mapped columns do not match the file: {column}")
        if header.count(column) > 1:
            raise PackageError(f"FF004: the column {column} stands in the header row more than once.")


def _is_drawn(entity: PackageEntity, field: str) -> bool:
    return entity.is_numbered and field == "ENTRYNUMBER"


def _xml(data: bytes, entity: PackageEntity) -> Iterator[Row]:
    """<Document><ENTITY A="…"/>…</Document>, or an element for each field."""
    for element in parse_xml(data, entity.file_name):
        if entity.source_format == "XML-Attribute":
            yield dict(element.attrib)
        else:
            yield {part.tag: part.text or "" for part in element}


def _excel(data: bytes, entity: PackageEntity) -> Iterator[list[str]]:
    """The sheet named after the label with underscores, unless the manifest names another one."""
    wanted = entity.sheet.rstrip("$") or entity.label.replace(" ", "_")
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheet = book.get_sheet_by_name(wanted)
    except python_calamine.WorksheetNotFound:
        raise PackageError(f"DMF2042: the sheet {wanted} is missing in {entity.file_name}.") from None
    except python_calamine.CalamineError:
        raise PackageError("DMF1855: the file type does not match the source data format.") from None
    for cells in sheet.to_python():
        yield [_cell(value) for value in cells]


def _cell(value: object) -> str:
    if isinstance(value, datetime.datetime):
        return value.isoformat() if value.time() != datetime.time() else value.date().isoformat()
    if isinstance(value, float):
        return format(Decimal(repr(value)).normalize(), "f")
    return str(value)
