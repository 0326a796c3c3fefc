r"""What the observations ask of theta: contrasts a with a' theta >= 0.

With the directions D_d of the family, an observation t at x opposes theta where <D_d, theta' x> < 0 although t could
have been lower along D_d, or > 0 although it could have been higher. For labels: eta_y >= eta_l for every class l.
"""

from functools import cached_property
from typing import NamedTuple, final

import numpy as np
from scipy import linalg

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block
from softglm.model.coordinates import KroneckerCoordinates
from softglm.model.objective import Objective

# How many units in the last place a sum of products may lose.
_LOST = 64 * np.finfo(np.float64).eps
# What a form is off by, times this, is what it may seem to see of a span that was found to be orthogonal to it.
_UNSEEN = 8.0
# Numbers that are looked at at a time.
_ENTRIES = 2**22


class Rounding(NamedTuple):
    """What contrasts of length 1 may be off by: for the arithmetic alone, and for the last digit of the data as well.

    The latter is more where columns are far from 0 for their spread: their differences are exact, but not what they
    are differences of. Contrasts that are closer to 0 than `arithmetic` are taken to be 0, as where rows tie; between
    the two, nothing is told.
    """

    arithmetic: float
    data: float


@final
class Contrasts:
    """The contrasts a, of length 1, as linear forms of gamma, shape (P,): theta = F gamma in whitened features.

    gamma has shape (r, s), flattened. Where a constant added to every class changes nothing, the first class is the
    pivot and s = q - 1. Rows without weight impose nothing.

    Parameters
    ----------
    objective : Objective
    coordinates : KroneckerCoordinates
        Whitened, so that contrasts are well scaled and of full rank.
    """

    def __init__(self, objective: Objective, coordinates: KroneckerCoordinates) -> None:
        self._objective, self.coordinates = objective, coordinates
        family = objective.family
        q, s = family.identifiable_directions.shape
        directions = family.curvature_directions
        pivoted = directions[:, q - s :] / linalg.norm(directions[:, q - s :], axis=1, keepdims=True)
        self._both = np.concatenate([pivoted, -pivoted])
        self.shape: tuple[int, int] = (coordinates.scales.shape[0], s)

    @property
    def n_parameters(self) -> int:
        """P."""
        r, s = self.shape
        return r * s

    @cached_property
    def rounding(self) -> Rounding:
        """What contrasts may be off by."""
        loadings, center = self.coordinates.features, self._objective.moments.center
        arithmetic = _LOST * float((np.abs(loadings).T @ self.coordinates.spreads).max(initial=1.0))
        if self._objective.rows.origin is not None:
            center = np.abs(center) + np.abs(self._objective.rows.origin)
        at_center = np.abs(loadings[: len(center)]).T @ np.abs(center)
        return Rounding(arithmetic, arithmetic + np.finfo(np.float64).eps * float(at_center.max(initial=0.0)))

    def pivoted(self, symmetric: FloatArray) -> FloatArray:
        """Return gamma, shape (r, s), of what has a column for each of the q natural parameters, shape (r, q)."""
        pivots = symmetric.shape[1] - self.shape[1]
        return np.asarray(symmetric[:, pivots:] - symmetric[:, :pivots].sum(axis=1, keepdims=True))

    def lowest(
        self, gamma: FloatArray, count: int, *, at_most: float = np.inf, seen_by: FloatArray | None = None
    ) -> FloatArray:
        """Return the contrasts with the lowest a' gamma.

        Parameters
        ----------
        gamma : array of shape (P,)
        count : int
            The most to return.
        at_most : float, default=inf
            The most that a' gamma may be.
        seen_by : array of shape (P, h), or None
            Leave out those orthogonal to all of these columns.

        Returns
        -------
        array of shape (count or fewer, P)
        """
        both, (r, s) = self._both, self.shape

        def statistic(block: Block) -> tuple[FloatArray, ...]:
            features = self._features(block)
            values = np.where(self._active(block), both @ (features @ gamma.reshape(r, s)).T, np.inf)
            values[values > at_most] = np.inf
            if seen_by is not None:
                seen = both @ (features @ seen_by.reshape(r, -1)).reshape(len(block), s, -1)
                seen_by_none = _UNSEEN * self.rounding.data >= linalg.norm(seen, axis=-1).T
                values[seen_by_none] = np.inf
            # Copies of a row have the same value: one of them will do.
            found, first = np.unique(values, return_index=True)
            kinds, rows = np.unravel_index(first[found < np.inf][:count], values.shape)
            return values[kinds, rows], _forms(features[rows], both[kinds]).T

        values, forms = self._objective.rows.concatenate(statistic)
        return np.asarray(forms.T[np.argsort(values, kind="stable")[:count]])

    def alternatives(self, gamma: FloatArray, span: FloatArray) -> BoolArray:
        """Tell which classes the cone of directions that nothing opposes puts below what was observed, shape (n, K).

        Inside it those are all whose contrast with an observed class is not 0 on all of it. Nothing observed is one.

        Parameters
        ----------
        gamma : array of shape (P,)
            Inside the cone.
        span : array of shape (P, h)
            An orthonormal basis of its span.
        """
        r, s = self.shape
        everywhere = np.column_stack([gamma, span]).reshape(r, s, -1)
        least = _UNSEEN * self.rounding.data
        step = max(_ENTRIES // (everywhere.shape[2] * (s + 1)), 1)

        def statistic(block: Block) -> tuple[BoolArray, ...]:
            features, targets = self._features(block), block.targets_matrix(self._objective.shape[1])
            shares = np.concatenate([1.0 - targets, targets]) if len(targets) == 1 else targets
            below = np.empty(shares.shape, dtype=bool)
            for rows in (slice(first, first + step) for first in range(0, len(block), step)):
                eta = np.einsum("nr,rsh->snh", features[rows], everywhere)
                eta = np.concatenate([np.zeros_like(eta[:1]), eta])
                observed = shares[:, rows].argmax(axis=0)
                differences = eta[observed, np.arange(eta.shape[1])] - eta
                is_seen = linalg.norm(differences[..., 1:], axis=2) > least
                below[:, rows] = is_seen & (differences[..., 0] > 0.0) & (shares[:, rows] == 0.0)
            return (below if block.weights is None else below & (block.weights > 0.0),)

        return np.asarray(self._objective.rows.concatenate(statistic)[0].T)

    def _active(self, block: Block) -> BoolArray:
        """Tell which of the directions, up and down, some weight in each row opposes, shape (2 d, rows)."""
        family = self._objective.family
        targets = block.targets_matrix(family.n_parameters)
        active = np.concatenate([family.can_fall(targets), family.can_rise(targets)])
        return active if block.weights is None else active & (block.weights > 0.0)

    def _features(self, block: Block) -> FloatArray:
        """Return F'[x - c; 1] of each row, scaled to length 1, shape (rows, r)."""
        features = self.coordinates.features_of(block.centred(self._objective.moments.center))
        lengths = linalg.norm(features, axis=1, keepdims=True)
        return np.divide(features, lengths, out=np.zeros_like(features), where=lengths > 0.0)


def _forms(features: FloatArray, directions: FloatArray) -> FloatArray:
    """Return the Kronecker product of each row of the one, (k, r), with that of the other, (k, s): (k, r s)."""
    products = features[:, :, np.newaxis] * directions[:, np.newaxis]
    return np.asarray(products.reshape(len(products), products.shape[1] * products.shape[2]))
