"""What the scores of rows add up to, where the rows are elsewhere: their products, or their sums over clusters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data import Block, Rows
from softglm.inference.contributions import Contributions, row_blocks
from softglm.sums import Sum

Codes: TypeAlias = npt.NDArray[np.intp]


@final
@dataclass(frozen=True)
class RowScores:
    """The gradients of the log-likelihoods of rows, unweighted, in coordinates: scales * f_i (Q' e_i)'.

    Attributes
    ----------
    contributions : Contributions
        Features f_i and residuals e_i.
    classes : array of shape (q, s)
        Q.
    scales : array of shape (r, s)
    """

    contributions: Contributions
    classes: FloatArray
    scales: FloatArray

    def of(self, features: FloatArray, residuals: FloatArray) -> FloatArray:
        """Return them of rows of features, (rows, r), and residuals, (q, rows): shape (rows, P)."""
        scores = features[:, :, np.newaxis] * (residuals.T @ self.classes)[:, np.newaxis]
        scores *= self.scales
        return np.asarray(scores.reshape(len(features), -1))

    def by_group(self, rows: Rows, codes: Codes, n_groups: int) -> FloatArray:
        """Return the sums of the weighted scores of rows in each group, shape (g, P).

        Parameters
        ----------
        rows : Rows
        codes : array of shape (n,)
            From 0 to g - 1.
        n_groups : int
            g.
        """
        totals = np.zeros((n_groups, self.scales.size))
        for here, scores in self.weighted(rows):
            present, starts, order = grouped(codes[here])
            totals[present] += np.add.reduceat(scores[order], starts, axis=0)
        return totals

    def weighted(self, rows: Rows) -> Iterator[tuple[slice, FloatArray]]:
        """Yield, block by block, which rows, and their scores times their weights, (rows, P)."""
        for block in row_blocks(rows, self.contributions):
            yield block.rows, self.of(block.features, block.residuals * block.weights)


@final
@dataclass(frozen=True)
class ScoreProducts(Sum):
    """sum_i v_i s_i s_i', shape (P, P): the middle of a robust covariance.

    Of weights w_i = c_i f_i, of c_i copies and the class weight f_i of what was observed, v_i is w_i f_i; and w_i^2
    where no row has copies.

    Attributes
    ----------
    scores : RowScores
    factors : array of shape (K,) or None
        The class weights of the classes that are present; None for ones.
    are_copied : bool
        Whether weights are numbers of copies.
    """

    scores: RowScores
    factors: FloatArray | None
    are_copied: bool

    def __call__(self, block: Block) -> tuple[FloatArray]:
        """Return it for the rows of a block."""
        features, _, residuals, weights = self.scores.contributions(block)
        scores = self.scores.of(features, residuals)
        sizes = weights * (self._class_weights(block) if self.are_copied else weights)
        return ((scores * sizes[:, np.newaxis]).T @ scores,)

    def _class_weights(self, block: Block) -> FloatArray | float:
        if self.factors is None:
            return 1.0
        targets = block.targets_matrix(len(self.scores.classes))
        if len(targets) == 1:  # of two classes, the share of the second
            targets = np.concatenate([1.0 - targets, targets])
        return np.asarray(self.factors @ targets)


def grouped(codes: Codes) -> tuple[Codes, Codes, Codes]:
    """Return which groups some rows are in, where each begins once they are put in an order, and that order."""
    order = np.argsort(codes, kind="stable")
    present, starts = np.unique(codes[order], return_index=True)
    return present, starts, order


def joined_groups(parts: Sequence[tuple[npt.NDArray[Any], FloatArray]]) -> FloatArray:
    """Return sums over groups, shape (G, P), of those of the groups in each part, with their labels."""
    places: dict[Any, int] = {}
    for labels, _ in parts:
        for label in labels.tolist():
            places.setdefault(label, len(places))
    totals = np.zeros((len(places), parts[0][1].shape[1]))
    for labels, sums in parts:
        totals[[places[label] for label in labels.tolist()]] += sums
    return totals
