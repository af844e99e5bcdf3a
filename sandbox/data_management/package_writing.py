"""Writes a data package with the budget account entries of a legal entity, in the form that an import takes."""

import csv
import io
import zipfile
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

from sandbox.data_management.packages import NAMESPACE, ROOTS

LABEL = "Budget account entries"
FIELDS = (
    "EntryNumber",
    "LineNumber",
    "LegalEntityId",
    "BudgetModelId",
    "BudgetCode",
    "Date",
    "DimensionAccountStructure",
    "DimensionDisplayValue",
    "AmountType",
    "CurrencyCode",
    "TransactionCurrencyAmount",
    "Quantity",
    "Price",
    "Comment",
    "IncludeInCashFlowForecast",
    "ReasonCode",
    "ReasonComment",
    "OneTimeRevision",
)
_TYPE = "Microsoft.Dynamics.AX.Framework.Tools.DataManagement.Serialization.DataManagementPackageManifest"


def package_of(project: str, rows: Iterable[Any]) -> bytes:
    """A zip with both XML files and one CSV-Unicode file; `rows` have the columns of BudgetRegisterEntries."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Manifest.xml", _manifest(project))
        archive.writestr("PackageHeader.xml", _header(project))
        archive.writestr(f"{LABEL}.csv", b"\xff\xfe" + _csv(rows).encode("utf-16-le"))
    return target.getvalue()


def _csv(rows: Iterable[Any]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([name.upper() for name in FIELDS])
    for row in rows:
        writer.writerow([_shown(name, row[name]) for name in FIELDS])
    return text.getvalue()


def _shown(name: str, value: Any) -> str:
    if name == "Date":
        return str(value)[:10]
    return format(Decimal(value), "f") if name == "LineNumber" else str(value)


def _element(parent: ET.Element, name: str, text: str = "") -> ET.Element:
    child = ET.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    child.text = text or None
    return child


def _document(name: str) -> ET.Element:
    return ET.Element(f"{{{NAMESPACE}}}{ROOTS[name]}")


def _bytes(root: ET.Element) -> bytes:
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True, default_namespace=NAMESPACE))


def _header(project: str) -> bytes:
    root = _document("PackageHeader.xml")
    for name, text in (
        ("Description", project),
        ("ManifestType", _TYPE),
        ("PackageType", "DefinitionGroup"),
        ("PackageVersion", "2"),
    ):
        _element(root, name, text)
    return _bytes(root)


def _manifest(project: str) -> bytes:
    root = _document("Manifest.xml")
    _element(root, "DefinitionGroupName", project)
    _element(root, "Description", project)
    entity = _element(_element(root, "PackageEntityList"), "DataManagementPackageEntityData")
    maps = _element(entity, "EntityMapList")
    for index, name in enumerate(FIELDS):
        entry = _element(maps, "EntityMap")
        for part, text in (("ArrayIndex", str(index)), ("EntityField", name.upper()), ("XMLField", name.upper())):
            _element(entry, part, text)
    for name, text in (
        ("EntityName", LABEL),
        ("ExecutionUnit", "1"),
        ("InputFilePath", f"{LABEL}.csv"),
        ("LevelInExecutionUnit", "1"),
        ("SequenceInLevel", "1"),
        ("SourceFormat", "CSV-Unicode"),
        ("TargetEntity", "BudgetRegisterEntryEntity"),
    ):
        _element(entity, name, text)
    return _bytes(root)
