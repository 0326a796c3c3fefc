r"""Margins: how far what was observed is from being opposed, for the directions along which it could have differed.

With the directions D_d of the family, an observation t at x opposes theta where <D_d, theta' x> < 0 although t could
have been lower along D_d, or > 0 although it could have been higher. For labels: eta_y >= eta_l for every class l.
"""

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from scipy import linalg

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block
from softglm.families import UnconstrainedFamily
from softglm.sums.features import Features
from softglm.sums.sum import Sum

# Numbers that are looked at at a time.
_ENTRIES = 2**22
# What a predictor may be off by, relative to the sizes of its terms.
_LOST = 4 * np.finfo(np.float64).eps


@final
@dataclass(frozen=True)
class MostOpposed(Sum):
    """The largest of minus the margins at a theta, and what they may be off by, shape (1,): below 0, none opposes."""

    family: UnconstrainedFamily
    coef: FloatArray
    intercept: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        family, coef, intercept = self.family, self.coef, self.intercept
        directions = family.curvature_directions
        step = max(1, _ENTRIES // len(directions))
        counts = slice(None) if block.weights is None else block.weights > 0.0
        eta = block.times(coef)[:, counts] + intercept[:, np.newaxis]
        targets = block.targets_matrix(family.n_parameters)[:, counts]
        sizes = replace(block, X=abs(block.X)).times(np.abs(coef))[:, counts] + np.abs(intercept)[:, np.newaxis]
        worst = -np.inf
        for rows in (slice(start, start + step) for start in range(0, eta.shape[1], step)):
            margins, lost = directions @ eta[:, rows], _LOST * (np.abs(directions) @ sizes[:, rows])
            opposed = np.where(family.can_fall(targets[:, rows]), lost - margins, -np.inf)
            np.maximum(opposed, lost + margins, out=opposed, where=family.can_rise(targets[:, rows]))
            worst = max(worst, opposed.max(initial=-np.inf))
        return (np.array([worst]),)


@final
@dataclass(frozen=True)
class LowestMargins(Sum):
    """The lowest margins at gamma, shape (k,) with k <= count, and their linear forms, shape (r s, k).

    Attributes
    ----------
    family : UnconstrainedFamily
    features : Features
    both : array of shape (2 d, s)
        The directions, up and down.
    gamma : array of shape (r, s)
    count : int
        The most to return.
    at_most : float
        The most that a margin may be.
    seen_by : array of shape (r, s * h) or None
        Leave out those orthogonal to all of these h.
    unseen : float
        What such a margin may seem to see of them.
    """

    family: UnconstrainedFamily
    features: Features
    both: FloatArray
    gamma: FloatArray
    count: int
    at_most: float
    seen_by: FloatArray | None
    unseen: float

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        features = unit_features(self.features, block)
        values = np.where(self._active(block), self.both @ (features @ self.gamma).T, np.inf)
        values[values > self.at_most] = np.inf
        if self.seen_by is not None:
            s = self.gamma.shape[1]
            seen = self.both @ (features @ self.seen_by).reshape(len(block), s, -1)
            seen_by_none = self.unseen >= linalg.norm(seen, axis=-1).T
            values[seen_by_none] = np.inf
        # Copies of a row have the same value: one of them will do.
        found, first = np.unique(values, return_index=True)
        kinds, rows = np.unravel_index(first[found < np.inf][: self.count], values.shape)
        return values[kinds, rows], _forms(features[rows], self.both[kinds]).T

    def _active(self, block: Block) -> BoolArray:
        """Tell which of the directions, up and down, some weight in each row opposes, shape (2 d, rows)."""
        targets = block.targets_matrix(self.family.n_parameters)
        active = np.concatenate([self.family.can_fall(targets), self.family.can_rise(targets)])
        return active if block.weights is None else active & (block.weights > 0.0)


@final
@dataclass(frozen=True)
class ClassesBelow(Sum):
    """Which classes a cone of directions puts below what was observed, shape (K, rows), True for those.

    Attributes
    ----------
    features : Features
    everywhere : array of shape (r, s, 1 + h)
        gamma inside the cone, and an orthonormal basis of its span.
    n_parameters : int
        q.
    unseen : float
        What a margin that is 0 on all of the cone may seem to see of it.
    """

    features: Features
    everywhere: FloatArray
    n_parameters: int
    unseen: float

    def __call__(self, block: Block) -> tuple[BoolArray, ...]:
        features, targets = unit_features(self.features, block), block.targets_matrix(self.n_parameters)
        shares = np.concatenate([1.0 - targets, targets]) if len(targets) == 1 else targets
        below = np.empty(shares.shape, dtype=bool)
        step = max(_ENTRIES // (self.everywhere.shape[2] * (self.everywhere.shape[1] + 1)), 1)
        for rows in (slice(first, first + step) for first in range(0, len(block), step)):
            eta = np.einsum("nr,rsh->snh", features[rows], self.everywhere)
            eta = np.concatenate([np.zeros_like(eta[:1]), eta])
            observed = shares[:, rows].argmax(axis=0)
            differences = eta[observed, np.arange(eta.shape[1])] - eta
            is_seen = linalg.norm(differences[..., 1:], axis=2) > self.unseen
            below[:, rows] = is_seen & (differences[..., 0] > 0.0) & (shares[:, rows] == 0.0)
        return (below if block.weights is None else below & (block.weights > 0.0),)


def unit_features(features: Features, block: Block) -> FloatArray:
    """Return the features of each row, scaled to length 1, shape (rows, r)."""
    values = features.of(block)
    lengths = linalg.norm(values, axis=1, keepdims=True)
    return np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 0.0)


def _forms(features: FloatArray, directions: FloatArray) -> FloatArray:
    """Return the Kronecker product of each row of the one, (k, r), with that of the other, (k, s): (k, r s)."""
    products = features[:, :, np.newaxis] * directions[:, np.newaxis]
    return np.asarray(products.reshape(len(products), products.shape[1] * products.shape[2]))
