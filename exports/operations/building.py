"""CountTotalCubeRows: counts the cube rows as the requester sees them and freezes the lines and the package."""

import os
import shutil
from decimal import Decimal
from pathlib import Path

from django.db import transaction
from sqlglot import exp

from bpp_portal.kernel.hold import hold
from bpp_portal.kernel.roles import Right, has_right
from connections.data_management import PROJECT
from connections.errors import FlowOff, RemoteError
from connections.queries import dataverse_client, explained, flow
from cubes.engine import open_engine
from cubes.queries import visibility
from cubes.rules.security import EVERYTHING, Visibility
from exports import frozen
from exports.lines import LineShape, Total, line_select, rounding_difference
from exports.models import Run, RunTotal
from exports.package import write_package
from exports.queries.checking import check
from exports.queries.configurations import configuration_of
from exports.queries.run_page import ACCESS_CHANGED
from exports.rules.configuration import Configuration
from exports.rules.decide import Failure, Observation, Seen
from exports.rules.states import COUNT, State

from .leasing import write
from .moving import move
from .observing import before_start

MOST_OF_A_HEADLINE = 200


def begin(run: Run) -> Observation | None:
    """The wake-up was heard; counting starts now."""
    try:
        dataverse_client(environment=run.environment, flow_name=COUNT)
        if not flow(environment=run.environment, name=COUNT).is_on:
            raise FlowOff(f"{COUNT} is turned off.", hint="Its owner turns it on.")
    except RemoteError as error:
        return before_start(explained(error, environment=run.environment))
    move(run=run, to=State.BUILDING, not_before=None)
    return None


def build(run: Run) -> Observation:
    """Check once more with fresh facts, build the lines from the pinned snapshot, freeze them."""
    changed = _access_changed(run)
    if changed:
        return changed
    chosen = configuration_of(run.export)
    try:
        checked = check(
            user=run.requested_by,
            cube=run.export.cube,
            snapshot=run.snapshot,
            environment=run.environment,
            chosen=chosen,
            fresh=True,
        )
    except RemoteError as error:
        return before_start(explained(error, environment=run.environment))
    if checked.problems or checked.schema is None:
        first = checked.problems[0]
        more = f" and {len(checked.problems) - 1} more" if len(checked.problems) > 1 else ""
        return Observation(Seen.PERMANENT, Failure(_headline(first.message), more.strip(), first.hint, first.code))
    hold("building")
    totals = freeze(run, chosen, LineShape.of(checked.schema))
    if not totals:
        text = "No cube row passes these filters. Loosen a filter."
        return Observation(Seen.PERMANENT, Failure(text, code="BRE-NO-ROWS"))
    return _access_changed(run) or Observation(Seen.BUILT)  # again: building takes its time


def _access_changed(run: Run) -> Observation | None:
    """What the requester may do now is not what it was when they saw the numbers and asked for this run."""
    who = run.requested_by
    if not has_right(who, Right.EXPORT) or not who.is_active:
        text = f"{who} lost the right to export after asking for this run."
    elif visibility(user=who, cube=run.export.cube).digest != run.seen_sha256:
        text = f"What {who} may see of {run.export.cube.name} changed after asking for this run."
    else:
        return None
    hint = "Nothing was sent. Export again with what is visible now."
    return Observation(Seen.PERMANENT, Failure("Access changed", text, hint, ACCESS_CHANGED))


def _headline(text: str) -> str:
    """`text` as far as the run's headline holds it."""
    return text if len(text) <= MOST_OF_A_HEADLINE else f"{text[: MOST_OF_A_HEADLINE - 1]}…"


def freeze(run: Run, chosen: Configuration, shape: LineShape) -> tuple[Total, ...]:
    """Write lines and package into a folder of this claim, then put it in place in one rename."""
    temporary = run.folder.with_name(f"{run.uuid}.building-{run.fence}")
    for stale in run.folder.parent.glob(f"{run.uuid}.building-*"):
        shutil.rmtree(stale)
    temporary.mkdir(parents=True)
    seen = visibility(user=run.requested_by, cube=run.export.cube)
    with open_engine(run.snapshot, seen) as engine:
        engine.copy(line_select(engine=engine, chosen=chosen, shape=shape), temporary / frozen.LINES)
    totals = frozen.totals(temporary)
    write_package(
        temporary / frozen.PACKAGE,
        project=PROJECT,
        rows=frozen.text_of_lines(temporary, fields_of(run, chosen)),
    )
    _sync(temporary)
    # A folder left by a worker that died before the commit holds the same bytes: same snapshot, same rules.
    shutil.rmtree(run.folder, ignore_errors=True)
    temporary.rename(run.folder)
    _sync_folder(run.folder.parent)
    hold("frozen")
    _note(run, totals, shape, _unseen(run, chosen, seen, sum(total.rows for total in totals)))
    return totals


def comment_of(run: Run) -> str:
    """The comment of every line: it leads from Finance to the run, and from the run to its lines in Finance."""
    return f"bpp_portal run {run.uuid}"


def fields_of(run: Run, chosen: Configuration) -> list[str]:
    """The package's columns as SQL text expressions over the frozen lines, in the order of `package.COLUMNS`."""

    def text(value: str) -> str:
        return "'" + value.replace("'", "''") + "'"

    return [
        text(run.entry_number),
        "line_number::TEXT",
        text(chosen.legal_entity),
        text(chosen.budget_model),
        text(chosen.budget_code),
        "date::TEXT",
        "display_value",
        "amount_type",
        "currency",
        "amount::TEXT",
        text(comment_of(run)),
    ]


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unseen(run: Run, chosen: Configuration, seen: Visibility, rows: int) -> int:
    """How many rows in the filters the requester does not see."""
    if seen.everything:
        return 0
    with open_engine(run.snapshot, EVERYTHING) as engine:
        facts = engine.relation(chosen.slice, columns={}, drivers={}).subquery("f")
        return int(engine.rows(exp.select("COUNT(*)").from_(facts))[0][0]) - rows


def _note(run: Run, totals: tuple[Total, ...], shape: LineShape, unseen: int) -> None:
    package = run.folder / frozen.PACKAGE
    with transaction.atomic():
        RunTotal.objects.filter(run=run).delete()
        for total in totals:
            for place, amount in ((RunTotal.Place.CUBE, total.exact), (RunTotal.Place.PACKAGE, total.amount)):
                RunTotal.objects.create(
                    run=run,
                    place=place,
                    amount_type=total.amount_type,
                    currency=total.currency,
                    lines=total.lines,
                    amount=amount,
                )
        fields = {
            "unseen_rows": unseen,
            "cube_rows": sum(total.rows for total in totals),
            "line_count": sum(total.lines for total in totals),
            "rounding_difference": rounding_difference(totals) or Decimal(0),
            "segments": list(shape.segments),
            "lines_sha256": frozen.sha256_of(run.folder / frozen.LINES),
            "package_sha256": frozen.sha256_of(package),
            "package_bytes": package.stat().st_size,
        }
        write(run, **fields)
