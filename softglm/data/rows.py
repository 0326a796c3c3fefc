"""What the numeric core asks of data, wherever it lives: sums, samples, and what it may not do."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol, TypeAlias, TypeVar, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data.adaptation import Adaptation
from softglm.data.block import Block

Arrays: TypeAlias = tuple[npt.NDArray[Any], ...]
Statistic: TypeAlias = Callable[[Block], Arrays]
Result = TypeVar("Result")


class Sampling(Protocol):
    """Chances of rows to be drawn: made where the rows are, and read by nobody else."""


@final
@dataclass(frozen=True)
class _Combined:
    """What a ufunc of two arguments makes of the statistics of several blocks: in the arrays of the first one."""

    combine: np.ufunc

    def __call__(self, statistics: Iterable[Arrays]) -> Arrays:
        statistics = iter(statistics)
        totals = next(statistics)
        for parts in statistics:
            for total, part in zip(totals, parts, strict=True):
                self.combine(total, part, out=total)
        return totals


class Rows(ABC):
    """Rows that can be summed block by block.

    A new place for rows (memory maps, a cluster) is one subclass with one verb, `map`, and the first attributes. The
    rest is offered by flags, and a fit is priced by those that are set:

    - `can_be_held`: few rows may be copied to where the fit runs (by `concatenate`, which needs no method);
    - `can_be_changed`, with the method `changed`: wide sparse fits are proved by the columns that have coefficients;
    - `can_be_sampled`, with the methods `sampling` and `sample`: Hessians of a part of the rows, where all are many;
    - `can_be_rounded`, with the method `rounded_copy`: most passes run in single precision. More passes, of nearly half
      the price each: set it where arithmetic is what a pass costs, not where reading is.

    Attributes
    ----------
    n_rows, n_features, n_entries : int
        The shape (n, p) of X, and how many of its entries are stored.
    has_offset : bool
        Whether an offset was given.
    is_sparse : bool
        Whether X is, and must never be made dense.
    can_be_sampled : bool
        Whether `sample` returns fewer rows than all of them.
    can_be_held : bool
        Whether few rows may be copied to where the fit runs.
    can_be_changed : bool
        Whether `changed` returns them with fewer columns.
    can_be_rounded : bool
        Whether they may be read in single precision, few of them as a copy.
    dtype : dtype
        That of the entries of X.
    multiplicity : float
        How many rows one of these stands for at the most; 1 unless they are a sample.
    longest_sum : int
        How many additions an entry of a sum over the rows goes through, at the most: what proofs take for its rounding.
    origin : array of shape (p,) or None
        What was taken from the columns, whose last digits are therefore those of larger numbers; None for nothing.
    noise : array of shape (p,) or None
        What the entries of a column may be off by, a root mean square; None where that is their own rounding.
    pass_price : float
        What a pass over all of them costs beside its arithmetic, for reading, decoding or sending: about, in
        nanoseconds. Where that is much, a fit makes few passes.
    outpaces_memory : bool
        Whether sums are made there so much faster than here that a copy of some rows in this process is of no use.
    """

    n_rows: int
    n_features: int
    n_entries: int
    has_offset: bool
    is_sparse: bool
    can_be_sampled: bool = False
    can_be_held: bool = False
    can_be_changed: bool = False
    can_be_rounded: bool = False
    dtype: npt.DTypeLike = np.float64
    multiplicity: float = 1.0
    origin: FloatArray | None = None
    noise: FloatArray | None = None
    pass_price: float = 0.0
    outpaces_memory: bool = False

    @property
    def longest_sum(self) -> int:
        """All rows, one after the other, unless a subclass knows that it adds up in parts."""
        return self.n_rows

    @property
    def place(self) -> str | None:
        """Where they are, in words, if that is not the memory of this process."""
        return None

    @abstractmethod
    def map(self, statistic: Statistic) -> Iterator[Arrays]:
        """Yield the statistic of each block, fresh arrays, in a fixed order.

        A block is `DenseBlock(X, targets, weights, offset)`, or a `SparseBlock`, of some thousand rows; see `Block` for
        what targets may be.
        """

    def gather(self, statistic: Statistic, reduce: Callable[[Iterable[Arrays]], Result]) -> Iterator[Result]:
        """Yield what `reduce` makes of the statistics of the blocks of each of a few parts of the rows, in order.

        What is returned for a block is handed to it as it is: where a sample is drawn, rows besides arrays. Unless a
        subclass can work on several parts at once, there is one. The statistic and `reduce` are values that can be
        pickled.
        """
        yield reduce(self.map(statistic))

    def sum(self, statistic: Statistic) -> Arrays:
        """Return the sums over blocks of what the statistic returns for one, arrays of the same shapes."""
        return self.combined(statistic, np.add)

    def max(self, statistic: Statistic) -> Arrays:
        """Return the maxima over blocks of what the statistic returns for one, arrays of the same shapes."""
        return self.combined(statistic, np.maximum)

    def concatenate(self, statistic: Statistic) -> Arrays:
        """Return what the statistic returns for the blocks, joined along the last axis."""
        blocks = list(chain.from_iterable(self.gather(statistic, list)))
        if len(blocks) == 1:
            return blocks[0]
        return tuple(np.concatenate(parts, axis=-1) for parts in zip(*blocks, strict=True))

    def combined(self, statistic: Statistic, combine: np.ufunc) -> Arrays:
        """Return what a ufunc of two arguments makes of the statistics of all blocks, in the order of the rows."""
        reduce = _Combined(combine)
        return reduce(self.gather(statistic, reduce))

    def sampling(self, score: Statistic | None = None) -> Sampling | None:  # noqa: ARG002 - where that is no use
        """Return chances of the rows to be drawn, for `sample`; they stay where the rows are.

        Parameters
        ----------
        score : callable or None, default=None
            Returns positive numbers, float32 of shape (rows,), to which the chances of the rows of a block are
            proportional, as they are to the weights; None for ones.
        """
        return None

    def sample(self, count: int, sampling: Sampling | None) -> "Rows":  # noqa: ARG002 - where that is no use
        """Return about so many of the rows, weighted so that sums estimate those over all: the same ones every time.

        Asked for more than half of the rows, it returns all of them. Its `multiplicity` is the most that a row of it
        stands for: proofs rest on it.

        Parameters
        ----------
        count : int
        sampling : Sampling or None
            What `sampling` returned, of these rows or of the same ones in another form.
        """
        return self

    def rounded_copy(self, adaptation: Adaptation) -> "Rows":
        """Return a copy of these rows in single precision, in memory. Asked for where they `can_be_rounded`."""
        raise NotImplementedError(
            f"{type(self).__name__} says that it can_be_rounded, and has no method rounded_copy: add it, or do not."
        )

    def changed(
        self,
        *,
        columns: npt.NDArray[np.intp] | None = None,
        offset: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> "Rows":
        """Return the same rows with only these columns of X, or with another offset, (n, q), or other weights, (n,).

        Fits that set coefficients to 0 ask for it where rows `can_be_changed`; and `infer` does, where classes are
        separated, and of models without features; and whoever leaves out rows, by weights of 0.
        """
        raise NotImplementedError(f"{type(self).__name__} can change neither its columns nor its offset or weights.")
