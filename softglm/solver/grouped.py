r"""A quadratic with a kink where groups of entries, or entries, are 0.

    phi(b) = 1/2 (b - a)' H (b - a) + g'(b - a) + sum_g group_l1_g ||b_g|| + sum_e l1_e |b_e|

Here is what a method asks of it: values, as differences; the prox of the kinks; the element of the subdifferential that
is nearest to 0, and the curvature of the norms, group_l1 / ||b_g|| (I - u u') with u = b_g / ||b_g||.
"""

from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.once import cached_property

_EPS = float(np.finfo(np.float64).eps)
# Of a sum of products, relative to the size of its terms.
ROUNDING = 8.0 * _EPS
# Relative to the diagonal of H; and what stands for H where all of it is 0.
_DAMPING, _LEAST = 1e-10, 1e-290


class Pairs(NamedTuple):
    """The pairs of entries that are in a group together, each entry with itself too: positions, shape (n_pairs,)."""

    first: npt.NDArray[np.intp]
    second: npt.NDArray[np.intp]


@final
@dataclass(frozen=True)
class Kinks:
    """The sum of norms h(b) = sum_g group_l1_g ||b_g|| + sum_e l1_e |b_e|.

    Attributes
    ----------
    groups : array of shape (d,)
        The code of each entry's group.
    group_l1 : array of shape (n_groups,)
    l1 : array of shape (d,)
    """

    groups: IntArray
    group_l1: FloatArray
    l1: FloatArray

    @cached_property
    def is_smooth(self) -> BoolArray:
        """Which entries have no kink, shape (d,)."""
        return np.asarray((self.l1 == 0.0) & (self.group_l1[self.groups] == 0.0))

    @cached_property
    def largest(self) -> float:
        """The largest slope of any kink."""
        return float(max(self.l1.max(initial=0.0), self.group_l1.max(initial=0.0)))

    def norms(self, vector: FloatArray) -> FloatArray:
        """Return ||b_g||, shape (n_groups,)."""
        return np.sqrt(np.bincount(self.groups, vector * vector, minlength=len(self.group_l1)))

    def difference(self, here: FloatArray, there: FloatArray) -> float:
        """Return h there less h here, to the digits of the difference of each term."""
        by_group = self.group_l1 @ (self.norms(there) - self.norms(here))
        return float(by_group + self.l1 @ (np.abs(there) - np.abs(here)))

    def prox(self, vector: FloatArray, steps: FloatArray) -> FloatArray:
        """Return the minimiser of h(z) + sum_g ||z_g - b_g||^2 / (2 steps_g), shape (d,); steps are of groups."""
        left = soft_threshold(vector, steps[self.groups] * self.l1)
        return np.asarray(left * self._shares(self.norms(left), steps * self.group_l1)[self.groups])

    def violation(self, point: FloatArray, gradient: FloatArray) -> FloatArray:
        """Return the element of gradient + dh(b) that is nearest to 0, shape (d,)."""
        slopes = np.where(point == 0.0, soft_threshold(gradient, self.l1), gradient + self.l1 * np.sign(point))
        norms = self.norms(point)
        shares = np.where(norms > 0.0, 1.0, self._shares(self.norms(slopes), self.group_l1))
        return np.asarray(slopes * shares[self.groups] + self.pulls(norms)[self.groups] * point)

    def pulls(self, norms: FloatArray) -> FloatArray:
        """Return group_l1 / ||b_g||, shape (n_groups,), and 0 for groups at 0."""
        return np.divide(self.group_l1, norms, out=np.zeros_like(norms), where=norms > 0.0)

    @staticmethod
    def _shares(norms: FloatArray, by: FloatArray) -> FloatArray:
        """Return what share of vectors of these norms is left once they are shortened by so much; 1 where by is 0."""
        return 1.0 - np.divide(np.minimum(by, norms), norms, out=np.zeros_like(norms), where=norms > 0.0)


@final
@dataclass(frozen=True)
class Grouped:
    """The function phi.

    Attributes
    ----------
    hessian : array of shape (d, d)
    linear, start : arrays of shape (d,)
        The gradient g of the quadratic at the starting point a, and a.
    kinks : Kinks
    tol : float
        The largest violation of optimality in an entry that may be left.
    """

    hessian: FloatArray
    linear: FloatArray
    start: FloatArray
    kinks: Kinks
    tol: float

    def gradient(self, point: FloatArray) -> FloatArray:
        """Return that of the quadratic, shape (d,)."""
        moved = point - self.start
        return self.linear + self.hessian @ moved if moved.any() else self.linear

    def decrease(self, here: FloatArray, gradient: FloatArray, there: FloatArray, there_gradient: FloatArray) -> float:
        """Return phi here less phi there, given the gradients of the quadratic at both."""
        quadratic = float((there - here) @ (gradient + there_gradient)) / 2.0
        return -quadratic - self.kinks.difference(here, there)

    @cached_property
    def pairs(self) -> Pairs:
        """Of all entries."""
        return pairs_within(self.kinks.groups)

    @cached_property
    def curvatures(self) -> FloatArray:
        """An upper bound on the curvature of the quadratic within each group, shape (n_groups,): at least > 0."""
        square = self.hessian[self.pairs.first, self.pairs.second] ** 2
        groups = self.kinks.groups[self.pairs.first]
        bound = np.sqrt(np.bincount(groups, square, minlength=len(self.kinks.group_l1)))
        return np.maximum(bound, _EPS * max(float(bound.max(initial=0.0)), _LEAST))

    @cached_property
    def damping(self) -> FloatArray:
        """What is added to the diagonal of systems, shape (d,), so that they have one solution: of many, one nearby.

        To each entry a part of its own: columns in other units are damped alike.
        """
        own = self.hessian.diagonal()
        return np.asarray(_DAMPING * np.maximum(own, _EPS * max(float(own.max(initial=0.0)), _LEAST)))

    @cached_property
    def _roots(self) -> FloatArray:
        """The roots of the diagonal of H: |H_ef| <= roots_e roots_f."""
        return np.sqrt(np.abs(self.hessian.diagonal()))

    def resolution(self, point: FloatArray) -> float:
        """Return the violation that rounding alone makes at a point, about."""
        moved = float(self._roots.max(initial=0.0) * (self._roots @ np.abs(point - self.start)))
        return ROUNDING * (float(np.abs(self.linear).max(initial=0.0)) + self.kinks.largest + moved)


def soft_threshold(values: FloatArray, by: FloatArray) -> FloatArray:
    """Return values moved towards 0 by so much, and not beyond it."""
    return np.asarray(values - np.clip(values, -by, by))


def pairs_within(groups: IntArray) -> Pairs:
    """Return the pairs of entries that have a group in common."""
    order = np.argsort(groups, kind="stable")
    _, first, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    partners = np.repeat(sizes, sizes)
    begins = np.repeat(first, sizes)
    offsets = np.arange(int(partners.sum())) - np.repeat(np.cumsum(partners) - partners, partners)
    return Pairs(np.repeat(order, partners), order[np.repeat(begins, partners) + offsets])
