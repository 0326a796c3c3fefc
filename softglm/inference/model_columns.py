"""Columns of the model, or the dummies of a factor among them: what they are set to, or moved by."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.inference.column_averages import Change, means_with
from softglm.inference.estimate import Estimate
from softglm.inference.factors import level_of
from softglm.inference.means import counted_columns, weighted_means
from softglm.inference.states import Means, States, Subject

# The values of a number at which it is set by default.
_POINTS = 51


@final
@dataclass(frozen=True, eq=False)
class ColumnStates(States):
    """Columns of the model, changed in each of several ways.

    Attributes
    ----------
    estimate : Estimate
    changes : tuple of Change
    place : array of shape (p,) or None
        Where the others are; None for as they are.
    """

    estimate: Estimate
    changes: tuple[Change, ...]
    place: FloatArray | None

    def means(self, groups: Sequence[BoolArray] | None = None) -> Means:
        """Return the means of each group, in a pass over its rows."""
        chosen = [None] if groups is None else groups
        found = [means_with(self.estimate, self.changes, self.place, group) for group in chosen]
        probability, gradients, known = (np.stack(parts) for parts in zip(*found, strict=True))
        return probability, gradients, known


@final
@dataclass(frozen=True, eq=False)
class ModelColumns(Subject):
    """Columns of the model, to be set or moved.

    Attributes
    ----------
    estimate : Estimate
    columns : array of shape (g,)
    names : tuple of str, length g
    factor : str or None
        Whose dummies they are; None where they are set one by one.
    base : str
        The name of the level of the factor that has no column.
    at : {"average", "means"} or dict from column to value
        The other columns.
    """

    estimate: Estimate
    columns: npt.NDArray[np.intp]
    names: tuple[str, ...]
    factor: str | None
    base: str
    at: Literal["average", "means"] | Mapping[int, Any]

    @property
    def number(self) -> FloatArray | None:
        """The values of a single column of others than zeros and ones."""
        values = self._observed()
        return None if self.factor is not None or np.isin(values, (0.0, 1.0)).all() else values

    def states(self, values: list[Any] | None) -> States:
        """Return what it is when set."""
        terms, observed = self.names, self._observed()
        shown: npt.NDArray[Any]
        if self.factor is not None and (values is None or _are_names(values)):
            terms, observed = (self.factor,), np.empty(0)
            shown, states = _levels(self, values)
        else:
            if values is None and len(self.columns) > 1:
                raise ValueError(f"values is missing: pass an array of shape (v, {len(self.columns)}).")
            states = _numbers(grid_of(observed) if values is None else values, len(self.columns))
            shown = states[:, 0] if len(self.columns) == 1 else states
        changes = tuple(Change(self.columns, state, is_move=False) for state in states)
        return ColumnStates(
            terms, shown, observed, is_moved=False, estimate=self.estimate, changes=changes, place=self._place
        )

    def moved(self, by: float) -> States:
        """Return what it is where it is, and moved."""
        place, shown = self._place, np.array([0.0, by])
        starts = np.zeros(1) if place is None else place[self.columns]
        changes = tuple(Change(self.columns, starts + move, is_move=place is None) for move in shown)
        return ColumnStates(
            self.names, shown, np.empty(0), is_moved=True, estimate=self.estimate, changes=changes, place=place
        )

    def _observed(self) -> FloatArray:
        rows = self.estimate.objective.rows
        return counted_columns(rows, self.columns)[:, 0] if len(self.columns) == 1 else np.empty(0)

    @property
    def _place(self) -> FloatArray | None:
        if self.at == "average":
            return None
        place = weighted_means(self.estimate.objective.rows)
        for column, value in self.at.items() if isinstance(self.at, Mapping) else ():
            place[column] = _number(value)
        return place


def _numbers(values: Any, g: int) -> FloatArray:  # noqa: ANN401
    """Return what columns of the model are set to, shape (v, g)."""
    try:
        states = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"values holds {values!r}, expected numbers: columns of the model hold no others.") from None
    states = states[:, np.newaxis] if states.ndim == 1 and g == 1 else states
    if states.ndim != 2 or states.shape[1] != g or not len(states):
        raise ValueError(
            f"values has shape {states.shape}, expected (v, {g}): a column for each of those that are set."
        )
    check_finite(states.ravel().tolist(), "values")
    return states


def _number(value: Any) -> float:  # noqa: ANN401
    """Return what another column of the model is held at."""
    if not isinstance(value, Real | np.bool_):
        raise ValueError(f"at holds {value!r}, expected numbers: columns of the model hold no others.")
    return float(value)


def check_finite(values: Iterable[Any], name: str) -> None:
    """Raise if some values are numbers that are not finite, or that no float holds.

    Parameters
    ----------
    values : iterable
        Of any types.
    name : str
        That of the parameter which they were passed in.

    Raises
    ------
    ValueError
        With the first of them.
    """
    most = sys.float_info.max
    for value in values:
        number = float(value) if isinstance(value, np.floating | np.integer) else value
        if isinstance(number, int | float) and not -most <= number <= most:
            missing = ", or pass None for what is missing" if number != number else ""  # noqa: PLR0124 - NaN
            raise ValueError(f"{name} holds {value}, expected finite numbers. Leave it out{missing}.")


def _are_names(values: Any) -> bool:  # noqa: ANN401
    return all(isinstance(value, str) for value in values)


def _levels(
    chosen: ModelColumns,
    values: Any,  # noqa: ANN401
) -> tuple[npt.NDArray[Any], FloatArray]:
    """Return the names of levels of a factor of dummies, and what its columns are in each, shape (v, g)."""
    columns, factor = chosen.columns, str(chosen.factor)
    observed = counted_columns(chosen.estimate.objective.rows, columns)
    if not np.isin(observed, (0.0, 1.0)).all() or observed.sum(axis=1).max() > 1.0:
        raise no_dummies(factor)
    names = [level_of(name, factor) for name in chosen.names]
    states = np.identity(len(columns))
    if observed.sum(axis=1).min() < 1.0:
        names, states = [chosen.base, *names], np.concatenate([np.zeros((1, len(columns))), states])
    levels = chosen_levels(factor, values, names)
    return np.array(levels, dtype=object), states[[names.index(name) for name in levels]]


def chosen_levels(factor: str, values: Any, names: list[str]) -> list[str]:  # noqa: ANN401
    """Return the levels asked for: all by default.

    Raises
    ------
    ValueError
        If one of them is none.
    """
    levels = names if values is None else list(values)
    unknown = [name for name in levels if name not in names]
    if unknown:
        raise ValueError(f"{factor!r} has no level {unknown[0]!r}, expected some of {names[:10]}.")
    return levels


def no_dummies(factor: str) -> ValueError:
    """Return what to raise where the columns of a factor do not say which level a row has."""
    return ValueError(
        f"The columns of {factor!r} are not zeros and ones with one of them on: no level is known. Set its columns to "
        "values, one at a time."
    )


def grid_of(observed: FloatArray) -> FloatArray:
    """Return what a number is set to by default: 0 and 1 if it has no other values, else from the least to the most."""
    if np.isin(observed, (0.0, 1.0)).all():
        return np.unique(observed)
    return np.linspace(observed.min(), observed.max(), _POINTS)
