"""Which header of a file belongs to which dimension, column or driver."""

from collections.abc import Sequence
from dataclasses import dataclass

from bpp_portal.kernel.problems import Problem

from .shape import CubeShape, DimensionShape


@dataclass(frozen=True)
class Wanted:
    """Something a file must hold. `source` is its exact header; without it `names` are tried in order, case folded."""

    key: str
    label: str
    names: tuple[str, ...]
    source: str = ""


@dataclass(frozen=True)
class Match:
    """Position of the column in the file by key; headers that nobody asked for."""

    positions: dict[str, int]
    unused: tuple[str, ...]


def wanted_facts(shape: CubeShape) -> list[Wanted]:
    """What a fact file must hold: every dimension by key `d_<logical name>` and every driver by `m_<logical name>`."""
    wanted = [
        Wanted(
            f"d_{item.logical_name}",
            f"dimension {item.name}",
            (item.name, item.key.name, item.logical_name, item.key.logical_name),
            item.source_column,
        )
        for item in shape.dimensions
    ]
    return wanted + [
        Wanted(f"m_{item.logical_name}", f"driver {item.name}", (item.name, item.logical_name), item.source_column)
        for item in shape.drivers
    ]


def wanted_members(dimension: DimensionShape) -> list[Wanted]:
    """What a file of members must hold: every column of the dimension by its logical name."""
    return [
        Wanted(column.logical_name, f"column {column.name}", (column.name, column.logical_name))
        for column in dimension.columns
    ]


def match_headers(headers: Sequence[str], wanted: Sequence[Wanted], file: str) -> tuple[Match, list[Problem]]:
    """Find every wanted column among `headers`. A name that several would claim decides nothing."""
    positions: dict[str, int] = {}
    problems = [
        Problem("file-header-twice", f"{file} has the column '{header}' twice. Rename one.", "file")
        for header in dict.fromkeys(headers)
        if header and list(headers).count(header) > 1
    ]
    for rank in range(-1, max((len(item.names) for item in wanted), default=0)):
        _match_rank(headers, wanted, positions, rank)
    for item in wanted:
        if item.key not in positions:
            name = item.source or item.names[0]
            have = ", ".join(f"'{header}'" for header in headers if header)
            problems.append(
                Problem(
                    "file-column-missing",
                    f"{file} has no column '{name}' for {item.label}. Add it; the file has {have or 'no header'}.",
                    "file",
                )
            )
    taken = set(positions.values())
    unused = tuple(header for place, header in enumerate(headers) if place not in taken and header)
    return Match(positions, unused), problems


def _match_rank(headers: Sequence[str], wanted: Sequence[Wanted], positions: dict[str, int], rank: int) -> None:
    """Give free headers to those who still want one, by exact source (-1) or by the name of this rank."""
    claims: dict[int, list[str]] = {}
    for item in wanted:
        by_source = rank == -1
        if item.key in positions or by_source != bool(item.source) or rank >= len(item.names):
            continue
        for place, header in enumerate(headers):
            same = header == item.source if by_source else header.casefold() == item.names[rank].casefold()
            if same and place not in positions.values():
                claims.setdefault(place, []).append(item.key)
    for place, keys in claims.items():
        if len(keys) == 1 and keys[0] not in positions:
            positions[keys[0]] = place
