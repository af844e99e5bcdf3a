"""The preconditions of an export, all of them: the mission's and the contract's, each with its error and its remedy."""

from collections.abc import Mapping

from .budget import BUDGET
from .flows import FLOW_ROWS
from .people import ENTITIES, PEOPLE
from .reaching import CONNECTION
from .words import Precondition

PRECONDITIONS: tuple[Precondition, ...] = (*PEOPLE, *ENTITIES, *BUDGET, *CONNECTION, *FLOW_ROWS)
BY_KEY: Mapping[str, Precondition] = {one.key: one for one in PRECONDITIONS}
