r"""Predictions with some columns set to given values: averaged over the rows, or at one place.

With P_k the weighted mean over the rows of p_k = softmax(eta)_k, the columns set, and D, f_l, scales as in
`softglm.inference.effects`,

    d P_k / d Z_lc = scales_lc  mean of p_k (D_k - D'p)_c f_l

Intervals are symmetric on the scale of logit P_k, whose gradient is that over P_k (1 - P_k): they stay between 0 and 1.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.special import expit, logit

from softglm.arrays import FloatArray
from softglm.data import Block, Rows
from softglm.inference.classes import class_probabilities, every_class
from softglm.inference.effects import deviations_of
from softglm.inference.estimate import Estimate
from softglm.inference.prediction import Predictions, root_of


def average_predictions(
    estimate: Estimate,
    covariance: FloatArray,
    rows: Rows,
    columns: npt.NDArray[np.intp],
    values: FloatArray,
    *,
    classes: npt.NDArray[Any],
    distribution: Any,  # noqa: ANN401 - a frozen distribution of scipy.stats
    level: float,
) -> Predictions:
    """Predict with columns set to each of several values, and average over the rows.

    Parameters
    ----------
    estimate : Estimate
    covariance : array of shape (P, P)
        In coordinates.
    rows : Rows
        Over which to average, with their weights and offsets.
    columns : int array of shape (g,)
    values : array of shape (v, g)
        What the columns are set to.
    classes, level
        As in `Predictions`.
    distribution : frozen distribution
        Of an estimate over its standard error.

    Returns
    -------
    Predictions
        A row for each of the v values; NaN where a row so changed is not determined by the data of a collinear fit.
    """
    probability, gradients, known = _means(estimate, rows, columns, values)
    v, K = probability.shape
    # What the other classes have: 1 - P_k would cancel where P_k rounds to 1.
    rest = probability @ (1.0 - np.identity(K))
    spread = (probability * rest)[:, :, np.newaxis]
    slopes = np.divide(gradients, spread, out=np.zeros_like(gradients), where=spread > 0.0)
    errors = linalg.norm(slopes.reshape(v * K, -1) @ root_of(covariance), axis=1).reshape(v, K)
    with np.errstate(divide="ignore"):
        log_odds = np.where(probability < rest, logit(probability), -logit(rest))
    reach = distribution.isf((1.0 - level) / 2.0) * errors
    determined = np.where(known[:, np.newaxis], 1.0, np.nan)
    return Predictions(
        classes=classes,
        probability=determined * probability,
        std_error=determined * probability * rest * errors,
        lower=determined * expit(log_odds - reach),
        upper=determined * expit(log_odds + reach),
        level=level,
    )


def _means(
    estimate: Estimate, rows: Rows, columns: npt.NDArray[np.intp], values: FloatArray
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
    """Return P, (v, K), its gradients in the coordinates, (v, K, P), and which of the v the data determine."""
    objective, coordinates = estimate.objective, estimate.coordinates
    coef, intercept = objective.uncentred(estimate.parameters)
    directions = every_class(coordinates.classes)
    is_collinear = not estimate.estimable_terms(estimate.term_forms).all()

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        X = block.centred(np.zeros(rows.n_features))
        weights = block.weighted(np.ones(len(block)))
        sums = []
        for state in values:
            X[:, columns] = state
            centred = X - objective.moments.center
            probability = class_probabilities(_predictor(block, X, coef, intercept))
            deviations = deviations_of(probability, directions)
            jacobians = block.weighted(probability)[:, np.newaxis] * deviations
            features = coordinates.features_of(centred)
            sums += [probability.sum(axis=1), jacobians @ features, np.zeros(1)]
            if is_collinear:
                constants = np.ones((len(X), objective.shape[0] - X.shape[1]))
                hidden = ~estimate.estimable_terms(np.concatenate([centred, constants], axis=1))
                sums[-1][0] = np.count_nonzero(hidden & (weights > 0.0))
        return (weights.sum(keepdims=True), *sums)

    weight, *sums = rows.sum(statistic)
    probability = np.stack(sums[0::3]) / weight
    gradients = coordinates.scales * (np.stack(sums[1::3]) / weight).swapaxes(2, 3)
    known = np.concatenate(sums[2::3]) == 0.0
    return probability, gradients.reshape(*probability.shape, -1), known


def _predictor(block: Block, X: FloatArray, coef: FloatArray, intercept: FloatArray) -> FloatArray:
    """Return eta, shape (q, rows), of other features X at the offsets of the block."""
    eta = coef.T @ X.T + intercept[:, np.newaxis]
    return np.asarray(eta if block.offset is None else eta + block.offset.T)
