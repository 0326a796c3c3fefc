"""Mean probabilities with columns of the model changed: averaged over rows, or at one place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block, Rows
from softglm.inference.classes import class_probabilities, every_class
from softglm.inference.estimable import Identified
from softglm.inference.estimate import Estimate
from softglm.inference.means import (
    are_changes_known,
    deviations_of,
    is_place_known,
    moved_offset,
    observed_rows,
    of_any_weight,
    pulled_back,
    rows_at,
    rows_of_group,
)
from softglm.inference.states import Means
from softglm.sums import Features, Predictor, Sum


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
