r"""Profile-likelihood intervals: as far as the likelihood, maximised over all else, is not too low.

A coefficient c held at an end of its interval costs half a chi-squared quantile of log-likelihood. With l(c) the
constrained maximum, the signed root r(c) = +-sqrt(2 (l - l(c))) is nearly linear in c and its slope is known from the
multiplier of the constraint, so Newton's method on r finds each end in a few warm-started fits.

An estimate at infinity is approached by no c, and its interval ends on the other side only.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import stats

from softglm.arrays import FloatArray
from softglm.inference.constrained import FOR_LIKELIHOODS, constrained_fit
from softglm.inference.estimate import Estimate, estimate_at
from softglm.model import null_model

# Of the signed root, which is on the scale of z: an end then is within this many standard errors.
_ACCURACY = 1e-8
_MAX_STEPS = 100
# Standard errors that one step may take, so that a flat profile does not throw the next fit out of range.
_LONGEST_STEP = 5.0


@final
@dataclass(frozen=True, eq=False)
class _Profile:
    """The profile of a linear form, seen from one of its sides.

    Attributes
    ----------
    start : Estimate
        Where the fits begin, and whose objective they minimise.
    form : array of shape (P,)
        In coordinates. The likelihood falls as it grows, from `least` on.
    best : float
        The largest log-likelihood, or its supremum; bias-reduced, what those estimates maximise.
    least : float
        How far above the start, at least, the end lies: 0 at an optimum, -inf where the optimum is at infinity.
    """

    start: Estimate
    form: FloatArray
    best: float
    least: float

    def reach(self, threshold: float) -> float:
        """Return how far above the start the signed root is the threshold."""
        scale = math.sqrt(float(self.form @ self.start.solve(self.form)))
        fit, here = None, 0.0
        step = 0.0 if math.isinf(self.least) else threshold * scale
        lower, upper = self.least, math.inf
        for _ in range(_MAX_STEPS):
            fit = constrained_fit(self.start, self.form[np.newaxis], np.array([step]), fit, negligible=FOR_LIKELIHOODS)
            here += step
            root = math.sqrt(max(2.0 * (self.best - fit.criterion), 0.0))
            if abs(root - threshold) <= _ACCURACY:
                break
            lower, upper = (here, upper) if root < threshold else (lower, here)
            multiplier = float(fit.multipliers[0])
            wanted = (
                (threshold - root) * root / multiplier
                if multiplier > 0.0
                else math.copysign(math.inf, threshold - root)
            )
            step = float(np.clip(wanted, -_LONGEST_STEP * scale, _LONGEST_STEP * scale))
            if not lower < here + step < upper:
                step = (lower + upper) / 2.0 - here
        return here


def profile_interval(
    estimate: Estimate, class_form: FloatArray, term_form: FloatArray, level: float, limit: float = 0.0
) -> tuple[float, float]:
    """Return the ends of the interval of a linear form of the parameters.

    Parameters
    ----------
    estimate : Estimate
        Without a penalty.
    class_form : array of shape (q,)
    term_form : array of shape (m,)
    level : float
    limit : float
        Where the estimate of the form tends to in a separated fit: 0 for a finite limit, inf, -inf, or NaN for either.
    """
    if math.isnan(limit):
        return -math.inf, math.inf
    threshold = math.sqrt(float(stats.chi2.isf(1.0 - level, 1)))
    form = estimate.linear_map(class_form[np.newaxis], term_form[np.newaxis])[0]
    start, best = _start(estimate, limit), estimate.criterion
    least = 0.0 if limit == 0.0 else -math.inf
    value = float(term_form @ start.parameters @ class_form)
    return (
        -math.inf if limit < 0.0 else value - _Profile(start, -form, best, least).reach(threshold),
        math.inf if limit > 0.0 else value + _Profile(start, form, best, least).reach(threshold),
    )


def signed_root(estimate: Estimate, class_form: FloatArray, term_form: FloatArray, limit: float = 0.0) -> float:
    """Return the signed root of the likelihood ratio of a linear form of the parameters against 0.

    Parameters
    ----------
    estimate, class_form, term_form, limit
        As `profile_interval` takes them.

    Returns
    -------
    float
        Of the sign of the estimate; about normal under the hypothesis.
    """
    if math.isnan(limit):
        return 0.0  # the likelihood is concave, and near its supremum on either side of 0
    start = _start(estimate, limit)
    value = float(term_form @ start.parameters @ class_form)
    form = estimate.linear_map(class_form[np.newaxis], term_form[np.newaxis])
    reduced = constrained_fit(start, form, np.array([-value]), negligible=FOR_LIKELIHOODS)
    root = math.sqrt(max(2.0 * (estimate.criterion - reduced.criterion), 0.0))
    return math.copysign(root, value if limit == 0.0 else limit)


def _start(estimate: Estimate, limit: float) -> Estimate:
    """Return where fits begin: of an infinite estimate at the null model, as near the limit all curvature vanished."""
    if limit == 0.0:
        return estimate
    objective = estimate.observed or estimate.objective
    return estimate_at(objective, null_model(objective).parameters, estimate.coordinates)
