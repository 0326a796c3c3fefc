"""The columns that a pipeline takes, and what becomes of those of the model where one of them is set or moved.

That presupposes that rows are transformed one by one, which is checked. Where it is not so, or the steps do not take
such rows, nothing is known of the inputs, and there are only the columns of the model.
"""

import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import BoolArray, FloatArray, Matrix
from softglm.frames import Frame, frame_of, is_missing
from softglm.inference.inputs import Inputs, Level, Setting, Variable
from softglm.probe import Probe, UntakenError, variables_of

Transform: TypeAlias = Callable[[Any], Any]


def inputs_of(X: Any, transform: Transform, made: Matrix, weights: FloatArray | None) -> Inputs | None:
    """Return the columns of what a pipeline takes; None for a sparse X, or one of a single dimension.

    Parameters
    ----------
    X : array-like or data frame of shape (n, ...)
    transform : callable
        The fitted steps before the model.
    made : array or CSR matrix of shape (n, p)
        What they make of X.
    weights : array of shape (n,) or None
        Of the rows; a row of weight 0 has no say.
    """
    frame = frame_of(X)
    return None if frame is None or len(frame) != made.shape[0] else _PipelineInputs(frame, transform, made, weights)


@final
class _PipelineInputs(Inputs):
    """The columns that a pipeline takes; made by `inputs_of`."""

    def __init__(self, frame: Frame, transform: Transform, made: Matrix, weights: FloatArray | None) -> None:
        self.names = frame.names
        self._frame, self._steps, self._made, self._weights = frame, transform, made, weights
        self._last: tuple[Any, Matrix] | None = None

    @property
    def is_known(self) -> bool:
        return self._found is not None

    @property
    def variables(self) -> tuple[Variable, ...]:
        return self._found or ()

    def transformed(self, setting: Setting) -> Matrix:
        moves = {position: self._move(position, value) for position, value in setting.items()}
        rest = {position: value for position, value in setting.items() if moves[position] is None}
        made = self._sent_through(rest)
        for move in moves.values():
            made = made if move is None else (made + move).astype(made.dtype)
        return made

    def _move(self, position: int, value: Any) -> Matrix | None:
        """Return what setting an input adds to the columns of the model, shape (n, p), where no other input matters."""
        variable = self.variable(position)
        if variable is None or (variable.slope is None and variable.shifts is None):
            return None
        values = self._frame.column(position)
        if variable.slope is not None:
            is_within = isinstance(value, int | float | np.number) and values.min() <= value <= values.max()
            if not is_within:  # a line may end where the data do; nor is it one where values are missing
                return None
            move = np.outer(float(value) - values, variable.slope)
        else:
            levels = _Levels(variable.levels)
            level = levels.of(value)
            if level is None:
                return None
            assert variable.shifts is not None  # noqa: S101 - the other of the two
            move = (variable.shifts[level] - variable.shifts)[levels.of_each(values)]
        return sparse.csr_array(move) if _is_sparse(self._made) else move

    def _sent_through(self, setting: Setting) -> Matrix:
        """Return what the steps make of the rows with inputs set; the last answer is kept."""
        if not setting:
            return self._made
        key = tuple((position, repr(value)) for position, value in sorted(setting.items()))
        if self._last is None or self._last[0] != key:
            self._last = key, self._asked(setting)
        return self._last[1]

    def _asked(self, setting: Setting) -> Matrix:
        columns = {position: self._filled(position, value) for position, value in setting.items()}
        values = ", ".join(f"{value!r} for {self.names[position]!r}" for position, value in setting.items())
        try:
            made = self._transform(self._frame.replaced(columns))
        except UntakenError as error:
            raise ValueError(f"The pipeline does not take {values}: {error}") from error
        if not _is_finite(made).all():
            raise ValueError(f"The pipeline makes no numbers of {values}. Choose values as they were in the fit.")
        return made

    def shifted(self, variable: Variable, setting: Setting) -> tuple[Matrix, Matrix]:
        position, step = variable.position, variable.step
        known = self._frame.column(position)
        least, most = np.nanmin(known), np.nanmax(known)
        values = np.full_like(known, setting[position]) if position in setting else known
        others = {other: self._filled(other, value) for other, value in setting.items() if other != position}

        def at(column: FloatArray) -> Matrix:
            return self._transform(self._frame.replaced({**others, position: column}))

        beyond: tuple[BoolArray, BoolArray]
        try:
            moved = at(values + step), at(values - step)
            beyond = np.zeros(len(values), dtype=bool), np.zeros(len(values), dtype=bool)
        except UntakenError:  # such as of a spline that does not extrapolate
            moved = at(np.minimum(values + step, most)), at(np.maximum(values - step, least))
            beyond = values + step > most, values - step < least
        beyond = beyond[0] | ~_is_finite(moved[0]), beyond[1] | ~_is_finite(moved[1])
        if not (beyond[0].any() or beyond[1].any()):
            return moved
        here = at(values)
        return _extrapolated(moved[0], here, moved[1], beyond[0]), _extrapolated(moved[1], here, moved[0], beyond[1])

    def observed(self, position: int) -> npt.NDArray[Any]:
        values = self._frame.column(position)
        return values if self._weights is None else values[self._weights > 0.0]

    def _filled(self, position: int, value: Any) -> npt.NDArray[Any]:
        """Return a column with the same value in all rows."""
        name, n = self.names[position], len(self._frame)
        if self._frame.column(position).dtype == np.float64:
            try:
                return np.full(n, np.nan if is_missing(value) else float(value))
            except (TypeError, ValueError):
                raise ValueError(f"{name!r} holds numbers, and {value!r} is none.") from None
        values = np.empty(n, dtype=object)
        values[:] = [value] * n
        return values

    def _transform(self, frame: Frame) -> Matrix:
        try:
            return _quietly(self._steps, frame.data)
        except Exception as error:
            raise UntakenError(str(error)) from error

    @cached_property
    def _found(self) -> tuple[Variable, ...] | None:
        try:
            probe = Probe.of(self._frame, self._transform, self._made, self._weights)
            return None if probe is None else tuple(variables_of(probe))
        except UntakenError:
            return None


@final
class _Levels:
    """Which level of a factor values belong to."""

    def __init__(self, levels: Sequence[Level]) -> None:
        self._known = {
            _hashable(value): position for position, level in enumerate(levels) for value in level.values.tolist()
        }

    def of(self, value: Any) -> int | None:
        """Return the level of a value; None if it does not occur."""
        return self._known.get(_hashable(value))

    def of_each(self, values: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        """Return the level of each value; of rows without weight, whose value may not occur, any."""
        return np.array([self._known.get(_hashable(value), 0) for value in values.tolist()], dtype=np.intp)


def _hashable(value: Any) -> Any:
    """Return what stands for a value in a dict: all missing ones are one."""
    return None if is_missing(value) else value


def _quietly(steps: Transform, X: Any) -> Matrix:
    """Return what the steps make of X: a CSR matrix, or a dense array."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        made = steps(X)
        made = made.tocsr() if _is_sparse(made) else np.asarray(made)
        return made if made.dtype in {np.dtype(np.float32), np.dtype(np.float64)} else made.astype(np.float64)


def _is_sparse(made: Matrix) -> bool:
    return bool(sparse.issparse(made))


def _is_finite(made: Matrix) -> BoolArray:
    """Tell which rows hold finite numbers only; of sparse ones, all or none."""
    if _is_sparse(made):
        return np.full(made.shape[0], bool(np.isfinite(made.data).all()))
    return np.asarray(np.isfinite(made).all(axis=1))


def _extrapolated(moved: Matrix, here: Matrix, opposite: Matrix, rows: BoolArray) -> Matrix:
    """Return the moved rows; some of them as far from where they are as the opposite ones, on the other side."""
    if _is_sparse(moved):
        share = rows.astype(np.float64)[:, np.newaxis]
        return (moved.multiply(1.0 - share) + (2.0 * here - opposite).multiply(share)).tocsr()
    return np.where(rows[:, np.newaxis], 2.0 * here - opposite, moved)
