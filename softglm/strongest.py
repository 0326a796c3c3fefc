"""The smallest strength of a penalty that leaves nothing in the model but what is not penalised."""

import numpy as np

from softglm.fit import solve
from softglm.model import Prepared, SparsePenalty

# How exactly the model of what is not penalised is fitted, relative to its loss.
_TOLERANCE = 1e-12


def strongest(prepared: Prepared, penalty: SparsePenalty) -> float:
    """Return the least factor on a penalty under which all that it holds at 0 stays there: glmnet's lambda_max.

    Parameters
    ----------
    prepared : Prepared
    penalty : SparsePenalty
        Of strength 1.
    """
    objective = prepared.likelihood
    parameters = prepared.null.parameters
    if penalty.is_free.any() and not penalty.is_free.all():
        basis = prepared.basis
        alone = solve(prepared, penalty.times(_beyond(prepared, penalty)), tol=_TOLERANCE)
        predictor = alone.coef, alone.intercept
        parameters = objective.centred(*(predictor if basis is None else basis.down(*predictor)))
    _, gradient = objective.evaluate(parameters)
    return float(penalty.pull(gradient[: prepared.rows.n_features]).max(initial=0.0))


def _beyond(prepared: Prepared, penalty: SparsePenalty) -> float:
    """Return a factor under which nothing leaves 0: no slope is beyond the root mean square of its column, twice."""
    moments = prepared.likelihood.moments
    slopes = np.repeat(2.0 * moments.size[:, np.newaxis], prepared.family.n_parameters, axis=1)
    return max(float(penalty.pull(sign * slopes).max(initial=0.0)) for sign in (1.0, -1.0))
