r"""Bias-reduced estimates: the maximum of the log-likelihood plus half the log determinant of the information.

The score of a logit, modified to remove the first-order bias of its estimates (Firth 1993; Kosmidis & Firth 2011 for
several classes), is the gradient of

    l(theta) + 1/2 log det F(theta),

whose penalty is Jeffreys' prior. A maximum exists, whatever is separated and however many classes there are: along a
sequence of theta that goes to infinity, in a direction u, each row is left with the classes between which u makes no
difference, so that u' F u tends to 0; F is bounded, its determinant therefore tends to 0, and l is never above 0. (For
two classes: Kosmidis & Firth 2021, who show too that the probabilities are drawn towards equality.) That it is the only
one is not proved.

References
----------
D. Firth, "Bias reduction of maximum likelihood estimates", Biometrika 80, 1993. doi:10.1093/biomet/80.1.27
I. Kosmidis and D. Firth, "Multinomial logit bias reduction via the Poisson log-linear model", Biometrika 98, 2011.
doi:10.1093/biomet/asr026
I. Kosmidis and D. Firth, "Jeffreys-prior penalty, finiteness and shrinkage in binomial-response generalized linear
models", Biometrika 108, 2021. doi:10.1093/biomet/asaa052
"""

import numpy as np

from softglm.inference.constrained import constrained_fit
from softglm.inference.estimate import Estimate, estimate_at
from softglm.model import null_model

# Standard errors from the maximum that rounding may leave.
_REACHED = 1e-3


def bias_reduced(estimate: Estimate) -> Estimate:
    """Return the bias-reduced estimate.

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
    # Where classes are separated a fit has gone far beyond the maximum, to where there is hardly any information.
    starts = [
        estimate_at(objective, parameters, estimate.coordinates, is_bias_reduced=True)
        for parameters in (estimate.parameters, null_model(objective).parameters)
    ]
    start = min(starts, key=lambda start: start.distance)
    fit = constrained_fit(start, np.zeros((0, start.n_parameters)), np.zeros(0))
    found = start.at(fit.parameters)
    if not found.distance <= _REACHED:
        raise ArithmeticError(
            f"The bias-reduced estimates were not reached: rounding stopped {found.distance:.1g} standard errors from "
            "them. Bring the columns of X to like units, and the offset near 0."
        )
    return found
