"""How a stage ends: a run of one method, from one metric to the next."""

from enum import Enum, auto
from typing import NamedTuple, final

import numpy as np

from softglm.solver.problem import Problem

# So many iterations in a row that lower neither f nor the estimate of the gap are at the precision of the arithmetic:
# fewer of Newton's, which halve the digits that are missing, and fewer where finer evaluations can be had.
_PATIENCE, _NEWTON_PATIENCE, _COARSE_PATIENCE = 30, 5, 8


@final
class End(Enum):
    """Why a stage ended."""

    ARRIVED = auto()
    PAID = auto()  # for the next metric
    STUCK = auto()
    OUT_OF_ITERATIONS = auto()


class Level(NamedTuple):
    """How low f is, and the estimate of its gap."""

    value: float
    estimate: float

    def is_below(self, other: "Level", noise: float) -> bool:
        """Tell whether f is lower by more than noise, or the estimate by half."""
        return other.value - self.value > noise or self.estimate < other.estimate / 2.0


class Descent(NamedTuple):
    """How it goes downhill.

    Attributes
    ----------
    lowest : Level
        The lowest f and the lowest estimate that were seen.
    stuck_at : Level
        Where the last stage that got stuck did.
    n_iterations, n_idle : int
        All, and those of the last in a row that have lowered neither f nor the estimate.
    """

    lowest: Level
    stuck_at: Level = Level(np.inf, np.inf)
    n_iterations: int = 0
    n_idle: int = 0

    def after(self, value: float, estimate: float, noise: float) -> "Descent":
        """Return the descent after one more iteration."""
        lowest = self.lowest
        is_lower = lowest.value - value > noise or estimate < lowest.estimate / 2.0
        lowest = Level(min(value, lowest.value), min(estimate, lowest.estimate))
        return Descent(lowest, self.stuck_at, self.n_iterations + 1, 0 if is_lower else self.n_idle + 1)

    def afresh(self, value: float) -> "Descent":
        """Return the descent as it goes on where f is evaluated in another way."""
        return self._replace(lowest=Level(value, np.inf), n_idle=0)

    def is_stuck(self, problem: Problem) -> bool:
        if problem.takes_newton_steps:
            return self.n_idle >= _NEWTON_PATIENCE
        return self.n_idle >= (_COARSE_PATIENCE if problem.resolution else _PATIENCE)
