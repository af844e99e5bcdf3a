"""The demo's people: the user types of the mission, and a reviewer and a guest."""

from dataclasses import dataclass

from bpp_portal.kernel.roles import Role


@dataclass(frozen=True)
class Person:
    username: str
    role: Role | None
    who: str


PEOPLE = (
    Person("installer", Role.IT_ADMINISTRATOR, "IT administrator, User A: installs, has no Finance role"),
    Person("owner", Role.ADMINISTRATOR, "BPP administrator, User B: owns the flows"),
    Person("planner", Role.POWER_USER, "Power User, User C: exports"),
    Person("reviewer", Role.REVIEWER, "Reviewer: reads exports, saves drafts"),
    Person("guest", None, "no role"),
)


def password_of(username: str) -> str:
    """The demo's password of a person. Production refuses to start while one of them works."""
    return f"demo-{username}"
