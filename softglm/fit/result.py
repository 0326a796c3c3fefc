"""Where a fit begins, and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import PassCount
from softglm.model import Objective
from softglm.model.metric import FactoredMetric, HessianMetric
from softglm.solver import GapKind, Metric, Progress
from softglm.status import Status

# The least that is told from rounding, relative to a loss.
RESOLUTION = 4.0 * np.finfo(np.float64).eps

# Strengths of penalties that are so many times as large, at most, are nearby.
_NEARBY = 30.0

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


@final
class Handover:
    """What a fit leaves to the next one of the same rows: a Hessian, which under a penalty nearby is nearly its own.

    Attributes
    ----------
    saved : float
        What was spent since the Hessian was made, as the solver's schedule counts it: fits that have none, or an old
        one, buy the next together.
    """

    def __init__(self) -> None:
        self._left: tuple[Objective, FactoredMetric] | None = None
        self.saved = 0.0

    def known(self, objective: Objective) -> FactoredMetric | None:
        """Return what was left, if it is of these rows and of a penalty nearby."""
        if self._left is None or self._left[0].rows is not objective.rows:
            return None
        before, now = self._left[0].penalty.curvature, objective.penalty.curvature
        is_near = (before <= _NEARBY * now).all() and (now <= _NEARBY * before).all()
        return self._left[1] if is_near else None

    def leave(self, objective: Objective, metric: Metric, saved: float) -> None:
        """Leave the metric that a fit ended with, if it is a Hessian that was made there, and what was saved since."""
        self.saved = saved
        if isinstance(metric, HessianMetric):
            self._left = objective, metric.factored


class Options(NamedTuple):
    """What a fit is to reach, in so many iterations; how many passes had been made before it; what was left to it."""

    tol: float
    max_iter: int
    n_passes_before: int
    handover: Handover

    def n_passes(self, count: PassCount) -> int:
        """Return how many have been made since."""
        return count.n_passes - self.n_passes_before
