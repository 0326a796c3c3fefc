"""The columns that a pipeline takes, and what becomes of those of the model where one of them is set or moved.

That presupposes that rows are transformed one by one, which is checked. Where it is not so, or the steps do not take
such rows, nothing is known of the inputs, and there are only the columns of the model.
"""

import warnings
from collections.abc import Callable
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray, Matrix
from softglm.data.block import is_sparse
from softglm.inference.inputs import Inputs, Move, Setting, Variable
from softglm.inference.missing import is_missing
from softglm.once import cached_property
from softglm.pipelines.frames import Frame, frame_of
from softglm.pipelines.probe import Probe, TransformError
from softglm.pipelines.variables import variables_of

Transform: TypeAlias = Callable[[Any], Any]
# Levels that a message lists.
_MOST_LISTED = 10


def inputs_of(X: Any, transform: Transform, transformed: Matrix, weights: FloatArray | None) -> Inputs | None:
    """Return the columns of what a pipeline takes; None for a sparse X, or one of a single dimension.

    Parameters
    ----------
    X : array-like or data frame of shape (n, ...)
    transform : callable
        The fitted steps before the model.
    transformed : array or CSR matrix of shape (n, p)
        What they make of X.
    weights : array of shape (n,) or None
        Of the rows; a row of weight 0 has no say.

    Returns
    -------
    Inputs or None
    """
    frame = frame_of(X)
    return (
        None
        if frame is None or len(frame) != transformed.shape[0]
        else _PipelineInputs(frame, transform, transformed, weights)
    )


@final
class _PipelineInputs(Inputs):
    """The columns that a pipeline takes; made by `inputs_of`."""

    def __init__(self, frame: Frame, transform: Transform, transformed: Matrix, weights: FloatArray | None) -> None:
        self.names = frame.names
        self._frame, self._steps, self._transformed, self._weights = frame, transform, transformed, weights
        self._last: tuple[Any, Matrix] | None = None

    @property
    def is_known(self) -> bool:
        return self._found is not None

    @property
    def variables(self) -> tuple[Variable, ...]:
        return self._found or ()

    def transformed(self, setting: Setting) -> Matrix:
        """Return what the steps make of the rows with inputs set; the last answer is kept."""
        key = tuple((position, repr(value)) for position, value in sorted(setting.items()))
        if self._last is None or self._last[0] != key:
            self._last = key, self._asked(setting) if setting else self._transformed
        return self._last[1]

    def _asked(self, setting: Setting) -> Matrix:
        columns = {position: self._filled(position, value) for position, value in setting.items()}
        values = self._described(setting)
        try:
            transformed = self._transform(self._frame.replaced(columns))
        except TransformError as error:
            raise ValueError(f"The pipeline does not take {values}: {error}") from error
        if not _is_finite(transformed).all():
            raise ValueError(f"The pipeline makes no numbers of {values}. Choose values as they were in the fit.")
        self._check_seen(setting)
        return transformed

    def _check_seen(self, setting: Setting) -> None:
        """Raise for a level that no row has: an encoder that ignores what it does not know makes the base of it."""
        for position, value in setting.items():
            variable = self.variable(position)
            if variable is None or variable.kind not in {"switch", "factor"} or isinstance(value, Move):
                continue
            column = self._frame.column(position)
            if any(value is level.value for level in variable.levels) or column.dtype != object:
                continue  # numbers between those that were seen may have a meaning
            distinct = list(dict.fromkeys(column.tolist()))
            known = [each for each in distinct if not is_missing(each)]
            has_missing = len(known) < len(distinct)
            if has_missing if is_missing(value) else value in known:
                continue
            raise ValueError(
                f"{self.names[position]!r} is {value!r} in no row of X. Choose among {known[:_MOST_LISTED]}"
                f"{', or None for missing ones' if has_missing else ''}."
            )

    def _described(self, setting: Setting) -> str:
        return ", ".join(f"{value!r} for {self.names[position]!r}" for position, value in setting.items())

    def shifted(self, variable: Variable, setting: Setting) -> tuple[Matrix, Matrix]:
        try:
            return self._shifted(variable, setting)
        except TransformError as error:
            where = f" with {self._described(setting)}" if setting else ""
            raise ValueError(
                f"The pipeline does not take {variable.name!r} moved by {variable.step:g}{where}: {error}. Average "
                "effects leave the others as they are."
            ) from error

    def _shifted(self, variable: Variable, setting: Setting) -> tuple[Matrix, Matrix]:
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
        except TransformError:  # such as of a spline that does not extrapolate
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
        """Return a column with the same value in all rows, or moved."""
        name, n = self.names[position], len(self._frame)
        column = self._frame.column(position)
        if isinstance(value, Move):
            return np.asarray(column + value.by)
        if column.dtype == np.float64:
            try:
                return np.full(n, np.nan if is_missing(value) else float(value))
            except (TypeError, ValueError):
                raise ValueError(f"{name!r} holds numbers, and {value!r} is none.") from None
        if is_missing(value):  # as the column has it: encoders tell None from NaN
            value = next((each for each in column if is_missing(each)), value)
        values = np.empty(n, dtype=object)
        values[:] = [value] * n
        return values

    def _transform(self, frame: Frame) -> Matrix:
        try:
            return _quietly(self._steps, frame.data)
        except Exception as error:
            raise TransformError(str(error)) from error

    @cached_property
    def entered(self) -> dict[str, tuple[int, ...]]:
        probe = self._probe
        found: dict[str, tuple[int, ...]] = {}
        for position, name in enumerate(self.names if probe is not None else ()):
            assert probe is not None  # noqa: S101 - there are names only then
            try:
                columns = np.flatnonzero(probe.entered(position))
            except TransformError as error:
                raise ValueError(
                    f"The pipeline does not take values of {name!r} in other rows than their own: {error}. Pass as "
                    "groups which columns of the model each variable enters."
                ) from error
            if len(columns):
                found[name] = tuple(columns.tolist())
        return found

    @cached_property
    def _probe(self) -> Probe | None:
        try:
            return Probe.of(self._frame, self._transform, self._transformed, self._weights)
        except TransformError:
            return None

    @cached_property
    def _found(self) -> tuple[Variable, ...] | None:
        try:
            return None if self._probe is None else tuple(variables_of(self._probe))
        except TransformError:
            return None


def _quietly(steps: Transform, X: Any) -> Matrix:
    """Return what the steps make of X: a CSR matrix, or a dense array."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        transformed = steps(X)
        transformed = transformed.tocsr() if is_sparse(transformed) else np.asarray(transformed)
        return (
            transformed
            if transformed.dtype in {np.dtype(np.float32), np.dtype(np.float64)}
            else transformed.astype(np.float64)
        )


def _is_finite(transformed: Matrix) -> BoolArray:
    """Tell which rows hold finite numbers only; of sparse ones, all or none."""
    if is_sparse(transformed):
        return np.full(transformed.shape[0], bool(np.isfinite(transformed.data).all()))
    return np.asarray(np.isfinite(transformed).all(axis=1))


def _extrapolated(moved: Matrix, here: Matrix, opposite: Matrix, rows: BoolArray) -> Matrix:
    """Return the moved rows; some of them as far from where they are as the opposite ones, on the other side."""
    if is_sparse(moved):
        share = rows.astype(np.float64)[:, np.newaxis]
        return (moved.multiply(1.0 - share) + (2.0 * here - opposite).multiply(share)).tocsr()
    return np.where(rows[:, np.newaxis], 2.0 * here - opposite, moved)
