"""The Hessian of a sample that is never formed: only its products with vectors are, so that it may be of any size."""

from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.metric import MetricWithoutProof
from softglm.model.objective import Objective
from softglm.sums import InformationProduct

# So much of a gradient may be left of it, after so many products at the most: the sample is no closer to all rows.
_LEFT, _MOST_PRODUCTS = 0.1, 60


@final
class ProductMetric(MetricWithoutProof):
    """H ~ the Hessian of a sample at a point, solved with by conjugate gradients.

    Parameters
    ----------
    objective : Objective
    point : array of shape (m, q)
    coordinates : KroneckerCoordinates
        In which the Kronecker approximation of H is the identity: they precondition, and measure.
    sample : Rows
    """

    def __init__(
        self, objective: Objective, point: FloatArray, coordinates: KroneckerCoordinates, sample: Rows
    ) -> None:
        self._objective, self._coordinates, self._sample = objective, coordinates, sample
        # In the precision in which the sample is held: nothing is proved by it.
        self._dtype = np.float32 if np.dtype(sample.dtype) == np.float32 else np.float64
        self._there = self._rounded(point)

    def whiten(self, gradient: FloatArray) -> FloatArray:
        return self._coordinates.pull_back(gradient)

    def unwhiten(self, vector: FloatArray) -> FloatArray:
        return self._coordinates.displacement(vector)

    def solve(self, gradient: FloatArray) -> FloatArray:
        """Return about H^-1 g: Hestenes & Stiefel 1952, doi 10.6028/jres.049.044."""
        residual = self.whiten(gradient)
        solved, direction, length = np.zeros_like(residual), residual.copy(), float(residual @ residual)
        enough = _LEFT**2 * length
        for _ in range(_MOST_PRODUCTS):
            if length <= enough:
                break
            product = self._times(direction)
            curvature = float(direction @ product)
            if not 0.0 < curvature < np.inf:  # it vanishes to rounding
                break
            step = length / curvature
            solved += step * direction
            residual -= step * product
            previous, length = length, float(residual @ residual)
            direction = residual + length / previous * direction
        return self.unwhiten(solved if solved.any() else residual)

    def _times(self, vector: FloatArray) -> FloatArray:
        """Return the whitened Hessian times a vector."""
        objective, move = self._objective, self.unwhiten(vector)
        sums = self._sample.sum(InformationProduct(objective.family, *self._there, *self._rounded(move)))
        cross, total = (own / objective.moments.total_weight for own in sums)
        gradient = objective.penalty.gradient(move)
        slopes, constant = objective.split(gradient)  # views
        slopes += cross - np.multiply.outer(objective.moments.center, total)
        constant += total
        return self.whiten(gradient)

    def _rounded(self, parameters: FloatArray) -> tuple[FloatArray, FloatArray]:
        coef, intercept = self._objective.uncentred(parameters)
        return coef.astype(self._dtype), intercept.astype(self._dtype)
