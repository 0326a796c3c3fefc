"""Rows that count the passes over all of them: beside the arithmetic, what a fit costs where memory is far away."""

from collections.abc import Callable, Iterable, Iterator
from typing import final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.data.adaptation import Adaptation
from softglm.data.rows import Arrays, Result, Rows, Sampling, Statistic


@final
class PassCount:
    """How many passes were made over all rows, wherever these are held, and in whatever precision."""

    def __init__(self) -> None:
        self.n_passes = 0

    def add(self) -> None:
        """Count a pass."""
        self.n_passes += 1


@final
class CountedRows(Rows):
    """Rows, and the passes over all of them; a sample, which is read where it was drawn, is not counted.

    Parameters
    ----------
    rows : Rows
    count : PassCount
    """

    def __init__(self, rows: Rows, count: PassCount) -> None:
        self._rows, self.count = rows, count
        self.n_rows, self.n_features, self.n_entries = rows.n_rows, rows.n_features, rows.n_entries
        self.has_offset, self.is_sparse, self.multiplicity = rows.has_offset, rows.is_sparse, rows.multiplicity
        self.can_be_sampled, self.can_be_held = rows.can_be_sampled, rows.can_be_held
        self.can_be_changed = rows.can_be_changed
        self.can_be_rounded, self.dtype, self.origin = rows.can_be_rounded, rows.dtype, rows.origin
        self.noise, self.pass_price = rows.noise, rows.pass_price
        self.outpaces_memory = rows.outpaces_memory

    @property
    def longest_sum(self) -> int:
        return self._rows.longest_sum

    @property
    def place(self) -> str | None:
        return self._rows.place

    def map(self, statistic: Statistic) -> Iterator[Arrays]:
        self.count.add()
        return self._rows.map(statistic)

    def gather(self, statistic: Statistic, reduce: Callable[[Iterable[Arrays]], Result]) -> Iterator[Result]:
        self.count.add()
        return self._rows.gather(statistic, reduce)

    def combined(self, statistic: Statistic, combine: np.ufunc) -> Arrays:
        self.count.add()
        return self._rows.combined(statistic, combine)

    def sampling(self, score: Statistic | None = None) -> Sampling | None:
        if score is not None:
            self.count.add()
        return self._rows.sampling(score)

    def sample(self, count: int, sampling: Sampling | None) -> Rows:
        part = self._rows.sample(count, sampling)
        return self if part is self._rows else part

    def rounded_copy(self, adaptation: Adaptation) -> Rows:
        self.count.add()
        return CountedRows(self._rows.rounded_copy(adaptation), self.count)

    def changed(
        self,
        *,
        columns: npt.NDArray[np.intp] | None = None,
        offset: FloatArray | None = None,
        weights: FloatArray | None = None,
    ) -> Rows:
        return CountedRows(self._rows.changed(columns=columns, offset=offset, weights=weights), self.count)
