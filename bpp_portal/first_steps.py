"""What is left of the set-up, for the start page: the steps in their order, and whose turn it is."""

from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth import get_user_model
from django.urls import reverse

from bpp_portal.kernel.roles import Right, Role, has_right
from connections.models import Environment, Flow
from connections.rules.flows import FLOWS
from cubes.models import Cube

IT, BPP = "IT administrator", "BPP administrator"
PLANNERS = "BPP administrator or Power User"


@dataclass(frozen=True)
class FirstStep:
    """One step; `state` is done, now or todo, `address` is empty for a reader whose step it is not."""

    name: str
    note: str
    who: str
    verb: str
    address: str
    state: str = "todo"


def first_steps(*, user: Any) -> tuple[FirstStep, ...]:
    """The steps from an empty portal to the first export; empty when all are done or the reader sets nothing up.

    What Finance still lacks is not judged here: readiness tells.
    """
    if not (has_right(user, Right.MANAGE_CONNECTIONS) or has_right(user, Right.MAINTAIN_CUBES)):
        return ()
    steps = [_people(user), _environment(user), _flows(user), _owner(user), _cube(user)]
    left = [step.name for done, step in steps if not done]
    return tuple(
        replace(step, state="done" if done else "now" if step.name == left[0] else "todo")
        for done, step in steps
        if left
    )


def _people(user: Any) -> tuple[bool, FirstStep]:
    found = get_user_model().objects.filter(is_active=True, groups__name=Role.ADMINISTRATOR).exists()
    note = "A BPP administrator who will own the flows, and the planners."
    return found, FirstStep(
        "Add the people", note, IT, "Add user", _for(user, Right.MANAGE_USERS, "admin:auth_user_add")
    )


def _environment(user: Any) -> tuple[bool, FirstStep]:
    address = _for(user, Right.MANAGE_ENVIRONMENTS, "connections:environment-new")
    note = "Where Dataverse is, and the application that signs in."
    return Environment.objects.exists(), FirstStep("Set up an environment", note, IT, "Set up an environment", address)


def _flows(user: Any) -> tuple[bool, FirstStep]:
    note = "On a Dataverse connection; then readiness lists what is missing."
    return Flow.objects.exists(), FirstStep(
        "Install the flows", note, IT, "Open flows", _for(user, Right.MANAGE_ENVIRONMENTS, "flows")
    )


def _owner(user: Any) -> tuple[bool, FirstStep]:
    note = "Connects Dataverse and Dynamics 365 Finance, and turns the flows on."
    on = Flow.objects.filter(is_on=True).values("name").distinct().count() == len(FLOWS)
    return on, FirstStep("Take ownership", note, BPP, "Open flows", _for(user, Right.MANAGE_CONNECTIONS, "flows"))


def _cube(user: Any) -> tuple[bool, FirstStep]:
    note = "Its definition and its data; then planners export."
    published = Cube.objects.filter(status=Cube.Status.PUBLISHED, snapshots__isnull=False).exists()
    return published, FirstStep(
        "Publish a cube", note, PLANNERS, "Open cubes", _for(user, Right.MAINTAIN_CUBES, "cubes:list")
    )


def _for(user: Any, right: Right, page: str) -> str:
    return reverse(page) if has_right(user, right) else ""
