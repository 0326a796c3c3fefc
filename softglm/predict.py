"""Predictions of a fitted model, block by block: what is no number in X is told by what becomes of it."""

from collections.abc import Callable
from typing import Any

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block, RowsInMemory
from softglm.fitted import coefficients_of, has_offset
from softglm.validation.features import unchecked_features
from softglm.validation.finite import are_numbers
from softglm.validation.offset import read_offset_to_predict


def predictions_of(model: Any, X: Any, offset: Any, function: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """Return a function of eta, (q, rows) to (k, rows), for every row of X: shape (n, k).

    Parameters
    ----------
    model : SoftmaxGLM
        Fitted, or with attributes set by hand.
    X, offset : object
        As passed by the user.
    function : callable
    """
    classes, coef, intercept = coefficients_of(model)
    X, check = unchecked_features(X, model)
    if X.shape[1] != len(coef):
        raise ValueError(
            f"X has {X.shape[1]} features, but {type(model).__name__} is expecting {len(coef)} features as input, "
            "one for each column of coef_."
        )
    known = read_offset_to_predict(offset, X.shape[0], classes, is_required=has_offset(model))
    rows = RowsInMemory(X, np.broadcast_to(np.float64(0), X.shape[0]), offset=known)
    result, first = np.empty((0, 0)), 0

    # Whatever is not a number makes eta none, where each feature has a coefficient: a pass over all of X would cost as
    # much as the prediction.
    is_told = bool(coef.any(axis=1).all() and np.isfinite(intercept).all())

    def predicted(block: Block) -> tuple[FloatArray, ...]:
        with np.errstate(over="ignore", invalid="ignore"):
            eta = block.predictor(coef, intercept)
        if not are_numbers(eta if is_told else block.X):
            check()
        return (function(eta),)

    for (values,) in rows.map(predicted):
        if not first:
            result = np.empty((X.shape[0], len(values)))
        result[first : first + values.shape[1]] = values.T
        first += values.shape[1]
    return result
