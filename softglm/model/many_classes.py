r"""Coordinates of many classes: the Fisher information whitened without a matrix of its size.

At the null model the information of a row is S = diag(d) - d d' / sum(d), with the class shares d = pi. Along one
whitened feature, of second moment gamma and penalty r, the curvature on the vectors of sum zero is

    D - (gamma / sum(d)) d d',   D = gamma d + r = diag(1 / scales^2).

With u = D^{1/2} x, which is orthogonal to scales where x has the sum zero, it is the identity less one outer product:

    I - t t' gamma / sum(d),   t = scales * (d - e / h),   h = sum(scales^2),   e = sum(scales^2 d),

whose eigenvalue along t is K e / (h sum(d)). So x = scales * (I - scales scales' / h + kappa t t') z, with a kappa that
turns this eigenvalue into 1, has the identity for curvature in z: exactly, at the price of a few products with vectors.
(z has a component for each class, one more than is needed: nothing ever moves along that one, scales.)
"""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.once import cached_property


@final
@dataclass(frozen=True)
class ManyClasses:
    """The maps z -> x of the rows of a matrix, and their transposes.

    Attributes
    ----------
    shares : array of shape (q,)
        d, positive.
    scales : array of shape (r, q)
        A row for each feature; 0 where that is left out.
    """

    shares: FloatArray
    scales: FloatArray

    def spread(self, coordinates: FloatArray) -> FloatArray:
        """Return x for each row z, shape (r, q): of sum zero."""
        return self._straightened(coordinates) * self.scales

    def gather(self, gradient: FloatArray) -> FloatArray:
        """Return the gradient in z, shape (r, q), for each row of one in x."""
        return self._straightened(gradient * self.scales)

    def _straightened(self, rows: FloatArray) -> FloatArray:
        """Return (I - scales scales' / h + kappa t t') times each row, shape (r, q)."""
        along_scales = np.einsum("rq,rq->r", rows, self.scales) * self._per_square
        along_outlier = np.einsum("rq,rq->r", rows, self._outlier) * self._stretch
        straightened: FloatArray = rows - along_scales[:, np.newaxis] * self.scales
        straightened += along_outlier[:, np.newaxis] * self._outlier
        return straightened

    @cached_property
    def _per_square(self) -> FloatArray:
        """1 / h, shape (r,); 0 for features that are left out."""
        squares = np.einsum("rq,rq->r", self.scales, self.scales)
        return _reciprocal(squares)

    @cached_property
    def _weighted(self) -> FloatArray:
        """E, shape (r,)."""
        return np.square(self.scales) @ self.shares

    @cached_property
    def _outlier(self) -> FloatArray:
        """t, shape (r, q)."""
        return self.scales * (self.shares - (self._weighted * self._per_square)[:, np.newaxis])

    @cached_property
    def _stretch(self) -> FloatArray:
        """Kappa, shape (r,): 0 where all shares are the same, and t is 0."""
        eigenvalue = len(self.shares) / self.shares.sum() * self._weighted * self._per_square
        beyond = _reciprocal(np.sqrt(eigenvalue)) - 1.0
        return np.maximum(beyond, 0.0) * _reciprocal(np.einsum("rq,rq->r", self._outlier, self._outlier))


def as_matrix(information: FloatArray) -> FloatArray:
    """Return the information of one row, shape (q, q), given that or d alone, shape (q,)."""
    if information.ndim == 2:
        return information
    return np.diag(information) - np.outer(information, information / information.sum())


def _reciprocal(values: FloatArray) -> FloatArray:
    """Return 1 / values, and 0 where they are 0."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0.0)
