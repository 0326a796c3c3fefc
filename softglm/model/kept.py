"""Few rows: what every pass over them would form again is kept.

On some hundred rows most of a pass is Python's, and a fit has dozens of them. With z = [x - c; 1] in one matrix eta is
one product, and the gradient another; a Hessian takes the means of the evaluation before it, and products of features
that are formed once.
"""

from functools import cached_property
from typing import NamedTuple, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.model.coordinates import KroneckerCoordinates
from softglm.model.fisher import assembled, between_classes, pairs_of_classes, products, weighted_grams
from softglm.model.objective import Objective

# Rows are few while a pass works on no more numbers than these.
_MOST_NUMBERS = 2**17
# Products of features are kept if they are no more, and summed under one weight at least for so many features.
_MOST_PRODUCTS, _OFTEN = 2**17, 10


def are_few(objective: Objective) -> bool:
    """Tell whether the rows are to be kept."""
    m, q = objective.shape
    return not objective.rows.is_sparse and objective.rows.n_rows * (m + 2 * q) <= _MOST_NUMBERS


class _Prepared(NamedTuple):
    """What Hessians in some coordinates have in common.

    Attributes
    ----------
    coordinates : KroneckerCoordinates
    features : array of shape (r, n)
        F'z.
    products : array of shape (r (r + 1) / 2, n) or None
        Of the features, unless they are many or seldom used.
    pairs : array of shape (d, s * s) or None
        Of classes, see `between_classes`; None where these are many.
    """

    coordinates: KroneckerCoordinates
    features: FloatArray
    products: FloatArray | None
    pairs: FloatArray | None


@final
class KeptRows:
    """Few rows, ready for evaluations of an objective and for its Hessians."""

    def __init__(self, objective: Objective) -> None:
        self._objective = objective

        def statistic(block: Block) -> tuple[FloatArray, ...]:
            columns = np.ones((objective.shape[0], len(block)))
            center, features = objective.moments.center[:, np.newaxis], columns[: objective.rows.n_features]
            # Written along the rows, as they lie here: in the order of X it takes twice as long.
            np.subtract(block.X.T, center, out=features, dtype=np.float64, casting="same_kind")
            nothing = np.empty((0, len(block)))
            return (
                columns,
                nothing if block.weights is None else block.weights[np.newaxis],
                nothing if block.offset is None else block.offset.T,
            )

        # z, shape (m, n)
        self._columns, weights, offset = objective.rows.concatenate(statistic)
        self._weights = weights[0] if len(weights) else None
        self._offset = offset if len(offset) else None
        # The latest parameters, an array that nobody changes, with the means there; and what is made in the latest
        # coordinates.
        self._latest = np.empty(0), np.empty(0)
        self._prepared: _Prepared | None = None

    @cached_property
    def second_moments(self) -> FloatArray:
        """sum_i w_i z_i z_i', shape (m, m)."""
        weighted = self._columns if self._weights is None else self._columns * self._weights
        return np.asarray(weighted @ self._columns.T)

    def evaluate(self, parameters: FloatArray) -> tuple[float, FloatArray]:
        """Return f and its gradient, shape (m, q)."""
        log_normalizer, mean = self._normalizer_and_mean(parameters)
        if self._weights is None:
            total = log_normalizer.sum()
        else:
            total, mean = log_normalizer @ self._weights, mean * self._weights
        return self._objective.assembled(float(total), self._columns @ mean.T, parameters)

    def hessian(self, parameters: FloatArray, coordinates: KroneckerCoordinates) -> FloatArray:
        """Return the Hessian of f in these coordinates, shape (r s, r s)."""
        latest, mean = self._latest
        if latest is not parameters:
            _, mean = self._normalizer_and_mean(parameters)
        weights = self._objective.family.curvature_weights(mean)
        if self._weights is not None:
            weights *= self._weights
        _, features, products, pairs = self._prepared_for(coordinates)
        grams = weighted_grams(weights, features.T) if products is None else weights @ products.T
        information = between_classes(grams, self._objective.family.curvature_directions, coordinates.classes, pairs)
        return assembled(information, self._objective.moments.total_weight, coordinates)

    def largest_leverage(self, coordinates: KroneckerCoordinates, form: FloatArray) -> float:
        """Return the largest leverage, u' T u of features u in these coordinates."""
        features = self._prepared_for(coordinates).features
        leverages = np.einsum("ij,ij->j", features, form @ features)
        if self._weights is not None:
            leverages *= self._weights > 0.0
        return float(leverages.max())

    def _normalizer_and_mean(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        eta = parameters.T @ self._columns
        if self._offset is not None:
            eta += self._offset
        log_normalizer, mean = self._objective.family.normalizer_and_mean(eta)
        self._latest = parameters, mean
        return log_normalizer, mean

    def _prepared_for(self, coordinates: KroneckerCoordinates) -> _Prepared:
        if self._prepared is None or self._prepared.coordinates is not coordinates:
            loadings = coordinates.features
            is_diagonal = loadings.ndim == 1
            features = loadings[:, np.newaxis] * self._columns if is_diagonal else loadings.T @ self._columns
            (r, n), d = features.shape, self._objective.family.n_curvature_directions
            is_worth_it = r <= _OFTEN * d and r * (r + 1) // 2 * n <= _MOST_PRODUCTS
            self._prepared = _Prepared(
                coordinates,
                features,
                products(features) if is_worth_it else None,
                pairs_of_classes(self._objective.family.curvature_directions, coordinates.classes),
            )
        return self._prepared
