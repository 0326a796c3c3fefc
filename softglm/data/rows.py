"""The one thing that the numeric core asks of data, wherever it lives."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data.block import Block

Arrays: TypeAlias = tuple[npt.NDArray[Any], ...]
Statistic: TypeAlias = Callable[[Block], Arrays]
Result = TypeVar("Result")


class Rows(ABC):
    """Rows that can be summed block by block.

    A new place for rows (memory maps, a cluster) is one subclass with one verb, `map`; the rest follows.

    Attributes
    ----------
    n_rows, n_features, n_entries : int
        The shape (n, p) of X, and how many of its entries are stored.
    has_offset : bool
        Whether an offset was given.
    is_sparse : bool
        Whether X is, and must never be made dense.
    dtype : dtype
        That of the entries of X.
    multiplicity : float
        How many rows one of these stands for at the most; 1 unless they are a sample.
    origin : array of shape (p,) or None
        What was taken from the columns, whose last digits are therefore those of larger numbers; None for nothing.
    """

    n_rows: int
    n_features: int
    n_entries: int
    has_offset: bool
    is_sparse: bool
    dtype: npt.DTypeLike = np.float64
    multiplicity: float = 1.0
    origin: FloatArray | None = None

    @abstractmethod
    def map(self, statistic: Statistic) -> Iterator[Arrays]:
        """Yield the statistic of each block, fresh arrays, in a fixed order."""

    def gather(self, statistic: Statistic, reduce: Callable[[Iterable[Arrays]], Result]) -> Iterator[Result]:
        """Yield what `reduce` makes of the statistics of the blocks of each of a few parts of the rows, in order.

        Unless a subclass can work on several parts at once, there is one.
        """
        yield reduce(self.map(statistic))

    def sampler(self, scores: FloatArray | None = None) -> "Sampler":  # noqa: ARG002 - where that is no use
        """Return a function that returns about so many of the rows, weighted so that sums estimate those over all.

        The same ones every time. Asked for more than half of the rows, it returns all of them, and so it always does
        unless a subclass can do better.

        Parameters
        ----------
        scores : array of shape (n,) or None, default=None
            Positive numbers to which the chances of the rows are proportional, as they are to the weights; None for
            ones.
        """
        return lambda count: self  # noqa: ARG005

    def in_single_precision(self, center: FloatArray) -> "tuple[Rows, FloatArray] | None":  # noqa: ARG002
        """Return these rows in float32, and their center there; None if they are out of its range or stay far from 0.

        Few are copied, about the center; many serve as they are, or are converted for each pass.

        Parameters
        ----------
        center : array of shape (p,)
        """
        return None

    def changed(self, *, columns: npt.NDArray[np.intp] | None = None, offset: FloatArray | None = None) -> "Rows":
        """Return the same rows with only these columns of X, or with another offset, shape (n, q).

        Asked for where classes are separated, and by models without features.
        """
        raise NotImplementedError(f"{type(self).__name__} can change neither its columns nor its offset.")

    def sum(self, statistic: Statistic) -> Arrays:
        """Return the sums over blocks of what the statistic returns for one, arrays of the same shapes."""
        return self._combined(statistic, np.add)

    def max(self, statistic: Statistic) -> Arrays:
        """Return the maxima over blocks of what the statistic returns for one, arrays of the same shapes."""
        return self._combined(statistic, np.maximum)

    def concatenate(self, statistic: Statistic) -> Arrays:
        """Return what the statistic returns for the blocks, joined along the last axis."""
        blocks = list(chain.from_iterable(self.gather(statistic, list)))
        if len(blocks) == 1:
            return blocks[0]
        return tuple(np.concatenate(parts, axis=-1) for parts in zip(*blocks, strict=True))

    def _combined(self, statistic: Statistic, combine: np.ufunc) -> Arrays:
        def reduce(statistics: Iterable[Arrays]) -> Arrays:
            statistics = iter(statistics)
            totals = next(statistics)
            for parts in statistics:
                for total, part in zip(totals, parts, strict=True):
                    combine(total, part, out=total)
            return totals

        return reduce(self.gather(statistic, reduce))


Sampler: TypeAlias = Callable[[int], Rows]
