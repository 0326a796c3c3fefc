"""What numbers of so many digits lose of the optimum, as part of the gap."""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.fit.result import RESOLUTION, Fit, Options
from softglm.model import Penalty, Prepared, SparsePenalty
from softglm.model.penalties import EntrywisePenalty
from softglm.model.proof import representation_loss, value_rounding
from softglm.solver import GapKind
from softglm.status import Status

# The relative gap that coefficients rounded to float32 are promised to keep.
ROUNDING_TOLERANCE = 1e-6


def doubted(result: Fit) -> Fit:
    """Return a fit that takes for granted what only last digits could tell, that nothing hides there: no proof."""
    return replace(result, gap_kind=GapKind.ESTIMATE)


def represented(result: Fit, prepared: Prepared, penalty: Penalty, options: Options) -> Fit:
    """Return the fit with what its coefficients and intercepts, as numbers, lose of the optimum in the gap."""
    n_passes = options.n_passes(prepared.count)
    if not result.gap < np.inf:
        return replace(result, n_passes=n_passes)
    of_constants = prepared.lost_of_constants(penalty)
    if not of_constants < np.inf:
        return doubted(replace(result, n_passes=n_passes))
    lost = representation_loss(prepared.likelihood, penalty, result.coef, result.intercept) + of_constants
    n_passes = options.n_passes(prepared.count)
    # The gap is at most quadratic in the distance, with the largest curvature there is.
    represented = replace(result, gap=(math.sqrt(result.gap) + math.sqrt(lost)) ** 2, n_passes=n_passes)
    if result.status is Status.CONVERGED and represented.relative_gap > max(options.tol, result.relative_gap):
        return replace(represented, status=Status.PRECISION)
    return represented


def rounded_to(
    result: Fit,
    prepared: Prepared,
    penalty: Penalty,
    precision: npt.DTypeLike,
    tol: float,
    *,
    bounds: tuple[FloatArray, FloatArray] | None = None,
) -> Fit:
    """Return the fit in the given precision, within bounds, and count what that lost as part of the gap."""
    objective = prepared.likelihood.with_penalty(penalty)
    center = objective.center
    # The coefficient of a column of tiny spread may be beyond the range: the gap will tell what that costs.
    most = float(np.finfo(np.dtype(precision)).max)
    coef = np.clip(result.coef, -most, most).astype(precision)
    if bounds is not None:
        is_beyond = (coef < bounds[0]) | (coef > bounds[1])
        coef[is_beyond] = np.nextafter(coef[is_beyond], coef.dtype.type(0.0))
    # The intercepts take up what the rounding of the coefficients shifts eta by at the mean of X.
    intercept = (result.intercept + center @ (result.coef - coef)).astype(precision)
    there = prepared.as_read(coef.astype(np.float64), intercept.astype(np.float64))
    loss, _ = objective.evaluate(there)
    # Two losses tell nothing finer than their own rounding.
    gap = result.gap + max(loss - result.loss, 0.0) + 2.0 * value_rounding(objective, there)
    value = penalty.value(there)
    rounded = replace(result, coef=coef, intercept=intercept, loss=loss, penalty=value, gap=gap)
    lost = loss - result.loss > RESOLUTION * (1.0 + abs(loss))
    if rounded.status is Status.CONVERGED and lost and rounded.relative_gap > max(tol, ROUNDING_TOLERANCE):
        return replace(rounded, status=Status.ROUNDED)
    return rounded


def rounded_sparsely(
    result: Fit, prepared: Prepared, penalty: SparsePenalty, precision: npt.DTypeLike, tol: float
) -> Fit:
    """Return the fit in the given precision, and count what that lost, of the kinked part too, as part of the gap."""
    kinked = penalty.kinked(result.coef)
    smoothly = replace(result, loss=result.loss - kinked, null_loss=result.null_loss - kinked)
    bounds = penalty.bounds(result.coef.shape[1]) if isinstance(penalty, EntrywisePenalty) else None
    rounded = rounded_to(smoothly, prepared, penalty.smooth, precision, tol, bounds=bounds)
    there = penalty.kinked(rounded.coef.astype(np.float64))
    return replace(
        rounded,
        loss=rounded.loss + there,
        null_loss=result.null_loss,
        penalty=rounded.penalty + there,
        gap=rounded.gap + max(there - kinked, 0.0),
    )
