"""Strengths that fall from the smallest that leaves nothing in the model but what is not penalised."""

from dataclasses import replace

import numpy as np

from softglm.arrays import FloatArray
from softglm.model import AnyPenalty, PenaltyForm, Prepared, SparsePenalty
from softglm.sparse import strongest

# glmnet's: of a ridge, or nearly one, the first strength is that of this share of lasso.
_LEAST_RATIO = 1e-3
# A pull below this share of what the largest could be is rounding: of constant columns there is no other.
_NOTHING = 1e-14
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
    if not _NOTHING * _most(prepared, penalty) < first < np.inf:
        raise ValueError(
            f"The strength to begin with would be {first:.3g}: no feature that is penalised explains anything. Pass "
            "features that vary and penalty_factors above 0 for some, or the alphas."
        )
    return np.geomspace(first, first * last, count)


def _most(prepared: Prepared, penalty: AnyPenalty) -> float:
    """Return what no strength is beyond: no slope is larger than the root mean square of its column, twice."""
    if not isinstance(penalty, SparsePenalty):
        return 0.0
    slopes = np.repeat(2.0 * prepared.likelihood.moments.size[:, np.newaxis], prepared.family.n_parameters, axis=1)
    return max(float(penalty.pull(sign * slopes).max(initial=0.0)) for sign in (1.0, -1.0))
