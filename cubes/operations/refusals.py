"""What stops an operation on a cube."""

from collections.abc import Sequence

from bpp_portal.kernel.problems import Problem


class CubeRefused(Exception):
    """The operation was refused as a whole; `problems` says why and what to do."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = list(problems)


class LoadRefused(CubeRefused):
    """Nothing of the files can be loaded."""
