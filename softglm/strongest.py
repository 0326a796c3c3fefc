"""The smallest strength of a penalty that leaves nothing in the model but what is not penalised; and a path from it."""

from dataclasses import replace

import numpy as np

from softglm.arrays import FloatArray
from softglm.fit import solve
from softglm.model import PenaltyForm, Prepared, SparsePenalty

# How exactly the model of what is not penalised is fitted, relative to its loss.
_TOLERANCE = 1e-15
# A pull below this share of what the largest could be is rounding: of constant columns there is no other.
_NOTHING = 1e-14

# glmnet's: of a ridge, or nearly one, the first strength is that of this share of lasso.
_LEAST_RATIO = 1e-3
# The last strength, relative to the first: with more rows than columns, and with fewer.
_LAST_OF_LONG, _LAST_OF_WIDE = 1e-4, 1e-2


def default_strengths(prepared: Prepared, form: PenaltyForm, count: int, *, last: float | None = None) -> FloatArray:
    """Return so many strengths that fall geometrically, as glmnet's do.

    Parameters
    ----------
    prepared : Prepared
    form : PenaltyForm
    count : int
    last : float or None, default=None
        The last of them over the first; None for glmnet's.

    Raises
    ------
    ValueError
        If nothing that is penalised explains anything.
    """
    if last is None:
        last = _LAST_OF_LONG if prepared.rows.n_rows > prepared.rows.n_features else _LAST_OF_WIDE
    kinked = replace(form, l1_ratio=max(form.l1_ratio, _LEAST_RATIO))
    penalty = kinked.at(1.0, fit_intercept=prepared.fit_intercept)
    first = strongest(prepared, penalty) if isinstance(penalty, SparsePenalty) else 0.0
    if not 0.0 < first < np.inf:
        raise ValueError(
            f"The strength to begin with would be {first:.3g}: no feature that is penalised explains anything. Pass "
            "features that vary and penalty_factors above 0 for some, or the alphas."
        )
    return np.geomspace(first, first * last, count)


def strongest(prepared: Prepared, penalty: SparsePenalty) -> float:
    """Return the least factor on a penalty under which all that it holds at 0 stays there: glmnet's lambda_max.

    0 where nothing that is held explains anything.

    Parameters
    ----------
    prepared : Prepared
    penalty : SparsePenalty
        Of strength 1.
    """
    objective = prepared.likelihood
    parameters, beyond = prepared.null.parameters, _beyond(prepared, penalty)
    if penalty.is_free.any() and not penalty.is_free.all():
        basis = prepared.basis
        alone = solve(prepared, penalty.times(beyond), tol=_TOLERANCE)
        predictor = alone.coef, alone.intercept
        parameters = objective.centred(*(predictor if basis is None else basis.down(*predictor)))
    _, gradient = objective.evaluate(parameters)
    pull = float(penalty.pull(gradient[: prepared.rows.n_features]).max(initial=0.0))
    return pull if pull > _NOTHING * beyond else 0.0


def _beyond(prepared: Prepared, penalty: SparsePenalty) -> float:
    """Return a factor under which nothing leaves 0: no slope is beyond the root mean square of its column, twice."""
    moments = prepared.likelihood.moments
    slopes = np.repeat(2.0 * moments.size[:, np.newaxis], prepared.family.n_parameters, axis=1)
    return max(float(penalty.pull(sign * slopes).max(initial=0.0)) for sign in (1.0, -1.0))
