"""The metrics in which the fit is minimised: the Hessian, or its Kronecker approximation."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.model.certificate import concordance_radius, leverage_directions, self_concordant_gap
from softglm.model.coordinates import KroneckerCoordinates
from softglm.model.fisher import hessian
from softglm.model.objective import Objective
from softglm.model.prices import proof_price

# The reciprocal condition of a Hessian all of which is more than rounding.
_SOUND = 1e-14
# Beyond, the exponential of the distance may overflow; nothing is proved long before.
_FAR = 100.0


@final
@dataclass(frozen=True)
class KroneckerMetric:
    """H ~ S (x) M + I (x) P, the identity in its own coordinates."""

    coordinates: KroneckerCoordinates

    def whiten(self, gradient: FloatArray) -> FloatArray:
        return self.coordinates.pull_back(gradient)

    def unwhiten(self, vector: FloatArray) -> FloatArray:
        return self.coordinates.displacement(vector)

    def gap(self, decrement: float, distance: float) -> float:  # noqa: ARG002 - the protocol's signature
        """An approximate Hessian proves nothing."""
        return float("inf")

    @property
    def proof_cost(self) -> float:
        return float("inf")


@final
class HessianMetric:
    """H, the Hessian at a point, or an estimate of it, factored in given coordinates.

    Estimated from a sample in which a row stands for at most 1/phi of them, it is a sum over some rows, each counted
    1/phi times at most: phi times the estimate M is at most H. Whatever is proved in the metric phi M holds.

    Parameters
    ----------
    objective : Objective
    point : array of shape (m, q)
    coordinates : KroneckerCoordinates
    rows : Rows or None, default=None
        A sample of the rows, from which H is estimated.
    """

    def __init__(
        self, objective: Objective, point: FloatArray, coordinates: KroneckerCoordinates, rows: Rows | None = None
    ) -> None:
        self._objective, self._coordinates = objective, coordinates
        self._rows = objective.rows if rows is None else rows
        # rho, as far as these rows tell.
        self._radii: dict[Rows, float] = {}
        matrix = hessian(objective, point, coordinates, rows)
        self._norm = linalg.lapack.dlange("1", matrix)  # type: ignore[call-arg]  # the stubs are wrong
        factor, info = linalg.lapack.dpotrf(matrix, lower=1)
        # Where classes separate the information vanishes, and rounding may leave it indefinite. Shifted, it is still
        # a metric, but no longer the Hessian, and proves nothing.
        shift = np.finfo(np.float64).eps * matrix.trace()
        self._is_shifted = bool(info)
        while info:
            factor, info = linalg.lapack.dpotrf(matrix + shift * np.eye(len(matrix)), lower=1)
            shift *= 10.0
        self._factor = factor

    def whiten(self, gradient: FloatArray) -> FloatArray:
        solved, _ = linalg.lapack.dtrtrs(self._factor, self._coordinates.pull_back(gradient), lower=1)
        return np.asarray(solved)

    def unwhiten(self, vector: FloatArray) -> FloatArray:
        solved, _ = linalg.lapack.dtrtrs(self._factor, vector, lower=1, trans=1)
        return self._coordinates.displacement(solved)

    def gap(self, decrement: float, distance: float) -> float:
        """Bound f - f* by self-concordance, for a gradient taken at this distance from the Hessian."""
        # What the rows of the sample cannot prove all of them cannot, whose rho is no smaller.
        if self._rows is not self._objective.rows and self._gap_by(self._rows, decrement, distance) == float("inf"):
            return float("inf")
        return self._gap_by(self._objective.rows, decrement, distance)

    def _gap_by(self, rows: Rows, decrement: float, distance: float) -> float:
        if self._directions is None:
            return float("inf")
        if rows not in self._radii:
            self._radii[rows] = concordance_radius(self._objective, self._directions, rows)
        radius = self._radii[rows]
        if not radius * distance <= _FAR:  # also where it is inf times 0
            return float("inf")
        # Along h the Hessian changes by at most exp(+-R(h)), R(h) <= rho ||h||, and with it both norms by the root.
        stretch = math.exp(radius * distance / 2.0) * math.sqrt(self._rows.multiplicity)
        return self_concordant_gap(stretch * decrement, stretch * radius)

    @cached_property
    def _directions(self) -> tuple[FloatArray, FloatArray] | None:
        # What vanishes to rounding, as where classes separate, proves nothing.
        if self._is_shifted or not linalg.lapack.dpocon(self._factor, self._norm, uplo="L")[0] > _SOUND:
            return None
        return leverage_directions(self._objective, self._coordinates, self._factor)

    @property
    def proof_cost(self) -> float:
        return 0.0 if self._objective.rows in self._radii else proof_price(self._objective)
