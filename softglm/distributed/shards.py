"""What lives on a worker, and what is done there: the rows of one partition, and work on those of a few."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar, final

import numpy as np

from softglm.data import RowsInMemory, one_blas_thread
from softglm.data.rows import Arrays, Statistic
from softglm.distributed.tree import Node, combined_in_tree

Result = TypeVar("Result")


class Shard(ABC):
    """The rows of a partition, in the memory of a worker.

    Attributes
    ----------
    position : int
        Of the partition among all.
    n_bytes : int
        Of its arrays. Workers know by it when their memory is full.
    """

    position: int
    n_bytes: int

    @abstractmethod
    def rows(self, reading: Any) -> RowsInMemory:
        """Return the rows as they are to be read: the same object where that was asked before.

        Parameters
        ----------
        reading : object
            Whatever that takes to be said: small, and pickled with every pass.

        Raises
        ------
        ValueError
            If they cannot be read like that.
        """

    def __sizeof__(self) -> int:
        """Return the bytes of the arrays."""
        return self.n_bytes


@final
@dataclass(frozen=True)
class Combined:
    """Work: what a ufunc makes of a statistic of all blocks, as far up the tree of shards as a worker's own allow.

    Attributes
    ----------
    statistic : callable
    combine : ufunc
    reading : object
        As what rows they are read.
    n_shards : int
        Of all workers.
    """

    statistic: Statistic
    combine: np.ufunc
    reading: Any
    n_shards: int

    def __call__(self, shards: Sequence[Shard], n_threads: int) -> dict[Node, Arrays | None]:
        each = in_threads(self._of, shards, n_threads)
        leaves = {Node(0, shard.position): arrays for shard, arrays in zip(shards, each, strict=True)}
        return combined_in_tree(leaves, self.n_shards, self.both)

    def _of(self, shard: Shard) -> Arrays | None:
        rows = shard.rows(self.reading)
        return rows.combined(self.statistic, self.combine) if rows.n_rows else None

    def both(self, one: Arrays | None, other: Arrays | None) -> Arrays | None:
        """Combine the sums of some shards with those of others, in place of the first; None of those without rows."""
        if one is None or other is None:
            return other if one is None else one
        for total, part in zip(one, other, strict=True):
            self.combine(total, part, out=total)
        return one


@final
@dataclass(frozen=True)
class OfEach:
    """Work: what a function returns for each shard, by the positions of these."""

    function: Callable[[Any], Any]

    def __call__(self, shards: Sequence[Shard], n_threads: int) -> dict[int, Any]:
        each = in_threads(self.function, shards, n_threads)
        return {shard.position: value for shard, value in zip(shards, each, strict=True)}


@final
@dataclass(frozen=True)
class BlockByBlock:
    """A statistic of each block of a shard."""

    statistic: Statistic
    reading: Any

    def __call__(self, shard: Shard) -> list[Arrays]:
        return list(shard.rows(self.reading).map(self.statistic))


@final
@dataclass(frozen=True)
class Gathered:
    """What `reduce` makes of a statistic of the blocks of a shard; None of no blocks. See `Rows.gather`."""

    statistic: Statistic
    reduce: Callable[[Iterable[Arrays]], Any]
    reading: Any

    def __call__(self, shard: Shard) -> Any:
        rows = shard.rows(self.reading)
        return self.reduce(rows.map(self.statistic)) if rows.n_rows else None


@final
@dataclass(frozen=True)
class Facts:
    """What a shard is, read as rows; see `Rows` for the first.

    Attributes
    ----------
    n_rows, n_features, n_entries : int
    is_sparse, has_offset : bool
    dtype : dtype
    longest_sum : int
    total_weight : float
    n_bytes : int
    """

    n_rows: int
    n_features: int
    n_entries: int
    is_sparse: bool
    has_offset: bool
    dtype: np.dtype[Any]
    longest_sum: int
    total_weight: float
    n_bytes: int


@final
@dataclass(frozen=True)
class FactsOf:
    """What a shard is, read like this; or why it cannot be."""

    reading: Any

    def __call__(self, shard: Shard) -> Facts | str:
        try:
            rows = shard.rows(self.reading)
        except ValueError as error:
            return str(error)
        weights = rows.parts[2]
        return Facts(
            n_rows=rows.n_rows,
            n_features=rows.n_features,
            n_entries=rows.n_entries,
            is_sparse=rows.is_sparse,
            has_offset=rows.has_offset,
            dtype=np.dtype(rows.dtype),
            longest_sum=rows.longest_sum,
            total_weight=float(rows.n_rows if weights is None else weights.sum()),
            n_bytes=shard.n_bytes,
        )


def in_threads(function: Callable[[Shard], Result], shards: Sequence[Shard], n_threads: int) -> list[Result]:
    """Return what the function returns for each shard, several at once, each with one thread of BLAS."""

    @one_blas_thread
    def alone(shard: Shard) -> Result:
        # Values too large for the arithmetic are a status of the fit, not a warning in the log of a worker.
        with np.errstate(over="ignore", invalid="ignore"):
            return function(shard)

    if n_threads == 1 or len(shards) == 1:
        return [alone(shard) for shard in shards]
    with ThreadPoolExecutor(min(n_threads, len(shards))) as pool:
        return list(pool.map(alone, shards))
