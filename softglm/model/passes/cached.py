"""Passes over few rows: what every one of them would form again is cached.

On some hundred rows most of a pass is Python's, and a fit has dozens of them. With z = [x - c; 1] in one matrix eta is
one product, and the gradient another; a Hessian takes the means of the evaluation before it, and products of features
that are formed once.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import PassCount, Rows
from softglm.model.fisher import assembled, between_classes, pairs_of_classes
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.objective import Objective
from softglm.model.passes.passes import Passes
from softglm.model.passes.prices import cached_hessian_price
from softglm.once import cached_property
from softglm.sums import CentredColumns
from softglm.sums.grams import products, weighted_grams

# Products of features are summed under one weight at least for so many features.
_OFTEN = 10


def are_few(objective: Objective) -> bool:
    """Tell whether the rows are to be held as columns."""
    m, q = objective.shape
    rows = objective.rows
    is_allowed = rows.can_be_held and not rows.is_sparse
    return is_allowed and rows.n_rows * (m + 2 * q) <= objective.tuning.held_numbers


@final
class HeldColumns:
    """Few rows as columns z = [x - c; 1], with their weights and offset.

    Attributes
    ----------
    count : PassCount
        Of the passes over all rows.
    columns : array of shape (m, n)
    weights : array of shape (n,) or None
    offset : array of shape (q, n) or None
    """

    def __init__(self, objective: Objective, count: PassCount) -> None:
        self.count = count
        center, n_constants = objective.moments.center, int(objective.fit_intercept)
        self.columns, weights, offset = objective.rows.concatenate(CentredColumns(center, n_constants))
        self.weights = weights[0] if len(weights) else None
        self.offset = offset if len(offset) else None

    @cached_property
    def second_moments(self) -> FloatArray:
        """sum_i w_i z_i z_i', shape (m, m)."""
        self.count.add()
        weighted = self.columns if self.weights is None else self.columns * self.weights
        return np.asarray(weighted @ self.columns.T)


class _Formed(NamedTuple):
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
class CachedPasses(Passes):
    """Each is a few products with the columns.

    Parameters
    ----------
    objective : Objective
    held : HeldColumns
        Its rows.
    """

    is_centred = True

    def __init__(self, objective: Objective, held: HeldColumns) -> None:
        super().__init__(objective)
        self._columns, self._weights, self._offset = held.columns, held.weights, held.offset
        self._held, self._count = held, held.count
        self._hessian_price = cached_hessian_price(objective, objective.rows.n_rows)
        # The latest parameters, an array that nobody changes, with the means there; and what is formed in the latest
        # coordinates.
        self._latest = np.empty(0), np.empty(0)
        self._formed: _Formed | None = None

    def evaluate(self, point: FloatArray) -> tuple[float, FloatArray]:
        log_normalizer, mean = self._normalizer_and_mean(point)
        if self._weights is None:
            total = log_normalizer.sum()
        else:
            total, mean = log_normalizer.dot(self._weights), mean * self._weights
        return self.objective.completed(float(total), self._columns.dot(mean.T), point)

    def evaluate_with_hessian(
        self, point: FloatArray, coordinates: KroneckerCoordinates
    ) -> tuple[float, FloatArray, Callable[[], FloatArray]]:
        return *self.evaluate(point), partial(self.hessian, point, coordinates, self.objective.rows)

    def hessian(self, point: FloatArray, coordinates: KroneckerCoordinates, rows: Rows) -> FloatArray:  # noqa: ARG002
        # Few rows are never sampled.
        latest, mean = self._latest
        if latest is not point:
            _, mean = self._normalizer_and_mean(point)
        weights = self.objective.family.curvature_weights(mean)
        if self._weights is not None:
            weights *= self._weights
        _, features, products, pairs = self._formed_in(coordinates)
        grams = weighted_grams(weights, features.T) if products is None else weights.dot(products.T)
        information = between_classes(grams, self.objective.family.curvature_directions, coordinates.classes, pairs)
        return assembled(information, self.objective.moments.total_weight, coordinates)

    def largest_leverage(self, coordinates: KroneckerCoordinates, form: FloatArray, rows: Rows) -> float:  # noqa: ARG002
        self._count.add()
        features = self._formed_in(coordinates).features
        leverages = np.einsum("ij,ij->j", features, form @ features)
        if self._weights is not None:
            leverages *= self._weights > 0.0
        return float(leverages.max())

    @property
    def second_moments(self) -> FloatArray:
        return self._held.second_moments

    def hessian_price(self, n_rows: int) -> float:  # noqa: ARG002 - few rows are never sampled
        return self._hessian_price

    def _normalizer_and_mean(self, point: FloatArray) -> tuple[FloatArray, FloatArray]:
        self._count.add()
        eta = point.T.dot(self._columns)
        if self._offset is not None:
            eta += self._offset
        log_normalizer, mean = self.objective.family.normalizer_and_mean(eta)
        self._latest = point, mean
        return log_normalizer, mean

    def _formed_in(self, coordinates: KroneckerCoordinates) -> _Formed:
        if self._formed is None or self._formed.coordinates is not coordinates:
            loadings = coordinates.features
            is_diagonal = loadings.ndim == 1
            features = loadings[:, np.newaxis] * self._columns if is_diagonal else loadings.T @ self._columns
            (r, n), d = features.shape, self.objective.family.n_curvature_directions
            is_worth_it = r <= _OFTEN * d and r * (r + 1) // 2 * n <= self.objective.tuning.held_products
            self._formed = _Formed(
                coordinates,
                features,
                products(features) if is_worth_it else None,
                pairs_of_classes(self.objective.family.curvature_directions, coordinates.classes),
            )
        return self._formed
