"""Opens a data package as Finance would, and refuses it with Finance's own words where they are known."""

import csv
import io
import zipfile
from dataclasses import dataclass
from xml.etree import ElementTree as ET

NAMESPACE = "http://schemas.microsoft.com/dynamics/2015/01/DataManagement"
LABELS = {"Budget account entries"}


class PackageError(Exception):
    """The package cannot be read."""


@dataclass(frozen=True)
class Package:
    entity: str
    rows: list[dict[str, str]]  # entity field → text, in file order


def _element(root: ET.Element, name: str) -> ET.Element | None:
    return root.find(f".//{{{NAMESPACE}}}{name}")


def _text(root: ET.Element, name: str) -> str:
    found = _element(root, name)
    return (found.text or "") if found is not None else ""


def open_package(data: bytes) -> Package:
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile:
        raise PackageError("The package is not a valid zip file.") from None
    names = set(archive.namelist())
    for needed, root_name in (
        ("Manifest.xml", "DataManagementPackageManifest"),
        ("PackageHeader.xml", "DataManagementPackageHeader"),
    ):
        if needed not in names:
            raise PackageError(f"The file {needed} is missing in the package.")
        if _root(archive, needed).tag != f"{{{NAMESPACE}}}{root_name}":
            raise PackageError(f"XML is not in correct format-Exception from HRESULT: 0xC0010009 ({needed}).")
    manifest = _root(archive, "Manifest.xml")
    entity = _text(manifest, "EntityName")
    if entity not in LABELS:
        raise PackageError(f"Entity {entity} does not exist in the target environment")
    maps = _maps(manifest)
    if not maps:
        return Package(entity, [])  # seen on real environments: zero rows, and success is reported
    file_name = _text(manifest, "InputFilePath")
    if file_name not in names:
        raise PackageError(f"The input file {file_name} is missing in the package.")
    return Package(entity, _rows(archive.read(file_name), _text(manifest, "SourceFormat"), maps, entity))


def _root(archive: zipfile.ZipFile, name: str) -> ET.Element:
    try:
        return ET.fromstring(archive.read(name))
    except ET.ParseError:
        raise PackageError(f"XML is not in correct format-Exception from HRESULT: 0xC0010009 ({name}).") from None


def _maps(manifest: ET.Element) -> dict[str, str]:
    """Column of the file → field of the entity."""
    found = {}
    for entry in manifest.iter(f"{{{NAMESPACE}}}EntityMap"):
        found[_text(entry, "XMLField")] = _text(entry, "EntityField")
    return found


def _rows(data: bytes, source_format: str, maps: dict[str, str], entity: str) -> list[dict[str, str]]:
    if source_format == "CSV-Unicode":
        if not data.startswith(b"\xff\xfe"):
            raise PackageError("Selected file is not Unicode")
        text = data[2:].decode("utf-16-le")
    elif source_format == "CSV":
        text = data.decode("utf-8-sig")
    else:
        raise PackageError(f"The source data format {source_format} is not set up.")
    if "\r\n" not in text:
        raise PackageError(
            f"the mapping is incorrect for entity {entity} and field {{00000000-0000-0000-0000-000000000000}}"
        )
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(reader, [])
    missing = [column for column in maps if column not in header]
    if missing:
        raise PackageError(f"DMF1966: mapped columns do not match the file: {', '.join(missing)}")
    places = [(header.index(column), field) for column, field in maps.items()]
    return [{field: cells[place] for place, field in places} for cells in reader if cells]
