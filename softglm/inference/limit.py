r"""Where the likelihood has no maximum, because the classes are separated: its supremum, and what is finite of it.

Along the directions that separate, the probabilities of the alternatives that lose tend to 0. The limit of the model is
the same model without those alternatives (Geyer 2009): its likelihood has a maximum, which is the supremum, and the
estimates that are finite are those of that maximum.

References
----------
C. J. Geyer, "Likelihood inference in exponential families and directions of recession", Electronic Journal of
Statistics 3, 2009. doi:10.1214/08-EJS349
"""

from dataclasses import replace

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.fit import fit
from softglm.inference.bias_reduced import bias_reduced
from softglm.inference.estimate import Estimate, coordinates_of, estimate_at
from softglm.inference.refined import refined
from softglm.inference.separation import Separation, detect
from softglm.model import Objective, Ridge
from softglm.status import Status
from softglm.sums import Offsets

# A difference of eta beyond which a probability is exactly 0, apart from what the offset makes of it.
_INFINITE = 1e4
# The share of a log-likelihood, and of what it is computed from, that rounding may cost.
_LOST = 1e-9
# Standard errors from the optimum at which the estimates of a limit have all their digits, and the most that they may
# be off where rounding leaves no more.
_ALL_DIGITS, _CONVERGED = 1e-9, 1e-3


def limit_of(fitted: Estimate, separation: Separation) -> Estimate:
    """Return the limit of a separated fit: what is finite of it, to all its digits.

    Parameters
    ----------
    fitted : Estimate
        Some point on the way to it.
    separation : Separation
        Of the same objective.

    Raises
    ------
    ArithmeticError
        If for rounding the limit was not reached, or is worse than that point.
    """
    observed = fitted.objective
    n_parameters = observed.shape[1]
    known = observed.rows.concatenate(Offsets())[0].T if observed.rows.has_offset else np.zeros((1, n_parameters))
    rows = observed.rows.changed(offset=known + _excluding(separation.alternatives, known))
    objective = Objective(rows, observed.family, observed.penalty, fit_intercept=observed.fit_intercept)
    first = estimate_at(objective, fitted.parameters, fitted.coordinates, is_singular=True)
    # Far out on the way to infinity eta cancels, and what is finite may be lost; the limit does not depend on how far.
    starts = _without_recession(first), np.zeros(objective.shape)
    start = min(starts, key=lambda parameters: objective.evaluate(parameters)[0])
    limit = refined(estimate_at(objective, start, fitted.coordinates, is_singular=True), _ALL_DIGITS)
    if not limit.distance <= _CONVERGED:
        raise ArithmeticError(
            f"The limit of the separated fit was not reached: Newton's method stopped {limit.distance:.1g} standard "
            "errors from it. Bring the columns of X to like units, and the offset near 0."
        )
    lost = fitted.log_likelihood - limit.log_likelihood
    if lost > _LOST * (1.0 + abs(limit.log_likelihood) + fitted.total_weight * _size_of_eta(fitted)):
        raise ArithmeticError(
            f"The limit of the separated fit has a log-likelihood {lost:.3g} below that of the fit, so that what is "
            "separated was not told from what is not. Subtract a constant from the columns that are far from 0, and "
            "bring them to like units."
        )
    return replace(limit, observed=observed)


def _size_of_eta(estimate: Estimate) -> float:
    """Return the mean size of what eta is added up from: in its units a likelihood far out is rounded."""
    moments = estimate.objective.moments
    coef, intercept = estimate.objective.split(estimate.parameters)
    return float(np.vdot(np.abs(moments.cross), np.abs(coef)) + np.abs(moments.mean_target) @ np.abs(intercept))


def _without_recession(limit: Estimate) -> FloatArray:
    """Return the parameters, shape (m, q), without what they have of directions that change no likelihood."""
    coordinates, hidden = limit.coordinates, limit.unidentified
    core = coordinates.features_at(limit.parameters) @ coordinates.classes
    along = hidden.T @ (core / coordinates.scales).ravel()
    return limit.parameters - coordinates.displacement(hidden @ along)


def supremum(objective: Objective) -> Estimate:
    """Return the estimate of maximum likelihood, or, where the classes are separated, its limit.

    Raises
    ------
    ArithmeticError
        If whether they are hangs on differences as small as the last digits of X.
    MemoryError
        If the information does not fit.
    """
    if not objective.shape[0]:
        return estimate_at(objective, np.zeros(objective.shape))
    result = fit(objective.rows, objective.family, objective.penalty, fit_intercept=objective.fit_intercept)
    coordinates = coordinates_of(objective)
    fitted = estimate_at(objective, objective.centred(result.coef, result.intercept), coordinates)
    if result.status is not Status.CONVERGED:
        found = detect(objective, coordinates, fitted.parameters)
        if found.kind != "none":
            return limit_of(fitted, found)
    return refined(fitted)


def null_estimate(estimate: Estimate) -> Estimate:
    """Return the fit of constants only to the same rows, bias-reduced if the estimate is."""
    observed = estimate.observed or estimate.objective
    rows = observed.rows.changed(columns=np.zeros(0, dtype=np.intp))
    nothing = Ridge.on_coefficients(0.0, 0, fit_intercept=True)
    found = supremum(Objective(rows, observed.family, nothing, fit_intercept=True))
    return bias_reduced(found)[0] if estimate.is_bias_reduced else found


def _excluding(alternatives: BoolArray, known: FloatArray) -> FloatArray:
    """Return what the known offset, (n, q), takes to send the separated alternatives, (n, K), to probability 0."""
    excluded = -(_INFINITE + 2.0 * np.abs(known).max()) * alternatives
    return np.asarray(excluded[:, 1:] - excluded[:, :1] if known.shape[1] == 1 else excluded)
