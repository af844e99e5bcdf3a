"""Workbooks become a cube: uploads of one person in a private folder, the plan beside them, and the end of both."""

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from bpp_portal.kernel.problems import Problem
from cubes.intake import FileRefused, Source, open_table, sheet_names
from cubes.intake.profiling import profile_of
from cubes.models import Cube, Dimension, Load, WorkbookImport, dimension_shape
from cubes.rules.definition import Definition, parse_definition
from cubes.rules.definition_text import definition_text
from cubes.rules.links import link_dimensions
from cubes.rules.shape import DataType
from cubes.rules.workbooks.checking import file_problems
from cubes.rules.workbooks.composing import planned_definition
from cubes.rules.workbooks.detecting import detect
from cubes.rules.workbooks.plan import Plan, Use, from_json, to_json
from cubes.rules.workbooks.profile import ColumnProfile, SheetProfile

from .definitions import create_cube
from .loading import load
from .refusals import CubeRefused
from .standing import has_members

KEPT_FOR = timedelta(days=1)
PROFILES = "profiles.json"


@dataclass(frozen=True)
class Upload:
    """One uploaded file: its name at the sender's, its size, and its bytes in parts."""

    name: str
    size: int
    chunks: Iterable[bytes]


def start(*, actor: Any, files: Sequence[Upload]) -> WorkbookImport:
    """Keep the files, look at every sheet and guess what they are. CubeRefused when one is no workbook."""
    problems = file_problems([(file.name, file.size) for file in files])
    if problems:
        raise CubeRefused(problems)
    _remove_stale()
    item = WorkbookImport(owner=actor)
    item.path.mkdir(parents=True, mode=0o700)
    try:
        sources = [_keep(item.path, number, file) for number, file in enumerate(files)]
        sheets = [profile for number, source in enumerate(sources) for profile in _sheets(number, source)]
        (item.path / PROFILES).write_text(json.dumps([_profile_json(sheet) for sheet in sheets]), encoding="utf-8")
        item.plan = to_json(detect(sheets, known_dimensions()))
        item.save()
    except FileRefused as error:
        shutil.rmtree(item.path, ignore_errors=True)
        raise CubeRefused([Problem("file-unreadable", str(error), "files")]) from error
    except BaseException:
        shutil.rmtree(item.path, ignore_errors=True)
        raise
    return item


def change(*, item: WorkbookImport, plan: Plan) -> None:
    """Keep new answers."""
    item.plan = to_json(plan)
    item.save(update_fields=["plan", "touched_at"])


def rename(*, item: WorkbookImport, name: str) -> None:
    """Keep another name for the cube. CubeRefused when it cannot be one."""
    plan = replace(from_json(item.plan), name=" ".join(name.split())[:200])
    if not plan.name:
        raise CubeRefused([Problem("name-missing", "Enter a name for the cube.", "name")])
    checked_definition(plan)
    change(item=item, plan=plan)


def discard(*, item: WorkbookImport) -> None:
    """Forget the workbooks and the answers."""
    folder = item.path
    item.delete()
    shutil.rmtree(folder, ignore_errors=True)


def create(*, actor: Any, item: WorkbookImport, with_data: bool) -> tuple[Cube, Load | None, list[Problem]]:
    """The draft of the plan, with the data of its sheets if wanted; the workbooks are gone then.

    The draft stays when its data cannot be loaded: the problems say why. CubeRefused when no draft can be made.
    """
    plan = from_json(item.plan)
    sources = workbook_sources(item)
    with transaction.atomic():
        if Cube.objects.filter(name__iexact=plan.name).exists():
            message = f"There is a cube {plan.name} already. Choose another name."
            raise CubeRefused([Problem("name-taken", message, "name")])
        reused = {name for name in used_dimensions(plan) if Dimension.objects.filter(name=name).exists()}
        origin = ", ".join(sources)[:200]
        cube = create_cube(actor=actor, definition=checked_definition(plan), origin=origin).cube
    report, problems = None, []
    if with_data:
        try:
            facts, members = _data(item, plan, cube, reused)
            report = load(actor=actor, cube=cube, facts=facts, dimensions=members)
        except CubeRefused as refused:
            problems = refused.problems
    discard(item=item)
    return cube, report, problems


def checked_definition(plan: Plan) -> Definition:
    """The definition of `plan`, read again as if it came from a file: one reader judges both."""
    taken = {*Cube.objects.values_list("logical_name", flat=True)}
    taken |= {*Dimension.objects.values_list("logical_name", flat=True)}
    composed = planned_definition(plan, _standing, taken)
    definition, problems = parse_definition(definition_text(_with_sources(composed)))
    if definition is None:
        raise CubeRefused(problems)
    return definition


def _standing(name: str) -> Any:
    found = Dimension.objects.filter(name=name).first()
    return dimension_shape(found) if found else None


def _with_sources(definition: Definition) -> Definition:
    """With the dimensions that stand and supply linked columns of reused ones."""
    more = link_dimensions(definition.dimensions, lambda name: dimension_shape(Dimension.objects.get(name=name)))
    return replace(definition, dimensions=(*definition.dimensions, *more))


def known_dimensions() -> list[str]:
    """Names of the dimensions that exist."""
    return list(Dimension.objects.values_list("name", flat=True))


def used_dimensions(plan: Plan) -> list[str]:
    """Names of the dimensions that the plan speaks of."""
    own = [fact.dimension for fact in plan.facts if fact.use is Use.OWN]
    return [*(sheet.name for sheet in plan.dimension_sheets), *own]


def profiles_of(item: WorkbookImport) -> list[SheetProfile]:
    """What the sheets of the workbooks look like."""
    data = json.loads((item.path / PROFILES).read_text(encoding="utf-8"))
    return [SheetProfile(**{**one, "columns": tuple(map(_column_profile, one["columns"]))}) for one in data]


def workbook_sources(item: WorkbookImport) -> dict[str, Path]:
    """File name at the sender's → where it lies."""
    labels = {profile.file: profile.label for profile in profiles_of(item)}
    paths = {int(path.stem): path for path in item.path.iterdir() if path.stem.isdecimal()}
    return {labels[number]: path for number, path in sorted(paths.items()) if number in labels}


def _data(item: WorkbookImport, plan: Plan, cube: Cube, reused: set[str]) -> tuple[Source, dict[str, Source]]:
    """The fact sheet, and for every dimension without members of its own the sheet that has them."""
    profiles = profiles_of(item)
    by_sheet = {(profile.file, profile.sheet): profile for profile in profiles}

    def source(file: int, sheet: str) -> Source:
        label = by_sheet[file, sheet].label
        return Source(next(item.path.glob(f"{file}.*")), label, sheet=sheet)

    kept = {name for name in reused if has_members(dimension_shape(Dimension.objects.get(name=name)), cube)}
    members = {sheet.name: source(sheet.file, sheet.sheet) for sheet in plan.dimension_sheets if sheet.name not in kept}
    facts = plan.fact_sheet
    assert facts is not None  # noqa: S101  the definition was made from it
    for fact in plan.facts:
        if fact.use is Use.OWN and fact.is_date and fact.dimension not in kept:
            column = by_sheet[facts.file, facts.sheet].column(fact.header)
            members[fact.dimension] = _dates(item, len(members), fact.header, sorted(column.values if column else ()))
    return source(facts.file, facts.sheet), members


def _dates(item: WorkbookImport, number: int, header: str, days: Sequence[str]) -> Source:
    """A file of members for a dimension of dates."""
    path = item.path / f"dates-{number}.csv"
    path.write_text("Name,Date\n" + "".join(f"{day},{day}\n" for day in days), encoding="utf-8")
    return Source(path, f"dates of {header}.csv")


def _keep(folder: Path, number: int, file: Upload) -> Source:
    """The upload as a file of the server's own naming; only its ending is the sender's."""
    path = folder / f"{number}{Path(file.name).suffix.lower()}"
    with path.open("wb") as target:
        for chunk in file.chunks:
            target.write(chunk)
    return Source(path, file.name)


def _sheets(number: int, source: Source) -> list[SheetProfile]:
    found = []
    for sheet in sheet_names(source):
        try:
            found.append(profile_of(number, replace(source, sheet=sheet), open_table(replace(source, sheet=sheet))))
        except FileRefused as error:
            found.append(SheetProfile(number, source.label, sheet, 0, (), str(error)))
    return found


def _profile_json(sheet: SheetProfile) -> dict[str, Any]:
    data = asdict(sheet)
    for column in data["columns"]:
        column["values"] = sorted(column["values"])
    return data


def _column_profile(data: dict[str, Any]) -> ColumnProfile:
    typed = {"data_type": DataType(data["data_type"]), "samples": tuple(data["samples"])}
    return ColumnProfile(**{**data, **typed, "values": frozenset(data["values"])})


def _remove_stale() -> None:
    """What nobody touched for a day goes, with its files."""
    for item in WorkbookImport.objects.filter(touched_at__lt=timezone.now() - KEPT_FOR):
        discard(item=item)
