"""A few rows to ask the fitted steps before a model about: what they make of them with inputs set to other values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray, Matrix
from softglm.data.block import dense
from softglm.pipelines.frames import Frame

# An input, and values to set it to.
Job: TypeAlias = tuple[int, npt.NDArray[Any]]

# Entries of a batch.
BATCH = 2**21
# Rows that are sent through the steps: spread over the data, and added where columns of the model would not move.
_SPREAD, _ADDED, _SEARCHED = 6, 10, 2000
# Relative to the values of a column of the model, what is a change, and what is no straight line, in both precisions.
_CHANGE, _BENT = {4: 1e-5, 8: 1e-11}, {4: 1e-4, 8: 1e-9}


class TransformError(Exception):
    """The steps raised an error: they do not take such rows."""


@final
@dataclass(frozen=True, eq=False)
class Probe:
    """A few rows to ask the steps about.

    Attributes
    ----------
    frame : Frame
        All rows.
    transformed : array or CSR matrix of shape (n, p)
        What the steps make of them.
    base : array of shape (B,)
        Which of them are sent through the steps, changed.
    transform : callable
    counted : bool array of shape (n,)
        Rows of positive weight.
    weights : array of shape (n,) or None
    scale : array of shape (p,)
        The largest absolute value of each column of the model.
    precision : {4, 8}
        Bytes of the numbers that reach the model.
    """

    frame: Frame
    transformed: Matrix
    base: npt.NDArray[np.intp]
    transform: Callable[[Frame], Matrix]
    counted: BoolArray
    weights: FloatArray | None
    scale: FloatArray
    precision: int

    @classmethod
    def of(
        cls, frame: Frame, transform: Callable[[Frame], Matrix], transformed: Matrix, weights: FloatArray | None
    ) -> "Probe | None":
        """Choose the rows.

        Parameters
        ----------
        frame : Frame
        transform : callable
            The steps before the model.
        transformed : array or CSR matrix of shape (n, p)
            What they make of the frame.
        weights : array of shape (n,) or None

        Returns
        -------
        Probe or None
            None if the steps make of these rows, alone, something else than of all.

        Raises
        ------
        TransformError
            If they do not take them alone.
        """
        counted = np.ones(len(frame), dtype=bool) if weights is None else weights > 0.0
        sample = _spread(np.flatnonzero(counted), _SEARCHED)
        rows = dense(transformed[sample])
        precision = transformed.dtype.itemsize if transformed.dtype == np.float32 else 8
        scale = np.maximum(np.abs(rows).max(axis=0, initial=0.0), np.finfo(np.float32).tiny)
        chosen = _telling(rows, _CHANGE[precision] * scale)
        base = sample[chosen]
        alone = dense(transform(frame.take(base)))
        if alone.shape != rows[chosen].shape or (np.abs(alone - rows[chosen]) > _BENT[precision] * scale).any():
            return None
        return cls(frame, transformed, base, transform, counted, weights, scale, precision)

    def ask(self, jobs: Sequence[Job]) -> Iterator[FloatArray | None]:
        """Yield for each job the columns of the model, with an input set to each of several values in all rows.

        Many jobs share a batch; one that fails is done again, job by job.

        Parameters
        ----------
        jobs : sequence of (int, array)
            Inputs, and their values.

        Yields
        ------
        array of shape (values, B, p) or None
            None where the steps do not take the values.
        """
        for batch in self._batches(jobs):
            try:
                yield from self._answers(batch)
            except TransformError:
                for job in batch:
                    try:
                        (answer,) = self._answers([job])
                    except TransformError:
                        yield None
                    else:
                        yield answer

    def _batches(self, jobs: Sequence[Job]) -> Iterator[list[Job]]:
        most = max(BATCH // (len(self.base) * max(len(self.scale), len(self.frame.names))), 1)
        batch: list[Job] = []
        for job in jobs:
            if batch and sum(len(values) for _, values in batch) + len(job[1]) > most:
                yield batch
                batch = []
            batch.append(job)
        if batch:
            yield batch

    def _answers(self, batch: Sequence[Job]) -> list[FloatArray]:
        n_base, n_values = len(self.base), sum(len(values) for _, values in batch)
        frame = self.frame.take(np.tile(self.base, n_values))
        columns: dict[int, npt.NDArray[Any]] = {}
        bounds, first = [], 0
        for position, values in batch:
            column = columns.setdefault(position, frame.column(position).copy())
            last = first + n_base * len(values)
            column[first:last] = np.repeat(values, n_base)
            bounds.append((first, last))
            first = last
        transformed = dense(self.transform(frame.replaced(columns)))
        return [transformed[first:last].reshape(-1, n_base, transformed.shape[1]) for first, last in bounds]

    @property
    def least_change(self) -> FloatArray:
        """What is a change of each column of the model, shape (p,)."""
        return _CHANGE[self.precision] * self.scale

    @property
    def least_bend(self) -> FloatArray:
        """What tells each column of the model from a straight line, shape (p,)."""
        return _BENT[self.precision] * self.scale

    def confirms(self, slopes: Mapping[int, FloatArray]) -> bool:
        """Tell whether the steps make of all rows, with inputs exchanged between them, what their slopes say.

        Parameters
        ----------
        slopes : mapping from position to array of shape (p,)
            What a unit of each of the inputs adds to the columns of the model.
        """
        rng = np.random.default_rng(0)
        rows = np.flatnonzero(self.counted)
        columns, expected = {}, dense(self.transformed[rows])
        for position, slope in slopes.items():
            column = self.frame.column(position)
            columns[position] = column.copy()
            columns[position][rows] = column[rng.permutation(rows)]
            expected += np.outer(columns[position][rows] - column[rows], slope)
        try:
            transformed = dense(self.transform(self.frame.replaced(columns).take(rows)))
        except TransformError:
            return False
        return bool((np.abs(transformed - expected) <= self.least_bend).all())

    def entered(self, position: int) -> BoolArray:
        """Tell which columns of the model, (p,), change in any row where an input is exchanged between all rows.

        What a few rows, or a few values, are blind to is seen there: a product with a dummy that is hardly ever on.

        Raises
        ------
        TransformError
            If the steps do not take a value in another row than its own.
        """
        rows = np.random.default_rng(0).permutation(np.flatnonzero(self.counted))
        column = self.frame.column(position)
        exchanged = column.copy()
        exchanged[rows] = column[np.roll(rows, 1)]
        transformed = self.transform(self.frame.replaced({position: exchanged}).take(rows))
        change = abs(transformed - self.transformed[rows]).max(axis=0)
        return np.asarray(np.ravel(dense(change)) > self.least_change)

    def differs(self, answer: FloatArray, other: FloatArray) -> bool:
        """Tell whether answers to the same question differ."""
        return bool((np.abs(answer - other) > self.least_bend).any())

    def varied(self, answer: FloatArray) -> BoolArray:
        """Tell which columns of the model differ between values by more than rounding, in any of the rows, (p,)."""
        with np.errstate(invalid="ignore"):
            changes = np.abs(answer - answer[:1]) > self.least_change
        return np.asarray(changes.any(axis=(0, 1)))


def _spread(rows: npt.NDArray[np.intp], most: int) -> npt.NDArray[np.intp]:
    """Return about so many of the rows, evenly spread."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(np.intp))]


def _telling(rows: FloatArray, change: FloatArray) -> npt.NDArray[np.intp]:
    """Choose a few rows among which every column varies, as far as possible."""
    chosen = _spread(np.arange(len(rows)), _SPREAD)
    for _ in range(_ADDED):
        still = (np.abs(rows[chosen] - rows[chosen[0]]) <= change).all(axis=0)
        varied = (np.abs(rows[:, still] - rows[chosen[0], still]) > change[still]).sum(axis=1)
        if not varied.any():
            break
        chosen = np.append(chosen, varied.argmax())
    return chosen
