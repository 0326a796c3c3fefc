"""Penalties that let all coefficients of a group leave 0 together."""

from abc import ABC
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.model.penalties.ridge import Ridge
from softglm.model.penalties.sparse import SparsePenalty
from softglm.model.penalties.thresholds import towards_zero
from softglm.once import cached_property

# Newton's method finds each pull from below in a handful of steps; the number of kinks is the only bound there is.
_MOST_STEPS = 100
_ROUNDING = 4.0 * np.finfo(np.float64).eps


@dataclass(frozen=True)
class GroupedPenalty(SparsePenalty, ABC):
    """One whose h is h(B) = sum_g group_l1_g ||(u_j B_j)_g|| + sum_j l1_j ||B_j||_1, over the features j of a group g.

    Attributes
    ----------
    codes : array of shape (p,)
        The group of each feature, from 0.
    group_l1 : array of shape (n_groups,)
    l1 : array of shape (p,)
        l1_j / u_j is the same for the features of a group; zeros where only groups leave 0 as one.
    smooth : Ridge
        With c; c_j / u_j^2 is the same for the features of a group.
    units : array of shape (p,)
        u > 0: ones, unless columns of a group were measured in units of their own. 1 is the largest of a group.
    """

    codes: IntArray
    group_l1: FloatArray
    l1: FloatArray
    smooth: Ridge
    units: FloatArray

    @property
    def groups(self) -> IntArray:
        return self.codes

    @cached_property
    def is_kinked(self) -> BoolArray:
        return np.asarray((self.l1 > 0.0) | (self.group_l1[self.codes] > 0.0))

    @cached_property
    def is_free(self) -> BoolArray:
        return np.asarray(~self.is_kinked & (self.smooth.strength[: len(self.l1)] == 0.0))

    def kinked(self, coef: FloatArray) -> float:
        norms = self._norms(self.units[:, np.newaxis] * coef)
        return float(self.group_l1 @ norms + (self.l1 @ np.abs(coef)).sum())

    def prox(self, coef: FloatArray, step: FloatArray) -> FloatArray:
        """The steps of the features of a group are equal in its units: step_j u_j^2 is the same."""
        units = self.units[:, np.newaxis]
        left = units * towards_zero(coef, (step * self.l1)[:, np.newaxis])
        by = (step * self.units * self.units) * self.group_l1[self.codes]
        return left / units * self._shares(left, by)

    def conjugate(self, gradient: FloatArray) -> float:
        curvature = np.full(len(self.group_l1), np.inf)
        np.minimum.at(curvature, self.codes, self.smooth.strength[: len(self.l1)] / (self.units * self.units))
        held = np.ones(len(self.group_l1), dtype=bool)
        held[self.codes[self.is_free]] = False
        left = self._norms(towards_zero(gradient, self.l1[:, np.newaxis]) / self.units[:, np.newaxis])
        beyond = np.square(np.maximum(left - self.group_l1, 0.0))[held]
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = beyond / (2.0 * curvature[held])
        return float(np.where(beyond > 0.0, shares, 0.0).sum())

    def pull(self, gradient: FloatArray) -> FloatArray:
        """The root r of ||soft(G, r l1)|| = r group_l1, whose left side is convex: Newton's steps from below."""
        if not self.l1.any():
            norms, by = self._norms(gradient / self.units[:, np.newaxis]), self.group_l1
            return np.asarray(np.divide(norms, by, out=np.zeros_like(norms), where=by > 0.0)[self.codes])
        slopes, l1 = np.abs(gradient) / self.units[:, np.newaxis], (self.l1 / self.units)[:, np.newaxis]
        by_group = np.zeros(len(self.group_l1))
        np.maximum.at(by_group, self.codes, l1[:, 0])
        largest = np.zeros_like(by_group)
        np.maximum.at(largest, self.codes, slopes.max(axis=1))
        strength = self.group_l1 + by_group
        root = np.divide(largest, strength, out=np.zeros_like(largest), where=strength > 0.0)
        for _ in range(_MOST_STEPS):
            left = np.maximum(slopes - root[self.codes, np.newaxis] * l1, 0.0)
            norms, sums = self._norms(left), np.bincount(self.codes, left.sum(axis=1), len(root))
            falls = self.group_l1 + by_group * np.divide(sums, norms, out=np.zeros_like(norms), where=norms > 0.0)
            rise = np.divide(norms - root * self.group_l1, falls, out=np.zeros_like(norms), where=falls > 0.0)
            root += np.maximum(rise, 0.0)
            if (rise <= _ROUNDING * root).all():
                break
        return np.asarray(root[self.codes])

    def violation(self, coef: FloatArray, gradient: FloatArray) -> FloatArray:
        """Of a group at 0 the element that is nearest to 0 in its units."""
        units, l1 = self.units[:, np.newaxis], self.l1[:, np.newaxis]
        norms = self._norms(units * coef)[self.codes]
        pulls = np.divide(self.group_l1[self.codes], norms, out=np.zeros_like(norms), where=norms > 0.0)
        sloped = gradient + (pulls * self.units * self.units)[:, np.newaxis] * coef
        nearest = np.where(coef == 0.0, towards_zero(sloped, l1), sloped + l1 * np.sign(coef))
        at_zero = (norms == 0.0)[:, np.newaxis]
        return np.where(at_zero, nearest * self._shares(nearest / units, self.group_l1[self.codes]), nearest)

    def times(self, factor: float) -> Self:
        return replace(
            self,
            group_l1=factor * self.group_l1,
            l1=factor * self.l1,
            smooth=Ridge(factor * self.smooth.strength),
        )

    def in_units(self, units: FloatArray) -> Self:
        own = self.units * units
        largest = np.zeros_like(self.group_l1)
        np.maximum.at(largest, self.codes, own)
        return replace(
            self,
            group_l1=largest * self.group_l1,
            l1=self.l1 * units,
            smooth=self.smooth.in_units(units),
            units=own / largest[self.codes],
        )

    def restricted(self, features: npt.NDArray[np.intp]) -> Self:
        left, codes = np.unique(self.codes[features], return_inverse=True)
        return type(self)(
            codes.astype(np.int32),
            self.group_l1[left],
            self.l1[features],
            self.smooth.restricted(features, len(self.l1)),
            self.units[features],
        )

    def _norms(self, values: FloatArray) -> FloatArray:
        """Return the norm of the rows of each group, shape (n_groups,), of values of shape (p, q)."""
        return np.sqrt(np.bincount(self.codes, np.einsum("jk,jk->j", values, values), len(self.group_l1)))

    def _shares(self, values: FloatArray, by: FloatArray) -> FloatArray:
        """Return what is left of groups moved towards 0 by so much, shape (p,), as shares of them, shape (p, 1)."""
        norms = self._norms(values)[self.codes]
        left = np.maximum(norms - by, 0.0)
        return np.divide(left, norms, out=np.zeros_like(norms), where=norms > 0.0)[:, np.newaxis]


def per_group(factors: FloatArray, codes: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean factor of the features of each group, and the root of their number, shape (n_groups,) each."""
    sizes = np.bincount(codes)
    return np.bincount(codes, factors) / sizes, np.sqrt(sizes)
