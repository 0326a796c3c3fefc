"""Where a fit begins, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.solver import GapKind, Progress
from softglm.status import Status

# The least that is told from rounding, relative to a loss.
RESOLUTION = 4.0 * np.finfo(np.float64).eps

Report: TypeAlias = Callable[[Progress, FloatArray, FloatArray], None]
"""Called as ``report(progress, coef, intercept)`` after each iteration."""


@final
@dataclass(frozen=True)
class Start:
    """Where a fit begins: `coef` of shape (p, q) and `intercept` of shape (q,)."""

    coef: FloatArray
    intercept: FloatArray


@final
@dataclass(frozen=True)
class Fit:
    """A fitted linear predictor eta = coef' x + intercept + offset, and what is known about it.

    Attributes
    ----------
    coef : array of shape (p, q)
    intercept : array of shape (q,)
        Both rounded to the precision of X where that is coarser than float64.
    loss, null_loss : float
        The objective here and at the null model, in nats per unit of weight.
    penalty : float
        The part of the loss that is the penalty; the null model has none.
    gap : float
        What the loss is above its minimum, as `gap_kind` has it: the most it can be, or an estimate.
    gap_kind : GapKind
    status : Status
    is_unique : bool
        False where collinear columns are not told apart by a penalty: of the many optima this one is of minimum norm in
        standardised coordinates. Where coefficients are held at 0, or within bounds, or where nothing is penalised
        and there is too much for a proof, it is not looked at, and True.
    n_iterations, n_evaluations, n_refreshes : int
        Iterations, evaluations of the loss and its gradient, Hessians (or approximations of it).
    n_passes : int, default=0
        Over all rows, wherever they are then held, whatever they were made for: moments, evaluations, Hessians, proofs.
        Two sums that are made at once are one pass; samples are not counted, drawing them is where all rows are scored
        for it. So a place for rows is read at most so often.
    """

    coef: FloatArray
    intercept: FloatArray
    loss: float
    null_loss: float
    penalty: float
    gap: float
    gap_kind: GapKind
    status: Status
    is_unique: bool
    n_iterations: int
    n_evaluations: int
    n_refreshes: int
    n_passes: int = 0

    @property
    def relative_gap(self) -> float:
        """(f - f*) / (f_null - f*): the share of what the features can explain that is still missing."""
        explained = max(self.null_loss - self.loss + self.gap, RESOLUTION * (1.0 + abs(self.null_loss)))
        return self.gap / explained


class Options(NamedTuple):
    """What a fit is to reach, in so many iterations, and how many passes had been made before it."""

    tol: float
    max_iter: int
    n_passes_before: int
