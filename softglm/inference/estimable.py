"""What data leave open: linear forms that collinear columns hide, and those that are infinite where classes separate.

Both are told as values that hold arrays and no rows, so that sums over rows can ask them of every row.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import linalg

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block, Rows
from softglm.model import Objective
from softglm.model.coordinates import second_moments
from softglm.sums import Features, Sum

# A linear form is estimable if what it sees outside the row space is rounding, relative to its length.
_ESTIMABLE = 1e-7
# Of a form and a limit: their information is a sum of squares, so that its directions have half the digits.
_SEEN = 3e-4


@final
@dataclass(frozen=True)
class RowSpace:
    """What the rows determine of linear forms of a column of the parameters.

    Attributes
    ----------
    units : array of shape (m,)
        Of [x - c; 1].
    hidden : array of shape (m, m - r)
        In these units a basis of what changes no eta.
    """

    units: FloatArray
    hidden: FloatArray

    def estimable(self, terms: FloatArray) -> BoolArray:
        """Tell which linear forms, shape (t, m), the rows determine: shape (t,)."""
        hidden, length = self._outside(terms)
        return np.asarray(linalg.norm(hidden, axis=1) <= _ESTIMABLE * length)

    def combinations(self, terms: FloatArray) -> FloatArray:
        """Return a basis, shape (d, m), of the combinations of linear forms, (t, m), that the rows determine."""
        hidden, length = self._outside(terms)
        if not hidden.any():
            return terms
        vectors, singular, _ = linalg.svd(hidden / length[:, np.newaxis])
        rank = int((singular > _ESTIMABLE).sum())
        return np.asarray((vectors[:, rank:].T / length) @ terms)

    def _outside(self, terms: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what linear forms see of the null space of the rows, shape (t, m - r), and their lengths, scaled."""
        if not self.hidden.shape[1]:
            return np.zeros((len(terms), 0)), np.ones(len(terms))
        scaled = terms / self.units
        length = linalg.norm(scaled, axis=1)
        return scaled @ self.hidden, np.where(length > 0.0, length, 1.0)


@final
@dataclass(frozen=True)
class Identified:
    """What the limit of a separated fit determines of linear forms of the coordinates.

    Attributes
    ----------
    scales : array of shape (r, s)
    unidentified : array of shape (P, P - rank)
        A basis of the directions that change no likelihood; of no columns unless the fit is such a limit.
    """

    scales: FloatArray
    unidentified: FloatArray

    def forms(self, forms: FloatArray) -> BoolArray:
        """Tell which linear forms, shape (k, P), it determines, shape (k,)."""
        hidden = linalg.norm(forms @ self.unidentified, axis=1)
        return np.asarray(hidden <= _SEEN * linalg.norm(forms, axis=1))

    def rows(self, features: FloatArray) -> BoolArray:
        """Tell of which rows, by their features (rows, r) in coordinates, it determines every class: (rows,)."""
        if not self.unidentified.size:
            return np.ones(len(features), dtype=bool)
        r, s = self.scales.shape
        hidden = np.einsum("nr,rs,rsh->nsh", features, self.scales, self.unidentified.reshape(r, s, -1), optimize=True)
        length = np.sqrt(np.square(features) @ np.square(self.scales))
        return np.asarray((linalg.norm(hidden, axis=2) <= _SEEN * length).all(axis=1))


@final
@dataclass(frozen=True)
class DeterminedRows(Sum):
    """Of which rows the data determine the probabilities, to be joined.

    Attributes
    ----------
    features : Features
    row_space : RowSpace
    identified : Identified
    """

    features: Features
    row_space: RowSpace
    identified: Identified

    def __call__(self, block: Block) -> tuple[BoolArray]:
        """Return whether they do, shape (rows,)."""
        centred = block.centred(self.features.center)
        return (self.of(centred, self.features.of_centred(centred)),)

    def of(self, centred: FloatArray, features: FloatArray) -> BoolArray:
        """Return whether they do, shape (rows,), of centred rows, (rows, p), and their features, (rows, r)."""
        constants = np.ones((len(centred), len(self.features.loadings) - centred.shape[1]))
        known = self.row_space.estimable(np.concatenate([centred, constants], axis=1))
        return np.asarray(known & self.identified.rows(features))


@final
@dataclass(frozen=True)
class StandardisedRows(Sum):
    """Rows whose inner products are second moments of columns of spread 1.

    Attributes
    ----------
    center : array of shape (p,)
        c.
    units : array of shape (m,)
    is_constant : bool array of shape (m,)
        A constant column is noise about its mean, and set to 0.
    """

    center: FloatArray
    units: FloatArray
    is_constant: BoolArray

    def __call__(self, block: Block) -> tuple[FloatArray]:
        """Return sqrt(w) [x - c; 1] over the units, shape (rows, m)."""
        constants = np.ones((len(block), len(self.units) - len(self.center)))
        rows = np.concatenate([block.centred(self.center), constants], axis=1) / self.units
        rows[:, self.is_constant] = 0.0
        return (rows if block.weights is None else rows * np.sqrt(block.weights)[:, np.newaxis],)


@final
@dataclass(frozen=True)
class WithConstant(Sum):
    """Whitened features beside a constant."""

    features: Features

    def __call__(self, block: Block) -> tuple[FloatArray]:
        """Return sqrt(w) [f; 1], shape (rows, r + 1)."""
        features = self.features.of(block)
        return (np.append(features, np.ones((len(features), 1)), 1) * np.sqrt(block.row_weights)[:, np.newaxis],)


def row_space_of(objective: Objective, rank: int) -> RowSpace:
    """Return what the rows determine, given the rank r of [x - c; 1].

    By the triangular factor of the rows: their second moments would see half as many digits.
    """
    center = objective.moments.center
    squares, _ = objective.rows.sum(second_moments(objective, is_full=False))
    units = np.sqrt(squares / objective.moments.total_weight)
    units[units == 0.0] = 1.0
    triangle = triangle_of(objective.rows.map(StandardisedRows(center, units, squares == 0.0)))
    return RowSpace(units, np.asarray(linalg.svd(triangle)[2][rank:].T))


def constant_of(rows: Rows, features: Features) -> FloatArray | None:
    """Return the combination of the columns, shape (m,), that is 1 in every row.

    None where none is.
    """
    triangle = triangle_of(rows.map(WithConstant(features)))
    r = len(triangle) - 1
    if abs(triangle[r, r]) > _ESTIMABLE * linalg.norm(triangle[:, r]):
        return None
    return np.asarray(features.loadings @ np.linalg.lstsq(triangle[:r, :r], triangle[:r, r], rcond=None)[0])


def triangle_of(blocks: Iterable[tuple[FloatArray, ...]]) -> FloatArray:
    """Return R, shape (m, m), of A = Q R, given the rows of A block by block."""
    triangle: FloatArray | None = None
    for (block,) in blocks:
        stacked = block if triangle is None else np.concatenate([triangle, block])
        triangle = np.asarray(np.linalg.qr(stacked, mode="r"))
    assert triangle is not None  # noqa: S101 - there are rows
    size = triangle.shape[1]
    return np.concatenate([triangle, np.zeros((size - len(triangle), size))])
