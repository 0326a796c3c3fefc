"""The map between parameters and coordinates in which a Kronecker approximation of the curvature is the identity.

How the coordinates are chosen: see `coordinates`.
"""

import math
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.model.many_classes import ManyClasses
from softglm.once import cached_property
from softglm.sums import Features

# A gradient in nats per standard deviation that is more than rounding.
_HIDDEN = 1e-10


@final
@dataclass(frozen=True)
class KroneckerCoordinates:
    """The linear map theta = F (scales * Z) Q' from coordinates Z, flattened, to parameters.

    Attributes
    ----------
    features : array of shape (m, r), or (m,) for a diagonal matrix
        F.
    classes : array of shape (q, s), or (q,)
        Q, orthonormal and orthogonal to what the family cannot identify. Where classes are many d, of which S is
        diag(d) - d d' / sum(d): `ManyClasses` takes the place of Q, and s is q.
    scales : array of shape (r, s)
        One over the root of the approximate curvature; where classes are many, of its diagonal part.
    ridge : array of shape (r,)
        The diagonal of F' P F, P the curvature of the penalty; all of it, unless F is triangular.
    """

    features: FloatArray
    classes: FloatArray
    scales: FloatArray
    ridge: FloatArray

    def displacement(self, coordinates: FloatArray) -> FloatArray:
        """Return the parameters, shape (m, q), at these coordinates, shape (r * s,)."""
        if self.classes.ndim == 1:
            spread = self._many_classes.spread(coordinates.reshape(self.scales.shape))
            return np.asarray(self.features.dot(spread) if self.features.ndim == 2 else self._loadings * spread)
        core = self._stretch * coordinates.reshape(self.scales.shape)
        return np.asarray((self.features.dot(core) if self.features.ndim == 2 else core).dot(self.classes.T))

    def pull_back(self, gradient: FloatArray) -> FloatArray:
        """Return the gradient in these coordinates, shape (r * s,), of one in the parameters, shape (m, q)."""
        if self.classes.ndim == 1:
            core = self.features.T.dot(gradient) if self.features.ndim == 2 else self._loadings * gradient
            return np.asarray(self._many_classes.gather(core).reshape(-1))
        core = gradient.dot(self.classes)  # for small matrices dot takes half the time of @
        core = self._stretch * (self.features.T.dot(core) if self.features.ndim == 2 else core)
        return np.asarray(core.reshape(-1))

    def pulled_back_bound(self, bound: FloatArray) -> FloatArray:
        """Return what the entries of `pull_back` are at most in size, given a bound on those of a gradient, (m, q)."""
        core = bound.dot(np.abs(self.classes))
        if self.features.ndim == 2:
            core = np.abs(self.features).T.dot(core)
        return np.asarray(np.abs(self._stretch * core).reshape(-1))

    @cached_property
    def _stretch(self) -> FloatArray:
        """The scales, and with them F where it is diagonal."""
        return self.scales if self.features.ndim == 2 else self._loadings * self.scales

    @property
    def _loadings(self) -> FloatArray:
        """F, where it is diagonal, as a column."""
        return self.features[:, np.newaxis]

    @cached_property
    def _many_classes(self) -> ManyClasses:
        """What takes the place of Q."""
        return ManyClasses(self.classes, self.scales)

    @property
    def reach(self) -> FloatArray:
        """The largest entry of each row of F, shape (m,), with the scales where F is diagonal; 0 for what is left out.

        It is one over the spread of the column or, where columns are nearly collinear, more.
        """
        return np.asarray(np.abs(self._stretch if self.features.ndim == 1 else self.features).max(axis=1, initial=0.0))

    @cached_property
    def spreads(self) -> FloatArray:
        """The root mean squares of [x - c; 1], shape (m,), where F whitens it; 0 for what is left out."""
        if self.features.ndim == 1:
            reach = self.reach
            return np.divide(1.0, reach, out=np.zeros_like(reach), where=reach > 0.0)
        # In units of one over the reach: pseudo-inverses drop what is small.
        units = np.where(self.reach > 0.0, self.reach, 1.0)
        return np.asarray(linalg.norm(linalg.pinv(self.features / units[:, np.newaxis]), axis=0) / units)

    @cached_property
    def penalty(self) -> FloatArray:
        """The curvature of the penalty along each coordinate, shape (r * s,); 1 along those that move nothing."""
        return np.ravel(self.ridge[:, np.newaxis] * self.scales**2 + (self.scales == 0.0))

    def features_at(self, parameters: FloatArray) -> FloatArray:
        """Return the parameters per whitened feature, shape (r, q), of which theta is F times, whatever its units."""
        if self.features.ndim == 1:
            return np.divide(
                parameters,
                self.features[:, np.newaxis],
                out=np.zeros_like(parameters),
                where=self.features[:, np.newaxis] != 0.0,
            )
        lengths = np.maximum(linalg.norm(self.features, axis=1, keepdims=True), np.finfo(np.float64).tiny)
        return np.asarray(np.linalg.lstsq(self.features / lengths, parameters / lengths, rcond=None)[0])

    def shortened(self, factor: float) -> "KroneckerCoordinates":
        """Return coordinates in which the first step of L-BFGS, along the gradient, is shorter by this factor."""
        return replace(self, scales=self.scales * math.sqrt(factor))

    def nearest(self, parameters: FloatArray) -> FloatArray:
        """Return parameters, shape (m, q), that these coordinates can reach: near the given ones, and as good.

        Left out is what changes no prediction: constants over the classes, and combinations of collinear columns.
        """
        if self.classes.ndim == 1:
            identified = parameters - parameters.mean(axis=1, keepdims=True)
        else:
            identified = parameters @ self.classes @ self.classes.T
        if self.features.ndim == 1:
            return np.where(self.scales.any(axis=1, keepdims=True), identified, 0.0)
        if self.features.shape[0] == self.features.shape[1]:
            return np.where(self.features.any(axis=1, keepdims=True), identified, 0.0)
        lengths = np.sqrt(np.square(self.features).sum(axis=1))[:, np.newaxis]
        scaled = np.divide(identified, lengths, out=np.zeros_like(identified), where=lengths > 0.0)
        unit = np.divide(self.features, lengths, out=np.zeros_like(self.features), where=lengths > 0.0)
        return np.asarray(self.features @ linalg.lstsq(unit, scaled)[0])

    def leaves_out(self, gradient: FloatArray, center: FloatArray) -> bool:
        """Tell whether a gradient, shape (m, q), is more than rounding in what these coordinates lack.

        Columns that are collinear but for their last digits count as collinear; if those digits matter, the optimum in
        these coordinates is not that of the data.
        """
        if self.features.ndim == 1 or self.features.shape[0] == self.features.shape[1]:
            return False
        # The length of a row of F is about one over the spread of its column.
        lengths = np.sqrt(np.square(self.features).sum(axis=1))[:, np.newaxis]
        unit = np.divide(self.features, lengths, out=np.zeros_like(self.features), where=lengths > 0.0)
        kept, _ = np.linalg.qr(unit)
        standardised = gradient * lengths
        standardised -= kept @ (kept.T @ standardised)
        distance = 1.0 + np.abs(center * lengths[: len(center), 0]).max(initial=0.0)
        return bool(np.abs(standardised).max(initial=0.0) > _HIDDEN * distance)

    def features_of(self, centred: FloatArray) -> FloatArray:
        """Return F'[x - c; 1], shape (rows, r), of centred rows x - c, shape (rows, p); without the 1 where m = p."""
        return Features(np.empty(0), self.features).of_centred(centred)
