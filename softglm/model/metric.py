"""The metrics in which the fit is minimised: the Hessian, its Kronecker approximation, and what proves nothing."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.model.kronecker import KroneckerCoordinates
from softglm.model.passes import Passes
from softglm.model.passes.prices import proof_price
from softglm.model.proof.certificate import (
    concordance_radius,
    leverage_directions,
    leverage_form,
    self_concordant_gap,
)
from softglm.model.proof.rounding import UNIT
from softglm.once import cached_property
from softglm.sums import Leverages

# The reciprocal condition of a Hessian all of which is more than rounding.
_SOUND = 1e-14
# The entries of a Hessian are off by so many units per row of a sum; what that may do to its inverse, relative to it.
_ENTRIES, _MOST_OFF = 4.0, 0.5
# What is added to the diagonal of one that is indefinite, at first, relative to its trace.
_LEAST_SHIFT = np.finfo(np.float64).eps
# Beyond, the exponential of the distance may overflow; nothing is proved long before.
_FAR = 100.0


class MetricWithoutProof(ABC):
    """H ~ L L' that proves nothing: an approximation, or the Hessian of another point, sample or penalty."""

    @abstractmethod
    def whiten(self, gradient: FloatArray) -> FloatArray:
        """Return L^-1 g, a vector, of a gradient of shape (m, q)."""

    @abstractmethod
    def unwhiten(self, vector: FloatArray) -> FloatArray:
        """Return L^-T v, shape (m, q)."""

    def solve(self, gradient: FloatArray) -> FloatArray:
        """Return H^-1 g, shape (m, q)."""
        return self.unwhiten(self.whiten(gradient))

    def gap(self, decrement: float, distance: float, rounding: FloatArray) -> float:  # noqa: ARG002 - the protocol's
        return float("inf")

    @property
    def proof_cost(self) -> float:
        return float("inf")


@final
@dataclass(frozen=True)
class KroneckerMetric(MetricWithoutProof):
    """H ~ S (x) M + I (x) P, the identity in its own coordinates."""

    coordinates: KroneckerCoordinates

    def shortened(self, factor: float) -> "KroneckerMetric":
        """Return a metric in which the first step of L-BFGS, along the gradient, is shorter by this factor."""
        return KroneckerMetric(self.coordinates.shortened(factor))

    def whiten(self, gradient: FloatArray) -> FloatArray:
        return self.coordinates.pull_back(gradient)

    def unwhiten(self, vector: FloatArray) -> FloatArray:
        return self.coordinates.displacement(vector)


@final
@dataclass(frozen=True)
class FactoredMetric(MetricWithoutProof):
    """H = L L', of whatever point and penalty.

    Attributes
    ----------
    coordinates : KroneckerCoordinates
    factor : array of shape (r s, r s)
        L, in these.
    """

    coordinates: KroneckerCoordinates
    factor: FloatArray

    def whiten(self, gradient: FloatArray) -> FloatArray:
        solved, _ = linalg.lapack.dtrtrs(self.factor, self.coordinates.pull_back(gradient), lower=1)
        return np.asarray(solved)

    def unwhiten(self, vector: FloatArray) -> FloatArray:
        solved, _ = linalg.lapack.dtrtrs(self.factor, vector, lower=1, trans=1)
        return self.coordinates.displacement(solved)


@final
class HessianMetric:
    """H, the Hessian at a point, or an estimate of it, factored in given coordinates.

    Estimated from a sample in which a row stands for at most 1/phi of them, it is a sum over some rows, each counted
    1/phi times at most: phi times the estimate M is at most H. And as no row adds to f what is anywhere below its
    tangent, f is at least its own tangent plus what the rows of the sample add to theirs. Whatever is proved of that,
    in the metric phi M and with the leverages of the sample alone, holds for f.

    Parameters
    ----------
    passes : Passes
        Over all rows, in which it was made.
    matrix : array of shape (r s, r s)
        H, or its estimate, in these coordinates.
    coordinates : KroneckerCoordinates
    rows : Rows or None
        Those whose information it is, all or a sample; None where it is so only to single precision: no proof then.

    Attributes
    ----------
    factored : FactoredMetric
        The same without what it takes to prove something.
    """

    def __init__(
        self,
        passes: Passes,
        matrix: FloatArray,
        coordinates: KroneckerCoordinates,
        rows: Rows | None,
    ) -> None:
        self._passes, self._coordinates = passes, coordinates
        self._objective = passes.objective
        self._radii: dict[Rows, float] = {}
        # The matrix is symmetric, and its transpose in LAPACK's order.
        factor, info = linalg.lapack.dpotrf(matrix.T, lower=1)
        # Where classes separate the information vanishes, and rounding may leave it indefinite. Shifted, it is still
        # a metric, but no longer the Hessian, and proves nothing.
        self._rows, shift = None if info else rows, _LEAST_SHIFT
        while info:
            shifted = matrix + shift * matrix.trace() * np.eye(len(matrix))
            factor, info = linalg.lapack.dpotrf(shifted, lower=1)
            shift *= 10.0
        self._factor, self.factored = factor, FactoredMetric(coordinates, factor)
        self._matrix = matrix  # until its norm is asked for: most metrics prove nothing

    def whiten(self, gradient: FloatArray) -> FloatArray:
        return self.factored.whiten(gradient)

    def unwhiten(self, vector: FloatArray) -> FloatArray:
        return self.factored.unwhiten(vector)

    def solve(self, gradient: FloatArray) -> FloatArray:
        return self.unwhiten(self.whiten(gradient))

    def gap(self, decrement: float, distance: float, rounding: FloatArray) -> float:
        """Bound f - f* by self-concordance, for a gradient taken at this distance from the Hessian."""
        if self._rows is None or not distance < float("inf"):
            return float("inf")
        form = self._leverage_form
        if form is None or not (longer := self._stretch(self._rows)) < float("inf"):
            return float("inf")
        # Where the information has all but vanished, as where classes separate, a gradient that is 0 to rounding may be
        # a long way from the optimum, if there is one.
        decrement += self._length(self._coordinates.pulled_back_bound(rounding))
        radius = self._radius(self._rows, form)
        if not radius * distance <= _FAR:  # also where it is inf times 0
            return float("inf")
        # Along h the Hessian changes by at most exp(+-R(h)), R(h) <= rho ||h||, and with it both norms by the root.
        stretch = math.exp(radius * distance / 2.0) * longer
        return self_concordant_gap(stretch * decrement, stretch * radius)

    def _stretch(self, rows: Rows) -> float:
        """Return how much longer a step may be in M, of these rows, than in what is surely at most H; inf: nothing is.

        Rounding may have changed H, relative to it, by that of its entries in units of its least eigenvalue.
        """
        n_terms = rows.longest_sum + _ENTRIES
        off = _ENTRIES * UNIT * n_terms * math.sqrt(len(self._factor)) / self._reciprocal_condition
        return math.sqrt(rows.multiplicity / (1.0 - off)) if off < _MOST_OFF else float("inf")

    @property
    def leverages(self) -> tuple[Leverages, float] | None:
        """How far a step of length 1 in the metric of H moves predictions, row by row, and rho; None of no proof."""
        if self._rows is None or self._leverage_form is None:
            return None
        stretch = self._stretch(self._rows)
        if not stretch < float("inf"):
            return None
        longest = concordance_radius(self._objective, 1.0) * stretch
        slopes, constant = leverage_directions(self._objective, self._coordinates, self._leverage_form)
        leverages = Leverages(self._objective.moments.center, longest * slopes, longest * constant)
        return leverages, stretch * self._radius(self._objective.rows, self._leverage_form)

    def _radius(self, rows: Rows, leverage_form: FloatArray) -> float:
        """Return rho, as far as these rows tell."""
        if rows not in self._radii:
            leverage = self._passes.largest_leverage(self._coordinates, leverage_form, rows)
            self._radii[rows] = concordance_radius(self._objective, leverage)
        return self._radii[rows]

    @cached_property
    def _leverage_form(self) -> FloatArray | None:
        # What vanishes to rounding, as where classes separate, proves nothing.
        if not self._reciprocal_condition > _SOUND:
            return None
        return leverage_form(self._coordinates, self._inverse)

    @cached_property
    def _inverse(self) -> FloatArray:
        """L^-1."""
        return np.asarray(linalg.lapack.dtrtri(self._factor, lower=1)[0])

    def _length(self, bound: FloatArray) -> float:
        """Return the most that the length of a whitened vector can be, given a bound on its entries before."""
        longest = np.abs(self._inverse) @ bound
        return math.sqrt(longest @ longest)

    @cached_property
    def _norm(self) -> float:
        """||H||_1."""
        norm = float(np.abs(self._matrix).sum(axis=0).max())
        del self._matrix
        return norm

    @cached_property
    def _reciprocal_condition(self) -> float:
        return float(linalg.lapack.dpocon(self._factor, self._norm, uplo="L")[0])

    @property
    def proof_cost(self) -> float:
        # The proof of a sample is as loose as it is small: whatever else there is costs less.
        if self._rows is None or self._rows.multiplicity > 1.0:
            return float("inf")
        return 0.0 if self._rows in self._radii else proof_price(self._objective, self._rows)
