"""What a solver reports and returns. It never warns: how it ended is part of the solution."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import final

from softglm.arrays import FloatArray
from softglm.solver.problem import Metric


@final
class Outcome(Enum):
    """How a minimisation ended."""

    CONVERGED = "converged"
    PRECISION = "at the precision of the arithmetic"
    ITERATIONS = "out of iterations"
    NO_MINIMISER = "no minimiser"
    UNDECIDED = "undecided whether there is a minimiser"
    NON_FINITE = "not finite at the start"


@final
class GapKind(Enum):
    """What stands behind a gap: a proof by the Hessian of f, or by a bound that needs none, or no proof."""

    SELF_CONCORDANCE = "self-concordance"
    STRONG_CONVEXITY = "strong convexity"
    DUALITY = "duality"
    ESTIMATE = "estimate"


@final
@dataclass(frozen=True)
class Progress:
    """Where a minimisation stands after an iteration.

    Attributes
    ----------
    stage, iteration : int
        Their numbers.
    value : float
        f there.
    gap : float, default=inf
        An estimate of f - f*; inf where there is none.
    """

    stage: int
    iteration: int
    value: float
    gap: float = math.inf


Report = Callable[[Progress, FloatArray], None]


@final
@dataclass(frozen=True)
class Solution:
    """The last iterate, and what is known about it.

    Attributes
    ----------
    point, gradient : array
        Of the shape of the starting point.
    value, gap : float
        f, and f - f* as `gap_kind` has it (inf where nothing is known).
    outcome : Outcome
    gap_kind : GapKind
    n_iterations, n_evaluations, n_refreshes : int
        Quasi-Newton iterations, evaluations of value and gradient, new metrics.
    metric : Metric
        The last one.
    """

    point: FloatArray
    value: float
    gradient: FloatArray
    gap: float
    outcome: Outcome
    gap_kind: GapKind
    n_iterations: int
    n_evaluations: int
    n_refreshes: int
    metric: Metric
