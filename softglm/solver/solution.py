"""What a solver returns. It never warns: each status is the sentence that the user will read."""

from dataclasses import dataclass
from enum import Enum
from typing import final

from softglm.arrays import FloatArray


@final
class Status(Enum):
    """How a minimisation ended."""

    CONVERGED = "converged"
    PRECISION = "stopped at the precision of the arithmetic, before the tolerance was proved"
    ITERATIONS = "ran out of iterations before the tolerance was reached"
    ROUNDED = "converged in float64, but rounding the coefficients to float32 lost more than the tolerance"
    SEPARATED = "separated: the maximum-likelihood estimate does not exist, some coefficients are infinite"
    UNDECIDED = "came to rest, but the data are too large to decide whether they are separated and an optimum exists"
    NON_FINITE = "the optimum is not finite: values of X or the offset are too large or too small for the arithmetic"


@final
class GapKind(Enum):
    """What stands behind a gap: a proof by the curvature of f, or of its penalty, or none."""

    SELF_CONCORDANCE = "self-concordance"
    STRONG_CONVEXITY = "strong convexity"
    ESTIMATE = "estimate"


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
    status : Status
    gap_kind : GapKind
    n_iterations, n_evaluations, n_refreshes : int
        Quasi-Newton iterations, evaluations of value and gradient, new metrics.
    """

    point: FloatArray
    value: float
    gradient: FloatArray
    gap: float
    status: Status
    gap_kind: GapKind
    n_iterations: int
    n_evaluations: int
    n_refreshes: int
