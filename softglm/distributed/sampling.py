"""Samples of rows on a cluster: each worker draws of its own, with random numbers that belong to the shard."""

from dataclasses import dataclass
from typing import Any, final

from softglm.arrays import FloatArray
from softglm.data.rows import Sampling, Statistic
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
    reading : object
        As what rows the shards are read.
    mean_weight : float
        Of all rows.
    """

    score: Statistic | None
    reading: Any
    mean_weight: float

    def of(self, shard: Shard) -> PoissonSampling:
        """Return what draws from the rows of a shard."""
        rows = shard.rows(self.reading)
        scores = rows.concatenate(self.score)[0] if self.score is not None and rows.n_rows else None
        return PoissonSampling(rows.n_rows, rows.parts[2], scores, mean_weight=self.mean_weight, seed=shard.position)


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

    def __call__(self, shard: Shard) -> tuple[tuple[Any, ...], FloatArray]:
        chosen, multiplicities = self.chances.of(shard).draw_share(self.share)
        parts = shard.rows(self.chances.reading).parts
        return tuple(None if part is None else part[chosen] for part in parts), multiplicities
