"""What a fit under a sparse penalty ends with."""

from dataclasses import dataclass
from typing import final

from softglm.arrays import FloatArray
from softglm.solver import Outcome


@final
@dataclass(frozen=True)
class SparseSolution:
    """Where a fit under a sparse penalty ended.

    Attributes
    ----------
    coef : array of shape (p, q)
        Exactly 0 where it is, in the units of the columns as they are given.
    intercept : array of shape (q,)
        At x = 0.
    loss, penalty, gap : float
        F, the part of it that is the penalty, and what is proved of F - F*.
    outcome : Outcome
    n_iterations, n_evaluations, n_hessians, n_passes : int
        Of this fit.
    """

    coef: FloatArray
    intercept: FloatArray
    loss: float
    penalty: float
    gap: float
    outcome: Outcome
    n_iterations: int
    n_evaluations: int
    n_hessians: int
    n_passes: int
