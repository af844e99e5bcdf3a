"""Completes a load with a corrected file of what it refused."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from bpp_portal.kernel.problems import Problem
from cubes.engine.relation import members_name
from cubes.intake import Source, open_table
from cubes.models import Load, LoadTable
from cubes.rules.links import sources_first
from cubes.rules.loading import Mode, TableState
from cubes.rules.notation import DateNotation, NumberNotation
from cubes.rules.shape import DimensionShape

from .facts import Renumber, Tally
from .links import allowed_values
from .loading import staged_load
from .members import MemberReader, Members, joined
from .notations import Notations
from .refusals import LoadRefused
from .refused import refused_name
from .reporting import Finish, finish
from .securing import check_may_load
from .staging import (
    ACCEPTED,
    Staged,
    check_links,
    compose,
    may_go_in,
    read_facts,
    skip_facts,
    write_members,
    write_merged,
)
from .tables import TableReport, open_members

CORRECTED = "corrected.parquet"


def correct(*, actor: Any, load: Load, files: Mapping[str, Source]) -> Load:
    """Complete `load`: what it accepted stays, the records of `files` join it as if they had been in its file.

    `files` maps the key of a table (empty = facts) to a corrected file of its refused records. The same files again
    answer with the report they made before, and change nothing. LoadRefused when the load is completed already by other
    files, when other data was loaded since, or when a file has more records than were refused.
    """
    check_may_load(actor=actor, cube=load.cube)
    sha256 = _hash(files)
    known = load.corrections.filter(sha256=sha256).first()
    if known is not None:
        return known
    returned = {key: replace(source, returned=True) for key, source in files.items()}
    _check(load, returned)
    tables = {table.key: table for table in load.tables.all()}
    facts = tables[""]
    base = load.base.path if load.base else None
    with staged_load(load.cube) as staged:
        for dimension in sources_first(staged.shape.every_dimension):
            _members(staged, load, dimension, tables[dimension.logical_name], returned)
        if staged.blocking:
            skip_facts(staged, _source(load, facts), _notations(facts))
            write_members(staged)
        elif facts.state == TableState.SKIPPED:
            accepted = read_facts(staged, _source(load, facts), _notations(facts))
            write_members(staged)
            if may_go_in(staged, stands=base is not None, allow_partial=False):
                compose(staged, accepted, base=base, mode=Mode(load.mode))
        else:
            _complete_facts(staged, load, facts, returned[""])
        label = ", ".join(source.label for source in files.values())
        return finish(Finish(actor, load.cube, staged, label, Mode(load.mode), load.base, load, sha256))


def _hash(files: Mapping[str, Source]) -> str:
    total = hashlib.sha256()
    for key, source in sorted(files.items()):
        with Path(source.path).open("rb") as file:
            total.update(f"{key}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()


def _check(load: Load, files: Mapping[str, Source]) -> None:
    """LoadRefused when the load cannot be completed any more, or by these files."""
    if not files:
        raise LoadRefused([Problem("correction-missing", "Choose the corrected file.", "facts")])
    done = load.corrections.first()
    if done is not None:
        message = f"{done.file} corrected this load already. Correct what that one refused, on its own report."
        raise LoadRefused([Problem("corrected-already", message, "facts")])
    last = load.cube.snapshots.order_by("-number").first()
    if last != (load.snapshot or load.base):
        message = (
            "Other data was loaded since, and a correction must not change that. "
            "Load the corrected records themselves: append them, or overwrite by key."
        )
        raise LoadRefused([Problem("data-changed-since", message, "facts")])
    for key, source in files.items():
        if not (load.folder and (load.path / refused_name(key)).is_file()):
            raise LoadRefused([Problem("nothing-refused", "Nothing of this table was refused.", "facts")])
        _check_size(source, pq.read_metadata(load.path / refused_name(key)).num_rows)


def _check_size(source: Source, most: int) -> None:
    size = sum(batch.size + len(batch.refused) for batch in open_table(source).batches)
    if size > most:
        message = (
            f"{source.label} has {size} records, {most} were refused. Send the refused records only, or load the whole "
            "file again."
        )
        raise LoadRefused([Problem("correction-too-long", message, "facts")])


def _members(
    staged: Staged, load: Load, dimension: DimensionShape, table: LoadTable, files: Mapping[str, Source]
) -> None:
    """The members that the load accepted, and those of a corrected file."""
    key = dimension.logical_name
    before = pq.read_table(load.path / f"{members_name(dimension)}.parquet")
    skipped = table.state == TableState.SKIPPED
    source = files.get(key)
    allowed = allowed_values(dimension, staged.members)
    if source is None:
        grows = skipped and staged.shape.may_grow(dimension)
        staged.members[key] = Members(dimension, before, grows, f"{len(before)} as before")
        staged.tables.append(_as_before(table, skipped))
        if table.failed:
            staged.report.carry(load.path, key)
        check_links(staged, dimension, allowed)
        return
    opened = open_members(dimension, source, _notations(table), staged.report)
    reader = MemberReader(dimension, opened.place, opened.table, opened.match, opened.reading, allowed, staged.report)
    added, processed = reader.read(known=None)
    origin = f"{len(before)} as before, {len(added)} from {source.label}"
    staged.members[key] = Members(dimension, joined(before, added, dimension.primary), False, origin)
    staged.tables.append(opened.report(processed=processed, loaded=len(added)))
    check_links(staged, dimension, allowed)


def _as_before(table: LoadTable, skipped: bool) -> TableReport:
    return TableReport(
        table.key,
        table.name,
        table.file,
        table.sheet,
        table.processed,
        table.loaded,
        table.numbers,
        table.dates,
        table.note,
        skipped,
    )


def _complete_facts(staged: Staged, load: Load, table: LoadTable, source: Source) -> None:
    """The accepted records of the load and the corrected ones, in the order of the file that they came from."""
    before = load.path / ACCEPTED
    renumber = _renumber(source, load.path)
    read_facts(staged, source, _notations(table), renumber, CORRECTED)
    write_members(staged)
    parts = [before, staged.kept / CORRECTED]
    accepted = write_merged(staged, parts, staged.kept / ACCEPTED, None, Mode.REPLACE)
    (staged.kept / CORRECTED).unlink()
    if len(renumber.theirs) < (refused := pq.read_metadata(load.path / refused_name("")).num_rows):
        staged.report.note(f"{refused - len(renumber.theirs)} of {refused} refused records are not in {source.label}.")
    whole = replace(staged, tally=Tally(accepted.loaded + staged.tally.failed, accepted.loaded))
    if load.snapshot or may_go_in(whole, stands=load.base is not None, allow_partial=False):
        compose(staged, accepted, base=load.base.path if load.base else None, mode=Mode(load.mode))


def _renumber(source: Source, folder: Path) -> Renumber:
    """The records of the corrected file take the numbers of the refused ones, or new ones when some are left out."""
    parts = [np.append(batch.records, [item.record for item in batch.refused]) for batch in open_table(source).batches]
    theirs = np.sort(np.concatenate([*parts, np.zeros(0, np.int64)])).astype(np.int64)
    ours = np.sort(pq.read_table(folder / refused_name(""), columns=["record"]).column("record").to_numpy())
    if len(ours) != len(theirs):
        known = pq.read_table(folder / ACCEPTED, columns=["row_no"]).column("row_no").to_numpy()
        last = int(max(known.max(initial=0), ours.max(initial=0)))
        ours = np.arange(last + 1, last + 1 + len(theirs), dtype=np.int64)
    return Renumber(theirs, ours)


def _notations(table: LoadTable) -> Notations:
    """How the file was read; what a blocked load left to be found in the file is found now."""
    return Notations(
        NumberNotation(table.numbers) if table.numbers else None, DateNotation(table.dates) if table.dates else None
    )


def _source(load: Load, facts: LoadTable) -> Source:
    """The file of facts of a blocked load."""
    return Source(load.path / f"source{Path(facts.file).suffix.lower()}", facts.file, sheet=facts.sheet)
