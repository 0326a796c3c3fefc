"""Predictions with columns of the model set to given values: averaged over the rows, or at one place."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block, Rows
from softglm.inference.classes import class_probabilities, every_class
from softglm.inference.estimable import Identified
from softglm.inference.estimate import Estimate
from softglm.inference.factors import level_of
from softglm.inference.means import (
    are_changes_known,
    counted_columns,
    deviations_of,
    is_place_known,
    moved_offset,
    observed_rows,
    of_any_weight,
    pulled_back,
    rows_at,
    rows_of_group,
    weighted_means,
)
from softglm.inference.states import Means, States, Subject
from softglm.sums import Features, Predictor, Sum

# The values of a number at which it is set by default.
_POINTS = 51


@final
@dataclass(frozen=True)
class Change:
    """What becomes of columns: x is set to `to`, or moved by it.

    Attributes
    ----------
    columns : array of shape (g,)
    to : array of shape (g,)
    is_move : bool
    """

    columns: npt.NDArray[np.intp]
    to: FloatArray
    is_move: bool

    def of(self, values: FloatArray) -> FloatArray:
        """Return what the columns become, shape (rows, g) or (g,), of what they are, (rows, g)."""
        return values + self.to if self.is_move else self.to


@final
@dataclass(frozen=True)
class SeenWith(Sum):
    """Which rows the limit of a separated fit determines where columns are set to values, to be joined.

    Attributes
    ----------
    features : Features
    identified : Identified
    change : Change
    """

    features: Features
    identified: Identified
    change: Change

    def __call__(self, block: Block) -> tuple[BoolArray]:
        """Return whether it does, shape (rows,)."""
        columns = self.change.columns
        centred, center = block.centred(self.features.center), self.features.center[columns]
        centred[:, columns] = self.change.of(centred[:, columns] + center) - center
        return (self.identified.rows(self.features.of_centred(centred)),)


@final
@dataclass(frozen=True)
class Moves(Sum):
    """What setting columns to values adds to the features of each row.

    Attributes
    ----------
    change : Change
    """

    change: Change

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return what is added, shape (rows, p), and the weights of the rows."""
        columns = self.change.columns
        values = block.columns(columns)
        moved = np.zeros(block.X.shape)
        moved[:, columns] = self.change.of(values) - values
        return moved, block.row_weights


@final
@dataclass(frozen=True)
class ProbabilitiesWith(Sum):
    """The probabilities and their gradients where columns are changed in each of several ways, added up.

    Attributes
    ----------
    predictor : Predictor
    directions : array of shape (K, s)
        D.
    center : array of shape (p,)
        c.
    changes : tuple of Change
        Of the same columns.
    """

    predictor: Predictor
    directions: FloatArray
    center: FloatArray
    changes: tuple[Change, ...]

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return sum w, (1,), and of each change sum w p, (K,), sum w J (x - c)', (K, s, p), and sum w J, (K, s)."""
        block = of_any_weight(block)
        columns = self.changes[0].columns
        coef, center = self.predictor.coef[columns], self.center[columns]
        centred = block.centred(self.center)
        values = centred[:, columns] + center
        eta = self.predictor.of(block)
        eta -= coef.T @ values.T
        sums = []
        for change in self.changes:
            changed = change.of(values)
            probability = class_probabilities(eta + coef.T @ np.atleast_2d(changed).T)
            deviations = deviations_of(probability, self.directions)
            weighted = block.weighted(probability)
            jacobians = weighted[:, np.newaxis] * deviations
            centred[:, columns] = changed - center
            sums += [weighted.sum(axis=1), jacobians @ centred, jacobians.sum(axis=2)]
        weight = block.row_weights.sum(keepdims=True)
        return (weight, *sums)


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
            raise ValueError(f"{name} holds {value}, expected finite numbers. Leave it out.")


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


def means_with(
    estimate: Estimate,
    changes: Sequence[Change],
    place: FloatArray | None = None,
    group: BoolArray | None = None,
) -> Means:
    """Return the means with columns changed, over rows or where the others are at one place.

    Parameters
    ----------
    estimate : Estimate
    changes : sequence of Change, length v
    place : array of shape (p,) or None, default=None
    group : bool array of shape (n,) or None, default=None
        Which rows to average over; None for all.

    Returns
    -------
    tuple of arrays
        The probabilities, shape (v, K), their gradients, (v, K, P), and which of them the data determine, (v,).
    """
    if place is not None:
        rows = rows_at(observed_rows(estimate), place)
        known = np.array([is_place_known(estimate, _at(place, change)) for change in changes], dtype=bool)
        return *_sums(estimate, rows, changes), known
    rows = rows_of_group(estimate.objective.rows, group)
    if estimate.observed is not None:
        found = [_mean_of_limit(estimate, rows, change) for change in changes]
        probability, gradients, is_known = (np.stack(parts) for parts in zip(*found, strict=True))
        return probability, gradients, is_known
    known = np.array([_is_known(estimate, rows, change) for change in changes], dtype=bool)
    return *_sums(estimate, rows, changes), known


def _at(place: FloatArray, change: Change) -> FloatArray:
    """Return a place with columns set, shape (p,)."""
    there = place.copy()
    there[change.columns] = change.to
    return there


def _mean_of_limit(estimate: Estimate, rows: Rows, change: Change) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return the mean with columns changed in one way, for the limit of a separated fit.

    Either the place that a row is moved to is determined, where nothing is excluded, or the way there.
    """
    (seen,) = rows.concatenate(SeenWith(estimate.features, estimate.identified, change))
    probability, gradients = _sums(estimate, rows.changed(offset=moved_offset(estimate, seen)), [change])
    return probability[0], gradients[0], np.asarray(_is_known(estimate, rows, change, seen))


def _is_known(estimate: Estimate, rows: Rows, change: Change, seen: BoolArray | None = None) -> bool:
    """Tell whether the data determine what a change does to rows of any weight, but for those that are seen."""

    def changes(chosen: BoolArray | None) -> Iterator[FloatArray]:
        first = 0
        for moved, weights in rows.map(Moves(change)):
            block = slice(first, first + len(moved))
            first = block.stop
            yield moved[(weights > 0.0) if chosen is None else (weights > 0.0) & chosen[block]]

    if seen is None:
        return are_changes_known(estimate, changes(None))
    return are_changes_known(estimate, changes(None), are_small=True) and are_changes_known(estimate, changes(~seen))


def _sums(estimate: Estimate, rows: Rows, changes: Sequence[Change]) -> tuple[FloatArray, FloatArray]:
    """Return P, shape (v, K), and its gradients, shape (v, K, P), in one pass over the rows."""
    directions, center = every_class(estimate.coordinates.classes), estimate.objective.moments.center
    weight, *sums = rows.sum(ProbabilitiesWith(estimate.predictor, directions, center, tuple(changes)))
    probability, features, constant = (np.stack(sums[first::3]) / weight for first in range(3))
    return probability, pulled_back(estimate, features, constant)
