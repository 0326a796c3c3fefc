"""Predictions with columns of the model set to given values: averaged over the rows, or at one place."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, TypeAlias, final

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
    pulled_back,
    rows_at,
    weighted_means,
)
from softglm.sums import Features, Predictor, Sum

# Probabilities (v, K), their gradients (v, K, P), and which of the v the data determine.
Means: TypeAlias = tuple[FloatArray, FloatArray, BoolArray]
# The values of a number at which it is set by default.
_POINTS = 51


@final
@dataclass(frozen=True, eq=False)
class Averages:
    """What is set, what to, and what the probabilities are then.

    Attributes
    ----------
    terms, grid, observed
        As in `AveragePredictions`.
    means : tuple of arrays
        The mean probabilities, shape (v, K), their gradients in the coordinates, shape (v, K, P), and which of them the
        data determine, shape (v,).
    """

    terms: tuple[str, ...]
    grid: npt.NDArray[Any]
    means: Means
    observed: FloatArray


@final
@dataclass(frozen=True, eq=False)
class ModelColumns:
    """Columns of the model that are set.

    Attributes
    ----------
    columns : array of shape (g,)
    names : tuple of str, length g
    factor : str or None
        Whose dummies they are; None where they are set one by one.
    base : str
        The name of the level of the factor that has no column.
    """

    columns: npt.NDArray[np.intp]
    names: tuple[str, ...]
    factor: str | None
    base: str


@final
@dataclass(frozen=True)
class SeenWith(Sum):
    """Which rows the limit of a separated fit determines where columns are set to values, to be joined.

    Attributes
    ----------
    features : Features
    identified : Identified
    columns : array of shape (g,)
    state : array of shape (g,)
        What they are set to.
    """

    features: Features
    identified: Identified
    columns: npt.NDArray[np.intp]
    state: FloatArray

    def __call__(self, block: Block) -> tuple[BoolArray]:
        """Return whether it does, shape (rows,)."""
        centred = block.centred(self.features.center)
        centred[:, self.columns] = self.state - self.features.center[self.columns]
        return (self.identified.rows(self.features.of_centred(centred)),)


@final
@dataclass(frozen=True)
class Moves(Sum):
    """What setting columns to values adds to the features of each row.

    Attributes
    ----------
    columns : array of shape (g,)
    state : array of shape (g,)
    """

    columns: npt.NDArray[np.intp]
    state: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return what is added, shape (rows, p), and the weights of the rows."""
        X = block.centred(np.zeros(block.X.shape[1]))
        moved = np.zeros_like(X)
        moved[:, self.columns] = self.state - X[:, self.columns]
        return moved, block.row_weights


@final
@dataclass(frozen=True)
class ProbabilitiesWith(Sum):
    """The probabilities and their gradients where columns are set to each of several values, added up.

    Attributes
    ----------
    predictor : Predictor
    directions : array of shape (K, s)
        D.
    center : array of shape (p,)
        c.
    columns : array of shape (g,)
    states : array of shape (v, g)
        What they are set to.
    """

    predictor: Predictor
    directions: FloatArray
    center: FloatArray
    columns: npt.NDArray[np.intp]
    states: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return sum w, (1,), and of each state in turn sum w p, (K,), sum w J (x - c)', (K, s, p), sum w J, (K, s)."""
        columns, moved = self.columns, self.predictor.coef[self.columns]
        centred = block.centred(self.center)
        eta = self.predictor.of(block)
        eta -= moved.T @ (centred[:, columns] + self.center[columns]).T
        sums = []
        for state in self.states:
            probability = class_probabilities(eta + (state @ moved)[:, np.newaxis])
            deviations = deviations_of(probability, self.directions)
            weighted = block.weighted(probability)
            jacobians = weighted[:, np.newaxis] * deviations
            centred[:, columns] = state - self.center[columns]
            sums += [weighted.sum(axis=1), jacobians @ centred, jacobians.sum(axis=2)]
        weight = block.row_weights.sum(keepdims=True)
        return (weight, *sums)


def averages_of_columns(
    estimate: Estimate,
    chosen: ModelColumns,
    values: Any,  # noqa: ANN401
    at: Literal["average", "means"] | Mapping[int, Any],
) -> Averages:
    """Return the predictions with columns of the model set to values.

    Parameters
    ----------
    estimate : Estimate
    chosen : ModelColumns
    values : array-like of shape (v, g), or (v,) for one column or the names of levels, or None
    at : {"average", "means"} or dict from column to value
        The other columns.

    Returns
    -------
    Averages

    Raises
    ------
    ValueError
        If the values are no finite numbers or of another shape, or the columns of a factor are no dummies.
    """
    columns, terms, observed = chosen.columns, chosen.names, np.empty(0)
    shown: npt.NDArray[Any]
    if chosen.factor is not None and (values is None or _are_names(values)):
        terms = (chosen.factor,)
        shown, states = _levels(estimate, chosen, values)
    else:
        if len(columns) == 1:
            observed = counted_columns(estimate.objective.rows, columns)[:, 0]
        if values is None:
            if len(columns) > 1:
                raise ValueError(f"values is missing: pass an array of shape (v, {len(columns)}).")
            values = grid_of(observed)
        states = _numbers(values, len(columns))
        shown = states[:, 0] if len(columns) == 1 else states
    place: FloatArray | None = None
    if at != "average":
        place = weighted_means(estimate.objective.rows)
        for column, value in at.items() if isinstance(at, Mapping) else ():
            place[column] = _number(value)
    return Averages(terms, shown, means_with(estimate, columns, states, place), observed)


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
    estimate: Estimate,
    chosen: ModelColumns,
    values: Any,  # noqa: ANN401
) -> tuple[npt.NDArray[Any], FloatArray]:
    """Return the names of levels of a factor of dummies, and what its columns are in each, shape (v, g)."""
    columns, factor = chosen.columns, str(chosen.factor)
    observed = counted_columns(estimate.objective.rows, columns)
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
    estimate: Estimate, columns: npt.NDArray[np.intp], states: FloatArray, place: FloatArray | None = None
) -> Means:
    """Return the means with columns of the model set, over the rows or where the others are at one place, (p,)."""
    if place is None and estimate.observed is not None:
        found = [_mean_of_limit(estimate, columns, state) for state in states]
        probability, gradients, is_known = (np.stack(parts) for parts in zip(*found, strict=True))
        return probability, gradients, is_known
    if place is None:
        rows = estimate.objective.rows
        known = [_is_known(estimate, columns, state) for state in states]
    else:
        rows = rows_at(observed_rows(estimate), place)
        known = []
        for state in states:
            there = place.copy()
            there[columns] = state
            known.append(is_place_known(estimate, there))
    return *_sums(estimate, rows, columns, states), np.array(known, dtype=bool)


def _mean_of_limit(
    estimate: Estimate, columns: npt.NDArray[np.intp], state: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return the mean with columns set to one state, for the limit of a separated fit.

    Either the place that a row is moved to is determined, where nothing is excluded, or the way there.
    """
    (seen,) = estimate.objective.rows.concatenate(SeenWith(estimate.features, estimate.identified, columns, state))
    rows = estimate.objective.rows.changed(offset=moved_offset(estimate, seen))
    probability, gradients = _sums(estimate, rows, columns, state[np.newaxis])
    is_known = _is_known(estimate, columns, state, seen)
    return probability[0], gradients[0], np.asarray(is_known)


def _is_known(
    estimate: Estimate, columns: npt.NDArray[np.intp], state: FloatArray, seen: BoolArray | None = None
) -> bool:
    """Tell whether the data determine what setting columns does to rows of any weight, but for those that are seen."""

    def changes(chosen: BoolArray | None) -> Iterator[FloatArray]:
        first = 0
        for moved, weights in estimate.objective.rows.map(Moves(columns, state)):
            rows = slice(first, first + len(moved))
            first = rows.stop
            yield moved[(weights > 0.0) if chosen is None else (weights > 0.0) & chosen[rows]]

    if seen is None:
        return are_changes_known(estimate, changes(None))
    return are_changes_known(estimate, changes(None), are_small=True) and are_changes_known(estimate, changes(~seen))


def _sums(
    estimate: Estimate, rows: Rows, columns: npt.NDArray[np.intp], states: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return P, shape (v, K), and its gradients, shape (v, K, P), in one pass over the rows."""
    directions, center = every_class(estimate.coordinates.classes), estimate.objective.moments.center
    weight, *sums = rows.sum(ProbabilitiesWith(estimate.predictor, directions, center, columns, states))
    probability, features, constant = (np.stack(sums[first::3]) / weight for first in range(3))
    return probability, pulled_back(estimate, features, constant)
