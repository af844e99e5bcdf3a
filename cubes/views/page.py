"""What every page of one cube needs."""

from typing import Any

from django.http import Http404, HttpRequest

from bpp_portal.kernel.roles import Right, SeesPart, require
from cubes import queries
from cubes.models import Cube, Snapshot

ONLY_PUBLISHED = "Only published cubes can be exported."
CLASSIC = "Classic cubes have no export. Only cubes of Cubes (preview) can be exported."
NO_DATA = "Load data before you export."


def open_cube(request: HttpRequest, slug: str, right: Right = Right.READ_CUBES) -> Cube:
    """The cube at `slug` for a reader with `right`; 404 when it is absent or not for them."""
    require(request.user, right)
    try:
        return queries.cube_for(request.user, slug)
    except Cube.DoesNotExist:
        raise Http404 from None


def open_whole_cube(request: HttpRequest, slug: str, right: Right) -> Cube:
    """As `open_cube`, for pages about all data of the cube: SeesPart when dimension security hides some of it."""
    cube = open_cube(request, slug, right)
    if not queries.visibility(user=request.user, cube=cube).everything:
        raise SeesPart("Snapshots and loads tell about all of them.")
    return cube


def cube_context(cube: Cube, tab: str, user: Any) -> dict[str, Any]:
    """Head, tabs and commands of the page of `cube`. `whole` = dimension security hides nothing of it from `user`;
    else the page says nothing about snapshots and loads, which tell of more than the user sees."""
    whole = queries.visibility(user=user, cube=cube).everything
    snapshot = queries.latest_snapshot(cube)
    last_load = cube.loads.order_by("-id").first()
    return {
        "cube": cube,
        "tab": tab,
        "whole": whole,
        "snapshot": snapshot,
        "snapshot_count": cube.snapshots.count() if whole else 0,
        "not_loaded": last_load.failed if last_load and whole else 0,
        "export_reason": _export_reason(cube, snapshot),
    }


def _export_reason(cube: Cube, snapshot: Snapshot | None) -> str:
    """Why the cube cannot be exported now; empty when it can."""
    if cube.is_classic:
        return CLASSIC
    if not cube.is_published:
        return ONLY_PUBLISHED
    return "" if snapshot else NO_DATA
