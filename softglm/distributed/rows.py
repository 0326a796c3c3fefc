"""The rows of all shards of a cluster together."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, final

import numpy as np
from scipy import sparse

from softglm.data import Rows, RowsInMemory, Sampling
from softglm.data.rows import Arrays, Statistic
from softglm.distributed.answers import answers
from softglm.distributed.engine import Engine, Handle
from softglm.distributed.sampling import Chances, Drawn, SumOfSizes
from softglm.distributed.shards import BlockByBlock, Combined, Facts, OfEach, Shard, facts_of
from softglm.distributed.tree import combined_in_tree, depth_of

# The statistics of the blocks of so many shards are here at once, where all of them are to be seen one by one.
_AT_ONCE = 8


@final
class RowsOnCluster(Rows):
    """Rows that live as shards in the memory of workers: only sums of them come here, and samples.

    Parameters
    ----------
    engine : Engine
    shards : sequence of handles
        Of `Shard`, by their positions: none without rows.
    """

    can_be_sampled = True

    def __init__(self, engine: Engine, shards: Sequence[Handle]) -> None:
        self._engine, self._shards = engine, shards
        self.facts: list[Facts] = self.of_each(facts_of)
        first = self.facts[0]
        self.n_rows, self.n_features = sum(facts.n_rows for facts in self.facts), first.n_features
        self.n_entries = sum(facts.n_entries for facts in self.facts)
        self.has_offset, self.is_sparse = first.has_offset, first.is_sparse
        self.dtype = np.result_type(*(facts.dtype for facts in self.facts))

    @property
    def longest_sum(self) -> int:
        return max(facts.longest_sum for facts in self.facts) + depth_of(len(self._shards))

    def of_each(self, function: Callable[[Shard], Any]) -> list[Any]:
        """Return what a function, which is pickled, returns for each shard, in their order."""
        found = chain.from_iterable(answer.items() for answer in answers(self._engine, OfEach(function), self._shards))
        return [value for _, value in sorted(found, key=lambda item: item[0])]

    def map(self, statistic: Statistic) -> Iterator[Arrays]:
        for first in range(0, len(self._shards), _AT_ONCE):
            few = self._shards[first : first + _AT_ONCE]
            found = chain.from_iterable(
                answer.items() for answer in answers(self._engine, OfEach(BlockByBlock(statistic)), few)
            )
            yield from chain.from_iterable(blocks for _, blocks in sorted(found, key=lambda item: item[0]))

    def combined(self, statistic: Statistic, combine: np.ufunc) -> Arrays:
        work = Combined(statistic, combine, len(self._shards))
        nodes = dict(chain.from_iterable(answer.items() for answer in answers(self._engine, work, self._shards)))
        (total,) = combined_in_tree(nodes, len(self._shards), work.both).values()
        return total

    def sampling(self, score: Statistic | None = None) -> Chances:
        return Chances(score, sum(facts.total_weight for facts in self.facts) / self.n_rows)

    def sample(self, count: int, sampling: Sampling | None) -> Rows:
        if 2 * count > self.n_rows or not isinstance(sampling, Chances):
            return self
        share = count / sum(self.of_each(SumOfSizes(sampling)))
        drawn = self.of_each(Drawn(sampling, share))
        multiplicities = np.concatenate([multiplicity for _, multiplicity in drawn])
        if not len(multiplicities):
            return self
        X, targets, weights, offset = (
            None if parts[0] is None else _stacked(parts) for parts in zip(*(arrays for arrays, _ in drawn), strict=True)
        )
        sample = RowsInMemory(X, targets, multiplicities if weights is None else weights * multiplicities, offset)
        sample.multiplicity = float(multiplicities.max())
        return sample


def _stacked(parts: Sequence[Any]) -> Any:
    return sparse.vstack(parts, format="csr") if sparse.issparse(parts[0]) else np.concatenate(parts)
