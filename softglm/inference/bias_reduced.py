r"""Bias-reduced estimates: the maximum of the log-likelihood plus half the log determinant of the information.

The score of a logit, modified to remove the first-order bias of its estimates (Firth 1993; Kosmidis & Firth 2011 for
several classes), is the gradient of

    l(theta) + 1/2 log det F(theta),

whose penalty is Jeffreys' prior. A maximum exists, whatever is separated and however many classes there are: along a
sequence of theta that goes to infinity, in a direction u, each row is left with the classes between which u makes no
difference, so that u' F u tends to 0; F is bounded, its determinant therefore tends to 0, and l is never above 0. (For
two classes: Kosmidis & Firth 2021.) But the sum is not concave, and where little is known it may have several maxima:
then it is climbed from a few more points, and the highest is taken. That there is none higher is not proved.

References
----------
D. Firth, "Bias reduction of maximum likelihood estimates", Biometrika 80, 1993. doi:10.1093/biomet/80.1.27
I. Kosmidis and D. Firth, "Multinomial logit bias reduction via the Poisson log-linear model", Biometrika 98, 2011.
doi:10.1093/biomet/asr026
I. Kosmidis and D. Firth, "Jeffreys-prior penalty, finiteness and shrinkage in binomial-response generalized linear
models", Biometrika 108, 2021. doi:10.1093/biomet/asaa052
"""

import math
from collections.abc import Iterator

import numpy as np

from softglm.arrays import FloatArray
from softglm.inference.constrained import constrained_fit
from softglm.inference.estimate import Estimate, estimate_at
from softglm.model import null_model

# Standard errors from the maximum that rounding may leave.
_REACHED = 1e-3
# A maximum so few standard errors from that of the likelihood is taken for the only one; so few, if a climb from the
# null model finds it too.
_NEAR, _NOT_FAR = 0.1, 1.0
# Otherwise so many more climbs, from points so many standard errors away; and the nats by which a maximum is another.
_N_MORE, _AWAY, _OTHER = 4, 3.0, 1e-6


def bias_reduced(estimate: Estimate) -> tuple[Estimate, bool]:
    """Return the bias-reduced estimate, and whether lower maxima were found beside it.

    Parameters
    ----------
    estimate : Estimate
        Of the same rows, unpenalised: any point, such as that of a fit.

    Raises
    ------
    ArithmeticError
        If rounding stops the way to it.
    """
    objective = estimate.objective
    starts = [
        estimate_at(objective, parameters, estimate.coordinates, is_bias_reduced=True)
        for parameters in (estimate.parameters, null_model(objective).parameters)
    ]
    distances = [start.distance if math.isfinite(start.criterion) else math.inf for start in starts]
    if distances[0] <= _NEAR:
        return _reached([_maximum(starts[0])])[0], False
    # Where classes are separated a fit has gone far beyond the maximum, to where there is hardly any information, and
    # rounding may keep a climb there.
    climbed = [_maximum(start) for start, distance in zip(starts, distances, strict=True) if distance < math.inf]
    highest, has_others = _highest(climbed)
    if distances[0] <= _NOT_FAR and len(_reached(climbed)) == len(starts) and not has_others:
        return highest, False
    return _highest([*climbed, *(_maximum(highest.at(start)) for start in _around(highest))])


def _highest(climbed: list[Estimate]) -> tuple[Estimate, bool]:
    """Return the highest maximum that was reached, and whether lower ones were."""
    maxima = _reached(climbed)
    highest = max(maxima, key=lambda maximum: maximum.criterion)
    return highest, any(maximum.criterion < highest.criterion - _OTHER for maximum in maxima)


def _reached(climbed: list[Estimate]) -> list[Estimate]:
    """Return those that are maxima; raise if none is."""
    maxima = [estimate for estimate in climbed if estimate.distance <= _REACHED]
    if not maxima:
        raise ArithmeticError(
            f"The bias-reduced estimates were not reached: rounding stopped "
            f"{min(estimate.distance for estimate in climbed):.1g} standard errors from them. Bring the columns of X "
            "to like units, and the offset near 0."
        )
    return maxima


def _maximum(start: Estimate) -> Estimate:
    """Return the maximum that is reached from a point."""
    fit = constrained_fit(start, np.zeros((0, start.n_parameters)), np.zeros(0))
    return start.at(fit.parameters)


def _around(estimate: Estimate) -> Iterator[FloatArray]:
    """Yield parameters, shape (m, q), some standard errors away.

    In directions in which rows pull, weighted at random, so that they are the same in other units and codings.
    """
    for seed in range(_N_MORE):
        rng = np.random.default_rng(seed)
        pull = np.zeros(estimate.n_parameters)
        for _, scores in estimate.scores():
            pull += rng.normal(size=len(scores)) @ scores
        move = estimate.solve(pull)
        length = math.sqrt(float(move @ estimate.curvature @ move) / len(move))
        if length > 0.0:
            yield estimate.parameters + estimate.coordinates.displacement(_AWAY / length * move)
