r"""What the observations ask of theta: contrasts a with a' theta >= 0.

With the directions D_d of the family, an observation t at x opposes theta where <D_d, theta' x> < 0 although t could
have been lower along D_d, or > 0 although it could have been higher. For labels: eta_y >= eta_l for every class l.
"""

from typing import NamedTuple, final

import numpy as np
from scipy import linalg

from softglm.arrays import BoolArray, FloatArray
from softglm.model.coordinates import KroneckerCoordinates
from softglm.model.objective import Objective
from softglm.once import cached_property
from softglm.sums import ClassesBelow, Features, LowestMargins

# How many units in the last place a sum of products may lose.
_LOST = 64 * np.finfo(np.float64).eps
# What a form is off by, times this, is what it may seem to see of a span that was found to be orthogonal to it.
_UNSEEN = 8.0


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
        digits = np.finfo(np.float64).eps * np.abs(center)
        if self._objective.rows.noise is not None:
            digits = digits + self._objective.rows.noise
        at_center = np.abs(loadings[: len(center)]).T @ digits
        return Rounding(arithmetic, arithmetic + float(at_center.max(initial=0.0)))

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
        r, s = self.shape
        lowest = LowestMargins(
            self._objective.family,
            self._features,
            self._both,
            gamma.reshape(r, s),
            count,
            at_most,
            None if seen_by is None else seen_by.reshape(r, -1),
            _UNSEEN * self.rounding.data,
        )
        values, forms = self._objective.rows.concatenate(lowest)
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
        everywhere = np.column_stack([gamma, span]).reshape(*self.shape, -1)
        below = ClassesBelow(self._features, everywhere, self._objective.shape[1], _UNSEEN * self.rounding.data)
        return np.asarray(self._objective.rows.concatenate(below)[0].T)

    @property
    def _features(self) -> Features:
        return Features(self._objective.moments.center, self.coordinates.features)
