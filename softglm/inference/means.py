r"""Mean probabilities of rows, their gradients, and whether the data determine them, wherever features are moved to.

With p = softmax(eta) of row i, eta_k = D_k' zeta in its s identifiable directions (D of shape (K, s)), and f_l the
features in the coordinates Z, in which d zeta_c / d Z_lc = scales_lc f_l,

    P_k = mean of p_k,    d P_k / d Z_lc = scales_lc  mean of p_k (D_k - D'p)_c f_l

That serves averages of predictions, differences between levels, and, as the quotient of a difference, derivatives.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy.special import logit

from softglm.arrays import BoolArray, FloatArray, Matrix
from softglm.data import Block, DenseBlock, Rows, RowsInMemory
from softglm.data.block import dense, make_block
from softglm.data.rows import Statistic
from softglm.inference.classes import class_probabilities, every_class
from softglm.inference.estimable import DeterminedRows, triangle_of
from softglm.inference.estimate import Estimate
from softglm.inference.inputs import Inputs, Setting
from softglm.sums import Combinations, Offsets, Predictor, RowWeights, Sum, WeightedTotals

# Changes whose singular values are below this share of the largest are rounding; so are those of small changes, and in
# single precision.
_INDEPENDENT, _SMALL_INDEPENDENT, _SINGLE_INDEPENDENT = 1e-8, 1e-5, 1e-3
# Rows whose changes are looked at together.
_CHUNK = 4096


@final
@dataclass(frozen=True)
class MeanProbabilities(Sum):
    """The probabilities and their gradients, added up.

    Attributes
    ----------
    predictor : Predictor
    directions : array of shape (K, s)
        D.
    center : array of shape (p,)
        c.
    """

    predictor: Predictor
    directions: FloatArray
    center: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return sum w p, (K,), sum w J, (K, s), sum w J (x - c)', (K, s, p), sum w, (1,), of J_k = p_k (D_k - D'p)."""
        block = of_any_weight(block)
        probability = class_probabilities(self.predictor.of(block))
        deviations = deviations_of(probability, self.directions)
        weighted = block.weighted(probability)
        jacobians = weighted[:, np.newaxis] * deviations
        weight = block.row_weights.sum(keepdims=True)
        features = jacobians @ block.centred(self.center)
        return weighted.sum(axis=1), jacobians.sum(axis=2), features, weight


def mean_probabilities(estimate: Estimate, rows: Rows) -> tuple[FloatArray, FloatArray]:
    """Return P, shape (K,), and its gradients in the coordinates, shape (K, P), over rows of any features.

    Parameters
    ----------
    estimate : Estimate
    rows : Rows
        Of which features, weights and offset are used.

    Returns
    -------
    tuple of arrays
        P and its gradients.
    """
    directions, center = every_class(estimate.coordinates.classes), estimate.objective.moments.center
    probability, constant, features, weight = rows.sum(MeanProbabilities(estimate.predictor, directions, center))
    return probability / weight, pulled_back(estimate, features / weight, constant / weight)


def pulled_back(estimate: Estimate, features: FloatArray, constant: FloatArray) -> FloatArray:
    """Return gradients in the coordinates, shape (..., P), of sums over rows of J [x - c; 1].

    Parameters
    ----------
    estimate : Estimate
    features : array of shape (..., s, p)
        Of J (x - c).
    constant : array of shape (..., s)
        Of J.
    """
    coordinates = estimate.coordinates
    p = features.shape[-1]
    along = features @ coordinates.features[:p]
    along += constant[..., np.newaxis] * coordinates.features[p:].sum(axis=0)
    moved = coordinates.scales * along.swapaxes(-1, -2)
    return np.asarray(moved.reshape(*moved.shape[:-2], -1))


def deviations_of(probability: FloatArray, directions: FloatArray) -> FloatArray:
    """Return D_k - D'p, shape (K, s, rows), of p, shape (K, rows): p_k times them is dp_k / dzeta."""
    return np.asarray(directions[:, :, np.newaxis] - directions.T @ probability)


def log_odds_of(probability: FloatArray, gradients: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return 1 - P and logit P, shape (..., K), and the gradients of that, shape (..., K, P), of means of every class.

    Parameters
    ----------
    probability : array of shape (..., K)
        P.
    gradients : array of shape (..., K, P)
    """
    # What the other classes have: 1 - P_k would cancel where P_k rounds to 1.
    rest = probability @ (1.0 - np.identity(probability.shape[-1]))
    spread = (probability * rest)[..., np.newaxis]
    slopes = np.divide(gradients, spread, out=np.zeros_like(gradients), where=spread > 0.0)
    with np.errstate(divide="ignore"):
        log_odds = np.where(probability < rest, logit(probability), -logit(rest))
    return rest, log_odds, slopes


def weighted_means(rows: Rows) -> FloatArray:
    """Return the weighted means of the features, shape (p,)."""
    weight, x = rows.sum(WeightedTotals())
    return np.asarray(x / weight)


@final
@dataclass(frozen=True)
class AtPlace(Sum):
    """Another sum, of the same rows with their features at one place.

    Attributes
    ----------
    place : array of shape (p,)
    sum : Sum
    """

    place: FloatArray
    sum: Statistic

    def __call__(self, block: Block) -> tuple[npt.NDArray[Any], ...]:
        """Return what the other sum returns there."""
        X = np.tile(self.place, (len(block), 1))
        return self.sum(DenseBlock(X, block.targets, block.weights, block.offset))


@final
class _RowsAt(Rows):
    """The same rows, with features at one place: only their offsets still differ.

    Parameters
    ----------
    rows : Rows
    place : array of shape (p,)
    """

    def __init__(self, rows: Rows, place: FloatArray) -> None:
        self._rows, self._place = rows, place
        self.n_rows, self.n_features, self.has_offset = rows.n_rows, rows.n_features, rows.has_offset

    def map(self, statistic: Statistic) -> Iterator[tuple[npt.NDArray[Any], ...]]:
        """Yield the statistic of each block, as `Rows.map` does."""
        return self._rows.map(AtPlace(self._place, statistic))


def rows_at(rows: Rows, place: FloatArray) -> Rows:
    """Return the rows with their features at one place, (p,); without offsets they are all alike, and one is enough."""
    if rows.has_offset:
        return _RowsAt(rows, place)
    return RowsInMemory(place[np.newaxis], np.zeros(1, dtype=np.int32))


def observed_rows(estimate: Estimate) -> Rows:
    """Return the rows as they were observed: with no alternative taken away, where the fit is a limit."""
    return (estimate.observed or estimate.objective).rows


def of_any_weight(block: Block) -> Block:
    """Return the rows of a block that count: those of a group are often few."""
    if block.weights is None or (block.weights > 0.0).all():
        return block
    chosen = np.flatnonzero(block.weights > 0.0)
    offset = None if block.offset is None else block.offset[chosen]
    return make_block(block.X[chosen], block.targets[chosen], block.weights[chosen], offset)


def rows_of_group(rows: Rows, group: BoolArray | None) -> Rows:
    """Return the rows with weights of 0 for all that are not in a group, (n,); as they are, without one."""
    if group is None:
        return rows
    (weights,) = rows.concatenate(RowWeights())
    return rows.changed(weights=np.where(group, weights, 0.0))


def counted_columns(rows: Rows, columns: npt.NDArray[np.intp]) -> FloatArray:
    """Return columns of the rows of any weight, shape (counted rows, g)."""
    pick = np.zeros((rows.n_features, len(columns)))
    pick[columns, np.arange(len(columns))] = 1.0
    values, weights = rows.concatenate(Combinations(pick))
    return np.asarray(values[:, weights > 0.0].T)


def forms_of(estimate: Estimate, features: FloatArray, constant: float) -> FloatArray:
    """Return [features; constant], shape (k, m), of features (k, p): forms of a column of the parameters."""
    m, _ = estimate.objective.shape
    return np.concatenate([features, np.full((len(features), m - features.shape[1]), constant)], axis=1)


def determined_rows(estimate: Estimate) -> DeterminedRows:
    """Return what tells of which rows the data determine the probabilities."""
    return DeterminedRows(estimate.features, estimate.row_space, estimate.identified)


def is_place_known(estimate: Estimate, place: FloatArray) -> bool:
    """Tell whether the data determine the probabilities where features are at one place, (p,)."""
    form = forms_of(estimate, (place - estimate.objective.moments.center)[np.newaxis], 1.0)
    seen = estimate.identified.rows(form @ estimate.coordinates.features)
    return bool(estimate.row_space.estimable(form).all() and seen.all())


def are_changes_known(
    estimate: Estimate, changes: Iterable[FloatArray], *, is_single: bool = False, are_small: bool = False
) -> bool:
    """Tell whether the data determine what changes of the features do to the ratios of all classes.

    Parameters
    ----------
    estimate : Estimate
    changes : iterable of arrays of shape (rows, p)
    is_single : bool, default=False
        Whether they are known in single precision only.
    are_small : bool, default=False
        Whether they leave every row where it was, so that what is separated there stays so.
    """
    m, r = estimate.coordinates.features.shape
    is_collinear = r < m and not estimate.is_penalised
    if not is_collinear and (are_small or not estimate.unidentified.size):
        return True
    basis = _span(changes, _SINGLE_INDEPENDENT if is_single else _SMALL_INDEPENDENT if are_small else _INDEPENDENT)
    forms = forms_of(estimate, basis, 0.0)
    if not estimate.row_space.estimable(forms).all():
        return False
    return are_small or bool(estimate.identified.rows(forms @ estimate.coordinates.features).all())


def _span(changes: Iterable[FloatArray], tolerance: float) -> FloatArray:
    """Return a basis of what changes span, shape (k, p)."""
    triangle = triangle_of((block,) for block in changes)
    units = np.abs(triangle).max(axis=0)
    units[units == 0.0] = 1.0
    _, singular, vectors = np.linalg.svd(triangle / units)
    return np.asarray(vectors[singular > tolerance * singular[0]] * units)


def moved_offset(estimate: Estimate, seen: BoolArray) -> FloatArray:
    """Return the offset, shape (n, q), of rows of which some, (n,), are moved to where the limit is determined.

    There nothing is excluded; the others stay where something is.
    """
    assert estimate.observed is not None  # noqa: S101 - asked of limits
    limit = estimate.objective.rows.concatenate(Offsets())[0].T
    rows = estimate.observed.rows
    known = rows.concatenate(Offsets())[0].T if rows.has_offset else np.zeros_like(limit)
    return np.where(seen[:, np.newaxis], known, limit)


@final
class Counterfactual:
    """The rows of a fit as they are where inputs are set: to average over, or at one place.

    Parameters
    ----------
    estimate : Estimate
    inputs : Inputs
    place : dict from position to value, or None
        What all others are set to, for a place; there the columns of the model are averaged over the rows. None to
        leave them as they are, and average the probabilities.
    group : bool array of shape (n,) or None, default=None
        Which rows to average over; None for all.
    """

    def __init__(
        self, estimate: Estimate, inputs: Inputs, place: Setting | None = None, group: BoolArray | None = None
    ) -> None:
        self.estimate, self.inputs, self.place = estimate, inputs, place
        rows = rows_of_group(estimate.objective.rows if place is None else observed_rows(estimate), group)
        (self._weights,) = rows.concatenate(RowWeights())
        self._offset = rows.concatenate(Offsets())[0].T if rows.has_offset else None
        self._own: Matrix | None = None

    def setting(self, setting: Setting) -> Setting:
        """Return what inputs are set to, those of the place included."""
        return {**(self.place or {}), **setting}

    def rows(self, transformed: Matrix) -> Rows:
        """Return the rows, or the place, with these columns of the model, shape (n, p)."""
        targets = np.broadcast_to(np.int32(0), transformed.shape[0])
        offset = self._offset
        if self.place is None and self.estimate.observed is not None:
            offset = moved_offset(self.estimate, self._is_seen(transformed))
        rows = RowsInMemory(transformed, targets, self._weights, offset)
        return rows if self.place is None else rows_at(rows, weighted_means(rows))

    def mean(self, setting: Setting) -> tuple[FloatArray, FloatArray, bool]:
        """Return the mean probabilities, (K,), their gradients, (K, P), and if the data determine them."""
        transformed = self.inputs.transformed(self.setting(setting))
        rows = self.rows(transformed)
        return *mean_probabilities(self.estimate, rows), self.is_known(transformed)

    def slope(self, shifted: tuple[Matrix, Matrix], step: float) -> tuple[FloatArray, FloatArray, bool]:
        """Return the derivatives, (K,), by a shift of the columns of the model up and down, with their gradients."""
        (up, gradients_up), (down, gradients_down) = (
            mean_probabilities(self.estimate, self.rows(transformed)) for transformed in shifted
        )
        changes = self._blocks(lambda rows: dense(shifted[0][rows]) - dense(shifted[1][rows]))
        is_single = shifted[0].dtype == np.float32
        is_known = are_changes_known(self.estimate, changes, is_single=is_single, are_small=True)
        if self.place is not None:
            is_known &= self.is_known(shifted[0])
        return (up - down) / (2.0 * step), (gradients_up - gradients_down) / (2.0 * step), is_known

    def is_known(self, transformed: Matrix) -> bool:
        """Tell whether the data determine the probabilities with these columns of the model, shape (n, p)."""
        if self.place is not None:
            targets = np.broadcast_to(np.int32(0), transformed.shape[0])
            return is_place_known(self.estimate, weighted_means(RowsInMemory(transformed, targets, self._weights)))
        if self._own is None:
            self._own = self.inputs.transformed({})
        own, is_single = self._own, transformed.dtype == np.float32

        def change(rows: npt.NDArray[np.intp]) -> FloatArray:
            return dense(transformed[rows]) - dense(own[rows])

        if self.estimate.observed is None:
            return are_changes_known(self.estimate, self._blocks(change), is_single=is_single)
        # Of a limit either the place that a row is moved to is determined, or the way there.
        unseen = ~self._is_seen(transformed)
        if not are_changes_known(self.estimate, self._blocks(change), is_single=is_single, are_small=True):
            return False
        moved = self._blocks(change, unseen)
        return not unseen[self._weights > 0.0].any() or are_changes_known(self.estimate, moved, is_single=is_single)

    def _is_seen(self, transformed: Matrix) -> BoolArray:
        """Tell of which rows, with these columns of the model, the limit determines the probabilities, shape (n,)."""
        coordinates, center = self.estimate.coordinates, self.estimate.objective.moments.center
        chunks = (slice(first, first + _CHUNK) for first in range(0, transformed.shape[0], _CHUNK))
        features = (coordinates.features_of(dense(transformed[rows]) - center) for rows in chunks)
        return np.concatenate([self.estimate.identified.rows(each) for each in features])

    def _blocks(
        self, changes_of: Callable[[npt.NDArray[np.intp]], FloatArray], chosen: BoolArray | None = None
    ) -> Iterator[FloatArray]:
        is_counted = self._weights > 0.0
        counted = np.flatnonzero(is_counted if chosen is None else is_counted & chosen)
        for first in range(0, len(counted), _CHUNK):
            yield changes_of(counted[first : first + _CHUNK])
