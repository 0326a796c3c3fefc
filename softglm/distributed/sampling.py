"""Samples of rows on a cluster: each worker draws of its own, with random numbers that belong to the shard."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data.rows import Arrays, Sampling, Statistic
from softglm.data.sampling import PoissonSampling
from softglm.distributed.shards import Shard


@final
@dataclass(frozen=True)
class Chances(Sampling):
    """To what the chances of rows are proportional: sent along with every draw, so that nothing is kept for it.

    Attributes
    ----------
    score : callable or None
        As for `Rows.sampling`.
    mean_weight : float
        Of all rows.
    """

    score: Statistic | None
    mean_weight: float

    def of(self, shard: Shard) -> PoissonSampling:
        """Return what draws from the rows of a shard."""
        scores = None if self.score is None else shard.rows.concatenate(self.score)[0]
        weights = shard.arrays[2]
        return PoissonSampling(shard.rows.n_rows, weights, scores, mean_weight=self.mean_weight, seed=shard.position)


@final
@dataclass(frozen=True)
class SumOfSizes:
    """The sum, over the rows of a shard, of what their chances are proportional to."""

    chances: Chances

    def __call__(self, shard: Shard) -> float:
        return self.chances.of(shard).total


@final
@dataclass(frozen=True)
class Drawn:
    """The rows of a shard that are drawn, and how many each stands for: X, targets, weights, offset, multiplicities.

    Attributes
    ----------
    chances : Chances
    share : float
        Of a size: the chance of a row.
    """

    chances: Chances
    share: float

    def __call__(self, shard: Shard) -> tuple[Arrays, FloatArray]:
        chosen, multiplicities = self.chances.of(shard).draw_share(self.share)
        return tuple(None if array is None else array[chosen] for array in shard.arrays), multiplicities
