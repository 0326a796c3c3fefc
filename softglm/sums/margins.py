r"""Margins: how far what was observed is from being opposed, for the directions along which it could have differed.

With the directions D_d of the family, an observation t at x opposes theta where <D_d, theta' x> < 0 although t could
have been lower along D_d, or > 0 although it could have been higher. For labels: eta_y >= eta_l for every class l.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, final

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse

from softglm.arrays import BoolArray, FloatArray, Matrix
from softglm.data import Block
from softglm.families import UnconstrainedFamily
from softglm.sums.distinct import DistinctRows, Keys
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
        counts = slice(None) if block.weights is None else block.weights > 0.0
        eta = block.times(coef)[:, counts]
        eta += intercept[:, np.newaxis]
        targets = block.targets_matrix(family.n_parameters)[:, counts]
        sizes = replace(block, X=abs(block.X)).times(np.abs(coef))[:, counts]
        sizes += np.abs(intercept)[:, np.newaxis]
        sizes *= _LOST
        return (np.array([family.most_opposed(targets, eta, sizes)]),)


class Found(NamedTuple):
    """Contrasts that were found, by the keys of their rows and the kind of what was observed.

    Attributes
    ----------
    margins : array of shape (k,)
    keys : array of shape (k,)
        See `DistinctRows`.
    kinds : array of shape (k,)
        Numbers of the directions, in the order of `family.opposing`.
    """

    margins: FloatArray
    keys: Keys
    kinds: npt.NDArray[np.int64]

    @classmethod
    def lowest(cls, parts: Sequence["Found"], count: int, *, each_once: bool) -> "Found":
        """Return no more than `count` of the lowest of some parts, in order; each once, if parts may share some."""
        together = cls(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
        together = together.chosen(np.argsort(together.margins, kind="stable"))
        if each_once and len(parts) > 1:
            pairs = np.column_stack([together.keys, together.kinds.astype(np.uint64)])
            together = together.chosen(np.sort(np.unique(pairs, axis=0, return_index=True)[1]))
        return together.chosen(slice(count))

    def chosen(self, which: slice | npt.NDArray[np.intp]) -> "Found":
        """Return some of them."""
        return Found(self.margins[which], self.keys[which], self.kinds[which])


@final
@dataclass(frozen=True)
class LowestMargins(Sum):
    """The lowest margins at gamma, in order, with what their contrasts are found again by: three arrays, (k,), `Found`.

    Copies of a row count once. What is formed is of the size of the rows times the classes, not their pairs.

    Attributes
    ----------
    family : UnconstrainedFamily
    features : Features
    gamma : array of shape (r, s)
    count : int
        The most to return.
    at_most : float
        The most that a margin may be.
    seen_by : array of shape (s, r, h) or None
        Leave out those orthogonal to all of these h.
    unseen : float
        What such a margin may seem to see of them.
    """

    family: UnconstrainedFamily
    features: Features
    gamma: FloatArray
    count: int
    at_most: float
    seen_by: FloatArray | None
    unseen: float

    def __call__(self, block: Block) -> Found:
        rows = DistinctRows.of(block, self.features.center)
        features = unit_features(self.features, rows.centred)
        eta = (features @ self.gamma).T
        found, first_kind, at_most = [_nothing()], 0, self.at_most
        for where, directions in _opposing(self.family, block, self.gamma.shape[1]):
            active = rows.with_any(where)
            margins = directions @ eta[:, active]
            kinds, places = np.nonzero(margins <= at_most)
            if self.seen_by is not None and len(kinds):
                is_seen = self._is_seen(features[active], directions, kinds, places)
                kinds, places = kinds[is_seen], places[is_seen]
            found.append(Found(margins[kinds, places], rows.keys[active[places]], first_kind + kinds))
            first_kind += directions.shape[0]
            if sum(len(part.keys) for part in found) > 2 * self.count:
                found = [Found.lowest(found, self.count, each_once=False)]
                at_most = float(found[0].margins[-1])
        return Found.lowest(found, self.count, each_once=False)

    def _is_seen(
        self, features: FloatArray, directions: Matrix, kinds: npt.NDArray[np.intp], places: npt.NDArray[np.intp]
    ) -> BoolArray:
        """Tell which of these contrasts, by their directions and rows, some of the h columns see, (k,)."""
        assert self.seen_by is not None  # noqa: S101 - asked for where they are
        m, (s, r, h) = directions.shape[0], self.seen_by.shape
        if h == r * s:  # everything, to which only 0 is orthogonal
            return np.asarray((features != 0.0).any(axis=1))[places]
        asked = np.unique(places)
        seen = np.zeros((m, len(features)), dtype=bool)
        step = max(_ENTRIES // ((m + s) * max(h, 1)), 1)
        for rows in (asked[start : start + step] for start in range(0, len(asked), step)):
            by_class = np.matmul(features[rows], self.seen_by)
            along = (directions @ by_class.reshape(s, -1)).reshape(m, len(rows), h)
            seen[:, rows] = linalg.norm(along, axis=2) > self.unseen
        return np.asarray(seen[kinds, places])


@final
@dataclass(frozen=True)
class ContrastForms(Sum):
    """The linear forms of contrasts that were found: their places among those, shape (k,), and the forms, (r s, k).

    Attributes
    ----------
    features : Features
    keys : array of shape (k,)
        Of their rows, in ascending order.
    directions : array of shape (k, s)
    basis : array of shape (s, r, h) or None
        Return what the forms see of these columns, shape (h, k), instead.
    """

    features: Features
    keys: Keys
    directions: FloatArray
    basis: FloatArray | None

    def __call__(self, block: Block) -> tuple[npt.NDArray[np.intp], FloatArray]:
        rows = DistinctRows.of(block, self.features.center)
        first, last = (np.searchsorted(self.keys, rows.keys, side) for side in ("left", "right"))
        counts = last - first
        wanted = np.flatnonzero(counts)
        features, counts = unit_features(self.features, rows.centred[wanted]), counts[wanted]
        which = np.repeat(np.arange(len(wanted)), counts)
        ends = np.cumsum(counts)
        places = np.arange(len(which)) + np.repeat(first[wanted] - ends + counts, counts)
        directions = self.directions[places]
        if self.basis is None:
            products = features[which, :, np.newaxis] * directions[:, np.newaxis]
            return places, products.reshape(len(products), products.shape[1] * products.shape[2]).T
        seen = np.zeros((self.basis.shape[2], len(which)))
        step = max(_ENTRIES // max(self.basis.shape[0] * self.basis.shape[2], 1), 1)
        for chosen in (slice(start, start + step) for start in range(0, len(which), step)):
            by_class = np.matmul(features[which[chosen]], self.basis)
            seen[:, chosen] = np.einsum("ks,skh->hk", directions[chosen], by_class)
        return places, seen


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
        features = unit_features(self.features, block.centred(self.features.center))
        targets = block.targets_matrix(self.n_parameters)
        shares = np.concatenate([1.0 - targets, targets]) if len(targets) == 1 else targets
        below = np.empty(shares.shape, dtype=bool)
        step = max(_ENTRIES // (self.everywhere.shape[2] * (self.everywhere.shape[1] + 1)), 1)
        for rows in (slice(first, first + step) for first in range(0, len(block), step)):
            eta = np.matmul(features[rows], np.moveaxis(self.everywhere, 1, 0))
            eta = np.concatenate([np.zeros_like(eta[:1]), eta])
            observed = shares[:, rows].argmax(axis=0)
            differences = eta[observed, np.arange(eta.shape[1])] - eta
            is_seen = linalg.norm(differences[..., 1:], axis=2) > self.unseen
            below[:, rows] = is_seen & (differences[..., 0] > 0.0) & (shares[:, rows] == 0.0)
        return (below if block.weights is None else below & (block.weights > 0.0),)


def unit_features(features: Features, centred: FloatArray) -> FloatArray:
    """Return the features of rows x - c, scaled to length 1, shape (rows, r)."""
    values = features.of_centred(centred)
    lengths = linalg.norm(values, axis=1, keepdims=True)
    return np.divide(values, lengths, out=np.zeros_like(values), where=lengths > 0.0)


def pivoted_directions(directions: FloatArray, s: int) -> FloatArray:
    """Return directions, shape (m, q), as forms of length 1 of gamma, shape (m, s): without the pivots."""
    pivoted = directions[:, directions.shape[1] - s :]
    return np.asarray(pivoted / linalg.norm(pivoted, axis=1, keepdims=True))


def _opposing(family: UnconstrainedFamily, block: Block, s: int) -> Iterator[tuple[BoolArray, Matrix]]:
    """Yield what was observed, (rows,), at some weight, and where it could have been instead: sparse, (m, s)."""
    for where, directions in family.opposing(block.targets_matrix(family.n_parameters)):
        counted = where if block.weights is None else where & (block.weights > 0.0)
        # Of a pair of classes: two entries, whatever s.
        yield counted, sparse.csr_array(pivoted_directions(directions, s))


def _nothing() -> Found:
    return Found(np.zeros(0), np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))
