"""The rows of all shards of a cluster together."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import FloatArray
from softglm.data import AdaptedRows, Chosen, Rows, RowsInMemory, Sampling
from softglm.data.rows import Arrays, Result, Statistic
from softglm.distributed.answers import answers
from softglm.distributed.engine import Engine, Handle
from softglm.distributed.sampling import Chances, Drawn, SumOfSizes
from softglm.distributed.shards import BlockByBlock, Combined, Facts, FactsOf, Gathered, OfEach
from softglm.distributed.tree import Node, combined_in_tree, depth_of

# The statistics of the blocks of so many shards are here at once, where all of them are to be seen one by one.
_AT_ONCE = 8
# What a pass takes that sums nothing, in nanoseconds.
_PASS = 2e7


@final
class RowsOnCluster(Rows):
    """Rows that live as shards in the memory of workers: only sums of them come here, and samples.

    Parameters
    ----------
    engine : Engine
    shards : sequence of handles
        Of `Shard`, by their positions.
    reading : object
        As what rows they are read: see `Shard.rows`.

    Raises
    ------
    ValueError
        If a shard cannot be read like this: the first of them.
    """

    can_be_sampled = True
    pass_price = _PASS

    def __init__(self, engine: Engine, shards: Sequence[Handle], reading: Any) -> None:
        self._engine, self._shards, self._reading = engine, shards, reading
        every = _without_faults(of_each(engine, shards, FactsOf(reading)))
        self._facts, self._sizes = [facts for facts in every if facts.n_rows], [facts.n_bytes for facts in every]
        self.n_rows, self.n_features = sum(facts.n_rows for facts in self._facts), self._facts[0].n_features
        self.n_entries = sum(facts.n_entries for facts in self._facts)
        self.has_offset, self.is_sparse = self._facts[0].has_offset, self._facts[0].is_sparse
        self.dtype = np.result_type(*(facts.dtype for facts in self._facts))
        self.total_weight = sum(facts.total_weight for facts in self._facts)

    @property
    def place(self) -> str:
        held = self._engine.holders(self._shards).values()
        most = max((sum(self._sizes[shard] for shard in shards) for shards in held), default=0)
        return f"{len(self._shards)} partitions, {most / 1e6:,.0f} MB a worker, read once"

    @property
    def longest_sum(self) -> int:
        return max(facts.longest_sum for facts in self._facts) + depth_of(len(self._shards))

    def map(self, statistic: Statistic) -> Iterator[Arrays]:
        for first in range(0, len(self._shards), _AT_ONCE):
            few = self._shards[first : first + _AT_ONCE]
            yield from chain.from_iterable(of_each(self._engine, few, BlockByBlock(statistic, self._reading)))

    def gather(self, statistic: Statistic, reduce: Callable[[Iterable[Arrays]], Result]) -> Iterator[Result]:
        every = of_each(self._engine, self._shards, Gathered(statistic, reduce, self._reading))
        return (result for result in every if result is not None)

    def combined(self, statistic: Statistic, combine: np.ufunc) -> Arrays:
        work = Combined(statistic, combine, self._reading, len(self._shards))
        nodes: dict[Node, Arrays | None] = {}
        for answer in answers(self._engine, work, self._shards):
            nodes.update(answer)
        (total,) = combined_in_tree(nodes, len(self._shards), work.both).values()
        assert total is not None  # noqa: S101 - there are rows
        return total

    def sampling(self, score: Statistic | None = None) -> Chances:
        return Chances(score, self._reading, self.total_weight / self.n_rows)

    def sample(self, count: int, sampling: Sampling | None) -> Rows:
        if 2 * count > self.n_rows or not isinstance(sampling, Chances):
            return self
        share = count / sum(of_each(self._engine, self._shards, SumOfSizes(sampling)))
        every = of_each(self._engine, self._shards, Drawn(sampling, share))
        drawn = [(parts, multiplicities) for parts, multiplicities in every if len(multiplicities)]
        if not drawn:
            return self
        multiplicities = np.concatenate([multiplicities for _, multiplicities in drawn])
        X, targets, weights, offset = map(_stacked, zip(*(parts for parts, _ in drawn), strict=True))
        sample = RowsInMemory(X, targets, multiplicities if weights is None else weights * multiplicities, offset)
        sample.multiplicity = float(multiplicities.max())
        return sample

    def changed(
        self,
        *,
        columns: npt.NDArray[np.intp] | None = None,
        offset: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> Rows:
        if columns is None or offset is not None or weights is not None:
            raise ValueError(
                "This takes another offset, or other weights, for each row, and the rows are on a cluster. Compute X "
                "into memory, if it fits; where it is because classes are separated, a penalty (alpha > 0) spares it."
            )
        return AdaptedRows(self, Chosen(columns, self.dtype))


def of_each(engine: Engine, shards: Sequence[Handle], function: Callable[[Any], Result]) -> list[Result]:
    """Return what a function, which is pickled, returns for each shard, in their order."""
    found = chain.from_iterable(map(Mapping.items, answers(engine, OfEach(function), shards)))
    return [value for _, value in sorted(found, key=lambda item: item[0])]


def _without_faults(every: Sequence[Facts | str]) -> list[Facts]:
    for position, facts in enumerate(every):
        if isinstance(facts, str):
            raise ValueError(f"Partition {position}: {facts}")
    return [facts for facts in every if isinstance(facts, Facts)]


def _stacked(parts: Sequence[Any]) -> Any:
    """Return matrices or vectors one below the other; None of those that are not there."""
    if parts[0] is None:
        return None
    return sparse.csr_array(sparse.vstack(parts)) if sparse.issparse(parts[0]) else np.concatenate(parts)
