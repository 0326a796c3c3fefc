"""What each row contributes to the score: its features, its mean, its residuals and its weight."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

from softglm.arrays import FloatArray
from softglm.data import Block, Rows
from softglm.families import UnconstrainedFamily
from softglm.sums import Features, Predictor, Sum


@final
@dataclass(frozen=True)
class RowBlock:
    """What a block of rows contributes.

    Attributes
    ----------
    rows : slice
        Which rows of the data these are.
    features : array of shape (rows, r)
        F'[x - c; 1].
    mean : array of shape (q, rows)
        mu.
    residuals : array of shape (q, rows)
        t - mu.
    weights : array of shape (rows,)
        As in the objective: class weights and row totals folded in.
    """

    rows: slice
    features: FloatArray
    mean: FloatArray
    residuals: FloatArray
    weights: FloatArray


@final
@dataclass(frozen=True)
class Contributions(Sum):
    """What the rows of a block contribute, at some theta."""

    family: UnconstrainedFamily
    predictor: Predictor
    features: Features

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return F'[x - c; 1], shape (rows, r), mu and t - mu, shape (q, rows), and the weights, shape (rows,)."""
        mean = self.family.normalizer_and_mean(self.predictor.of(block))[1]
        features = self.features.of(block)
        return features, mean, block.targets_matrix(self.family.n_parameters) - mean, block.row_weights


def row_blocks(rows: Rows, contributions: Contributions) -> Iterator[RowBlock]:
    """Yield what the rows contribute, block by block, in their order."""
    first = 0
    for features, mean, residuals, weights in rows.map(contributions):
        here = slice(first, first + len(weights))
        yield RowBlock(here, features, mean, residuals, weights)
        first = here.stop
