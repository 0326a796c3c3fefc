"""A fit beside which others are measured: how near the optimum it is, and in which metric that is known."""

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from softglm.fit.result import Fit, Start
from softglm.fit.solve import solve
from softglm.model import GLM, AnyPenalty, Penalty, Prepared, SparsePenalty, beyond_hessians
from softglm.model.proof import distance_to_optimum, gap_beside, representation_loss
from softglm.solver import GapKind
from softglm.status import Status
from softglm.sums import Leverages

# Under a lasso a gap is relative to the loss, and what is left of it moves predictions by its root.
_TOL, _SPARSE_TOL = 1e-8, 1e-12
# How a fit ends where there is no optimum.
_NOWHERE = frozenset({Status.SEPARATED, Status.NON_FINITE})


@final
@dataclass(frozen=True, eq=False)
class Reference:
    """A fit, and how far the optimum is from it.

    Attributes
    ----------
    fit : Fit
        Of a gap as small as the Hessian there can prove; inf where there is no optimum.
    leverages : Leverages or None
        In the metric of that Hessian; None without one.
    distance : float
        In that metric, at the most; inf without one.
    """

    fit: Fit
    leverages: Leverages | None = None
    distance: float = float("inf")

    @property
    def has_optimum(self) -> bool:
        """Whether there is an optimum, as far as that is known."""
        return self.fit.status not in _NOWHERE


def reference_from(prepared: Prepared, penalty: AnyPenalty, start: Start) -> Reference:
    """Return a fit that begins at a start, and what its Hessian proves.

    Parameters
    ----------
    prepared : Prepared
    penalty : Penalty or SparsePenalty
    start : Start
    """
    tol = _SPARSE_TOL if isinstance(penalty, SparsePenalty) else _TOL
    fit = solve(prepared, penalty, start, tol=tol)
    if fit.status in _NOWHERE:
        return Reference(replace(fit, gap=float("inf")))  # what is near no optimum bounds nothing
    is_too_large = beyond_hessians(prepared.family, prepared.likelihood.shape[0], prepared.tuning) is not None
    if is_too_large or not isinstance(penalty, Penalty) or fit.gap_kind is GapKind.ESTIMATE:
        return Reference(fit)
    problem = GLM.starting_at_null(prepared, prepared.passes(penalty))
    problem = problem.finer or problem
    if not (problem.has_hessian and problem.coordinates.scales.size):
        return Reference(fit)
    return _measured(prepared, penalty, fit, problem)


def _measured(prepared: Prepared, penalty: Penalty, fit: Fit, problem: GLM) -> Reference:
    """Return the fit with what the Hessian there says of it: often far more than what had to be proved."""
    point = prepared.as_read(fit.coef, fit.intercept)
    metric = problem.hessian_at(point)
    found = metric.leverages
    if found is None:
        return Reference(fit)
    leverages, radius = found
    _, gradient = problem.evaluate(point)
    decrement = float(np.linalg.norm(metric.whiten(gradient)))
    proved = metric.gap(decrement, 0.0, problem.gradient_rounding(point, gradient))
    # Of the numbers as they stand, from which the point was rounded.
    lost = representation_loss(prepared.likelihood, penalty, fit.coef, fit.intercept)
    gap = gap_beside(proved, lost + prepared.lost_of_constants(penalty))
    if gap < fit.gap:
        fit = replace(fit, gap=gap, gap_kind=GapKind.SELF_CONCORDANCE)
    distance = distance_to_optimum(fit.gap, radius)
    return Reference(fit, leverages, distance) if distance < np.inf else Reference(fit)
