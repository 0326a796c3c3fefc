"""First and second moments: what is summed before any theta is known, and what a Kronecker approximation needs."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block
from softglm.families import UnconstrainedFamily
from softglm.sums.sum import Sum

# A column whose distances from its mean are below this, relative to the mean, is constant to rounding.
CONSTANT = 64 * np.finfo(np.float64).eps


@final
@dataclass(frozen=True)
class CrossMoments(Sum):
    """[sum w t; W], shape (q + 1,); sum w x [t; 1]', (p, q + 1); sum w x^2, (p,); sum w o, (q,); sum w <t, o>, (1,).

    And sum w max o^2, (1,).
    """

    n_parameters: int

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        # With a last row of ones, one product over X is enough.
        targets = block.targets_matrix(self.n_parameters)
        values = np.ones_like(targets, shape=(self.n_parameters + 1, len(block)))
        values[:-1] = targets
        values = block.weighted(values)
        sums = values.sum(axis=1), block.cross(values), block.own_squares(values[-1])
        if block.offset is None:
            return *sums, np.zeros(self.n_parameters), np.zeros(1), np.zeros(1)
        linear = np.atleast_1d(np.vdot(values[:-1], block.offset.T))
        largest = np.square(block.offset).max(axis=1)
        return *sums, values[-1] @ block.offset, linear, np.atleast_1d(values[-1] @ largest)


@final
@dataclass(frozen=True)
class CentredCross(Sum):
    """sum w (x - c) t', shape (p, q): without the digits that sum w x t' loses where c is large.

    Attributes
    ----------
    center : array of shape (p,)
        c.
    n_parameters : int
        q.
    """

    center: FloatArray
    n_parameters: int

    def __call__(self, block: Block) -> tuple[FloatArray]:
        values = block.weighted(block.targets_matrix(self.n_parameters))
        return ((values @ block.centred(self.center)).T,)


@final
@dataclass(frozen=True)
class SecondMoments(Sum):
    """sum_i w_i z_i z_i' of z = [x - c; 1], shape (m, m), or only its diagonal, (m,); and sum_i w_i, (1,).

    Attributes
    ----------
    center : array of shape (p,)
        c.
    n_constants : int
        How many ones z ends in: m - p.
    is_full : bool, default=True
    dtype : dtype, default=float64
        In which products are formed; sums over blocks are in float64.
    """

    center: FloatArray
    n_constants: int
    is_full: bool = True
    dtype: type[np.floating[Any]] = np.float64

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        total = np.array([float(len(block)) if block.weights is None else block.weights.sum()])
        return self.under(block.weights, block), total

    def under(self, weights: FloatArray | None, block: Block) -> FloatArray:
        """Return the moments under other weights than those of the rows, shape (rows,); None for ones."""
        total = float(len(block)) if weights is None else weights.sum()
        if not self.is_full:
            squares = block.squares(self.center, np.ones(len(block)) if weights is None else weights)
            squares[squares <= noise(self.center, total)] = 0.0
            return np.append(squares, [total] * self.n_constants)
        products = block.products(self.center, weights, self.n_constants)
        if products is not None:
            return without_noise(products, self.center, total)
        centred = block.design(self.center, self.n_constants, self.dtype)
        if weights is not None:
            centred *= np.sqrt(weights)[:, np.newaxis]
        moments: FloatArray = (centred.T @ centred).astype(np.float64, copy=False)
        return without_noise(moments, self.center, total)


@final
@dataclass(frozen=True)
class KroneckerFactors(Sum):
    """What a Kronecker approximation of the information is made of: sum w A'', (q, q), and sum w tr(A'') z z'.

    Where classes are many, only the diagonal of sum w A'', (q,).
    """

    family: UnconstrainedFamily
    coef: FloatArray
    intercept: FloatArray
    moments: SecondMoments

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        _, mean = self.family.normalizer_and_mean(block.predictor(self.coef, self.intercept))
        of_classes = self.family.information_diagonal if self.family.has_many_classes else self.family.total_information
        information = of_classes(mean, block.weights).astype(np.float64, copy=False)
        traces = block.weighted(self.family.information_trace(mean))
        return information, self.moments.under(np.maximum(traces, 0.0), block)


@final
@dataclass(frozen=True)
class ClassSpreads(Sum):
    """Where classes lie: sum w v, (q,), of v = mu (1 - mu); sum w x v', (p, q); and sum w <1, v> z z'."""

    family: UnconstrainedFamily
    coef: FloatArray
    intercept: FloatArray
    moments: SecondMoments

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        _, mean = self.family.normalizer_and_mean(block.predictor(self.coef, self.intercept))
        bends = block.weighted(mean * (1.0 - mean)).astype(mean.dtype, copy=False)
        of_rows = bends.sum(axis=0, dtype=np.float64)
        shares = bends.sum(axis=1, dtype=np.float64)
        return shares, block.cross(bends).astype(np.float64, copy=False), self.moments.under(of_rows, block)


@final
@dataclass(frozen=True)
class Squares(Sum):
    """sum_i x_i^2, shape (p,), of dense rows, in float64 and whatever their weights."""

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        return (np.einsum("ij,ij->j", block.X, block.X, dtype=np.float64, casting="same_kind"),)


@final
@dataclass(frozen=True)
class SquaresAbout(Sum):
    """sum_i (x_i - center)^2 / n_rows, shape (p,), whatever the weights."""

    center: FloatArray
    n_rows: int

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        return (block.squares(self.center, np.ones(len(block))) / self.n_rows,)


@final
@dataclass(frozen=True)
class Totals(Sum):
    """sum_i x_i, shape (p,), in float64 and whatever the weights."""

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        return (block.X.sum(axis=0, dtype=np.float64),)


def without_noise(moments: FloatArray, center: FloatArray, total: float) -> FloatArray:
    """Set to 0, in place, the second moments of constant columns, shape (m, m)."""
    constant = np.flatnonzero(moments.diagonal()[: len(center)] <= noise(center, total))
    moments[constant] = 0.0
    moments[:, constant] = 0.0
    return moments


def noise(center: FloatArray, total: float) -> FloatArray:
    """Return the sum of squares that a constant column may have for rounding, shape (p,)."""
    return np.asarray(total * (CONSTANT * center) ** 2)
