"""The steps between files and a snapshot's folder, the same for a load and for the correction of one."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bpp_portal.kernel.problems import Problem
from cubes.engine.merging import merged
from cubes.engine.relation import FACTS, members_name
from cubes.intake import Source
from cubes.models import Cube
from cubes.rules.loading import Mode, TableState
from cubes.rules.shape import CubeShape, DimensionShape

from .facts import FactLoader, Renumber, Tally, add_totals, facts_schema
from .links import Allowed, allowed_values, check_kept
from .members import MemberReader, Members, joined, members_schema
from .notations import Notations
from .refusals import LoadRefused
from .refused import Report
from .standing import previous_members, standing_members
from .tables import FACTS_NAME, TableReport, open_facts, open_members

# More than this share of refused records does not replace data that stand, unless a person says so.
MOST_REFUSED = Fraction(1, 10)
ACCEPTED = f"{FACTS}.parquet"


@dataclass
class Staged:
    """A load on its way: `kept` is the folder of its report, `ready` the one that may become a snapshot."""

    shape: CubeShape
    kept: Path
    ready: Path
    report: Report
    tables: list[TableReport] = field(default_factory=list)
    members: dict[str, Members] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    whole: Tally = field(default_factory=Tally)
    goes_in: bool = False

    @property
    def blocking(self) -> list[str]:
        """Dimensions that were not loaded whole; facts wait for them."""
        halted = (TableState.PARTIAL, TableState.FAILED)
        return [table.name for table in self.tables if table.key and table.state in halted]


def read_members(
    staged: Staged, dimension: DimensionShape, source: Source, notations: Notations, mode: Mode, before: Path | None
) -> None:
    """Take the members of a file: all members in mode *replace*, else over those that stand."""
    allowed = allowed_values(dimension, staged.members)
    opened = open_members(dimension, source, notations, staged.report)
    reader = MemberReader(dimension, opened.place, opened.table, opened.match, opened.reading, allowed, staged.report)
    table, processed = reader.read()
    origin = f"from {source.label}"
    loaded = len(table)
    standing = previous_members(dimension, before) if mode is not Mode.REPLACE else None
    if standing is not None:
        table = joined(standing, table, dimension.primary)
        origin += f", {len(table) - loaded} from the snapshot before"
    staged.members[dimension.logical_name] = Members(dimension, table, False, origin)
    staged.tables.append(opened.report(processed=processed, loaded=loaded))
    check_links(staged, dimension, allowed)


def keep_members(staged: Staged, cube: Cube, dimension: DimensionShape, before: Path | None) -> None:
    """Take the members of the snapshot before, those that stand in another cube, or none where the facts may name
    them. LoadRefused when there are none at all, or when their linked columns do not fit the members loaded with them.
    """
    grows = staged.shape.may_grow(dimension)
    table, origin, note = previous_members(dimension, before), "from the snapshot before", "its members stay"
    if table is None:
        table, origin = standing_members(dimension, cube), "as they stand in other cubes"
        note = "its members are those that stand in another cube"
    if table is not None:
        members = Members(dimension, table, grows, f"{len(table)} {origin}")
    elif grows:
        members = Members(dimension, members_schema(dimension).empty_table(), True, "")
        note = "its members come from the facts"
    else:
        message = (
            f"The members of {dimension.name} are not known yet, and facts alone cannot describe them. "
            f"Load a file of members with it: {dimension.name}=FILE."
        )
        raise LoadRefused([Problem("members-missing", message, "dimension")])
    staged.members[dimension.logical_name] = members
    staged.tables.append(TableReport(dimension.logical_name, dimension.name, note=f"No file: {note}.", skipped=True))
    check_links(staged, dimension, allowed_values(dimension, staged.members))


def check_links(staged: Staged, dimension: DimensionShape, allowed: Mapping[str, Allowed]) -> None:
    """LoadRefused when members that stay hold a value that the column link dimension lost.

    While members are refused the facts wait, and the correction asks again.
    """
    if not staged.blocking:
        check_kept(dimension, staged.members[dimension.logical_name].table, allowed)


def read_facts(
    staged: Staged, source: Source, notations: Notations, renumber: Renumber | None = None, name: str = ACCEPTED
) -> Tally:
    """Write the good facts of a file to `name` in the report's folder."""
    opened = open_facts(staged.shape, source, notations, staged.report)
    loader = FactLoader(
        staged.shape,
        opened.place,
        opened.table,
        opened.match,
        staged.members,
        opened.reading.numbers,
        staged.report,
        renumber,
    )
    staged.tally = loader.write(staged.kept / name)
    staged.tables.append(opened.report(processed=staged.tally.processed, loaded=staged.tally.loaded))
    return staged.tally


def skip_facts(staged: Staged, source: Source, notations: Notations) -> None:
    """Keep the file of facts, and how it is to be read, until the dimensions are whole."""
    shutil.copyfile(source.path, staged.kept / f"source{Path(source.label).suffix.lower()}")
    names = ", ".join(staged.blocking)
    note = f"Members of {names} were refused. Correct them, then the facts are loaded."
    staged.tables.append(
        TableReport(
            "",
            FACTS_NAME,
            source.label,
            source.sheet,
            numbers=notations.numbers or "",
            dates=notations.dates or "",
            note=note,
            skipped=True,
        )
    )
    staged.report.note(f"The data of the cube is as it was before, because members of {names} were refused.")


def may_go_in(staged: Staged, *, stands: bool, allow_partial: bool) -> bool:
    """Whether enough was accepted to make a snapshot; says so in the report when not."""
    tally = staged.tally
    held = not allow_partial and stands and tally.failed > tally.processed * MOST_REFUSED
    if tally.loaded and held:
        was = "was" if tally.failed == 1 else "were"
        staged.report.note(
            f"{tally.failed} of {tally.processed} records {was} refused, so the data of the cube is as it was before. "
            f"Correct the file, or load it again and allow a partial load; it would keep {tally.loaded}."
        )
    return bool(tally.loaded) and not held


def write_members(staged: Staged) -> None:
    """The members of all dimensions, and a sentence about each."""
    for item in staged.members.values():
        pq.write_table(item.complete(), staged.kept / f"{members_name(item.dimension)}.parquet", compression="zstd")
        staged.report.note(item.note())


def compose(staged: Staged, accepted: Tally, *, base: Path | None, mode: Mode) -> None:
    """The folder of the snapshot: members as they are, and the accepted facts of the report's folder as `mode` says."""
    for item in staged.members.values():
        name = f"{members_name(item.dimension)}.parquet"
        shutil.copyfile(staged.kept / name, staged.ready / name)
    facts, target = staged.kept / ACCEPTED, staged.ready / ACCEPTED
    if mode is Mode.REPLACE:
        shutil.copyfile(facts, target)
        staged.whole = accepted
    else:
        staged.whole = write_merged(staged, [facts], target, base, mode)
    staged.goes_in = True


def write_merged(staged: Staged, facts: list[Path], target: Path, base: Path | None, mode: Mode) -> Tally:
    """Write `facts` over those of the snapshot in `base` as `mode` says; the number and the sums of all."""
    schema = facts_schema(staged.shape)
    facts = [widened(path, schema, staged.kept / f"widened-{place}.parquet") for place, path in enumerate(facts)]
    standing = widened(base / ACCEPTED, schema, staged.kept / "widened.parquet") if base else None
    if standing and not pq.read_schema(standing).equals(schema):
        message = "The definition of the cube changed since its data was loaded. Load all data again, in mode replace."
        raise LoadRefused([Problem("data-of-another-shape", message, "mode")])
    whole = Tally(totals={driver.logical_name: Decimal(0) for driver in staged.shape.drivers})
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in merged(base=standing, added=facts, mode=mode, schema=schema, scratch=staged.kept):
            writer.write_batch(batch)
            whole.loaded += batch.num_rows
            add_totals(whole.totals, staged.shape, pa.Table.from_batches([batch]))
    return whole


def widened(path: Path, schema: pa.Schema, target: Path) -> Path:
    """`path`, or `target` with its facts and 0 for every driver that the cube got since these were loaded."""
    stored = pq.ParquetFile(path)
    missing = [item for item in schema if item.name not in stored.schema_arrow.names]
    if not missing or not all(item.name.startswith("m_") for item in missing):
        return path
    with pq.ParquetWriter(target, schema, compression="zstd") as writer:
        for batch in stored.iter_batches():
            values = {name: batch.column(name) for name in stored.schema_arrow.names}
            zeros = {item.name: pa.repeat(pa.scalar(Decimal(0), item.type), batch.num_rows) for item in missing}
            found = {name: (values | zeros)[name] for name in schema.names}
            writer.write_table(pa.table(found))
    return target


def known_dimensions(staged: Staged, sources: Mapping[str, Source]) -> None:
    """LoadRefused when `sources` names a dimension that the cube does not have."""
    names = [dimension.name for dimension in staged.shape.every_dimension]
    strangers = [name for name in sources if name not in names]
    if strangers:
        message = f"{staged.shape.name} has no dimension {strangers[0]}. It has {', '.join(names)}."
        raise LoadRefused([Problem("dimension-unknown", message, "dimension")])
