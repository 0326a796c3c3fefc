"""What a model is fitted to: X, y, weights and offset, read and checked, as the rows of a fit.

`observe` reads what a user passed as arrays; what is elsewhere is read in `softglm.sources`.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.arrays import BoolArray, FloatArray, IntArray, Matrix
from softglm.data import Features, FeaturesInMemory, Rows
from softglm.families import UnconstrainedFamily
from softglm.inference.covariance import Covariance, covariance_of
from softglm.inference.estimate import Estimate
from softglm.observed import Covariances, Observed, Units
from softglm.response import Response, read_class_weight, read_response, warn_about_labels
from softglm.validation.clusters import read_clusters
from softglm.validation.features import clean_observations
from softglm.validation.finite import LEAST, MOST
from softglm.validation.labels import Labels
from softglm.validation.offset import read_offset
from softglm.validation.weights import read_weights

# A weight this close to a whole number is one.
_WHOLE = 1e-9


@final
@dataclass(frozen=True, eq=False)
class Observations(Observed):
    """What a model is fitted to, with what was observed in the memory of this process. Made by `observe`.

    Attributes
    ----------
    features : Features
    response : Response
    weights : array of shape (n,) or None
        Of the sample; class weights out.
    factors : array of shape (K,) or None
        The class weights c_k.
    offset : array of shape (n, K), or (n, 1) for two classes, or None
    present : bool array of shape (K,)
        Which classes have weight: see `Response.present`.
    columns : dict
        What a fit learns of the columns of X, by the names of scikit-learn's attributes; empty if there is none.
    """

    features: Features
    response: Response
    weights: FloatArray | None
    factors: FloatArray | None
    offset: FloatArray | None
    present: BoolArray
    columns: dict[str, Any] = field(default_factory=dict)

    @property
    def X(self) -> Matrix:
        """The features, where they are in memory."""
        return self.features.matrix

    @property
    def classes(self) -> Labels:
        return self.response.classes

    @property
    def n_rows(self) -> int:
        return self.features.shape[0]

    @property
    def n_features(self) -> int:
        return self.features.shape[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.features.dtype

    @property
    def has_offset(self) -> bool:
        return self.offset is not None

    @property
    def family(self) -> UnconstrainedFamily:
        return self.response.family(self.present)

    @property
    def counted_weights(self) -> FloatArray | None:
        """The sample weights, 0 where class weights of 0 leave nothing of a row: such rows do not count as rows."""
        factors, response = self.factors, self.response
        if factors is None or factors.all():
            return self.weights
        left = factors[response.codes] > 0.0 if response.counts is None else response.counts @ (factors > 0.0) > 0.0
        return left.astype(np.float64) if self.weights is None else np.where(left, self.weights, 0.0)

    def rows(self, *, with_class_weights: bool = True) -> tuple[Rows, float]:
        targets, weights, offset = self.beside(with_class_weights=with_class_weights)
        total = float(self.n_rows if weights is None else weights.sum())
        check_total(total)
        return self.features.rows(targets, weights, offset), total

    def beside(
        self, *, with_class_weights: bool = True
    ) -> tuple[FloatArray | IntArray, FloatArray | None, FloatArray | None]:
        """Return what rows have beside their features, absent classes left out: targets, weights, offset."""
        targets, multiples = self.response.targets(self.present, self.factors if with_class_weights else None)
        weights, offset = self.weights, self.offset
        if multiples is not None:
            weights = multiples if weights is None else weights * multiples
        if offset is not None and offset.shape[1] > 1:
            # What all classes have in common changes nothing, and where it is large it would cost digits.
            offset = offset[:, self.present]
            offset = offset - (offset.max(axis=1, keepdims=True) + offset.min(axis=1, keepdims=True)) / 2.0
        return targets, weights, offset

    @property
    def is_weighted(self) -> bool:
        return self.weights is not None

    def units(self, clusters: Any, *, is_sampled: bool) -> Units:
        sampled, trials = self.counted_weights, self.response.trials
        copies = None if is_sampled else sampled
        n_units = float(self.n_rows if sampled is None else np.count_nonzero(sampled))
        if copies is not None:
            n_units = float(copies.sum())
        n_observations = n_units
        if trials is not None and not is_sampled:
            n_observations = float(trials.sum() if sampled is None else trials @ sampled)
        is_whole = copies is None or bool((np.abs(copies - np.round(copies)) <= _WHOLE * copies).all())
        return Units(
            n_units=n_units,
            n_observations=n_observations,
            holds_fractions=self.response.holds_fractions,
            n_copies=None if is_whole else n_units,
            trials=self.response.weighted_trials(self.factors),
            copies=copies,
            clusters=None if clusters is None else read_clusters(clusters, sampled, self.n_rows),
        )

    def covariances(self, units: Units, clusters: Any, *, is_sampled: bool) -> Covariances:  # noqa: ARG002 - `units` knows
        return partial(_covariance_of, units)

    def taken(self, rows: npt.NDArray[np.intp]) -> "Observations":
        """Return these rows, of the same classes, of which some may be absent from them; class weights stay."""
        response = self.response.taken(rows)
        weights = None if self.weights is None else self.weights[rows]
        return Observations(
            FeaturesInMemory(self.X[rows]),
            response,
            weights,
            self.factors,
            None if self.offset is None else self.offset[rows],
            response.present(weights, self.factors),
            self.columns,
        )

    @property
    def sizes(self) -> FloatArray:
        """What each row counts where it is scored, class weights out: w_i m_i, shape (n,)."""
        trials, weights = self.response.trials, self.weights
        sizes = np.ones(self.n_rows) if trials is None else trials
        return sizes if weights is None else sizes * weights

    def deviances(self, losses: tuple[float, float], total_weight: float) -> tuple[float, float]:
        response, weights = self.response, self.weights
        if not self.present.all() and response.class_totals(weights)[~self.present].any():
            return np.inf, np.inf  # observed, and given probability 0
        return deviances_from(losses, total_weight, response.best_log_likelihood(weights))


def _covariance_of(units: Units, estimate: Estimate, kind: str, correction: str | None) -> Covariance:
    return covariance_of(
        estimate,
        kind,
        copies=units.copies,
        n_observations=units.n_units,
        clusters=units.clusters,
        correction=correction,
    )


def deviances_from(losses: tuple[float, float], total_weight: float, best: float) -> tuple[float, float]:
    """Return deviances of mean losses, given the log-likelihood of predicting each row."""
    model, null = (max(2.0 * (total_weight * loss + best), 0.0) for loss in losses)
    return model, null


def check_total(total: float) -> None:
    """Raise if a total weight is beyond what a fit can divide by."""
    if not LEAST <= total <= MOST:
        raise ValueError(
            f"The weights sum to {total:.3g}, expected between {LEAST:g} and {MOST:g}: sample weights times class "
            "weights times the totals of the rows of y. Rescale them."
        )


def observe(
    X: Any,
    y: Any,
    sample_weight: Any,
    offset: Any = None,
    *,
    class_weight: Any = None,
    estimator: Any = None,
    fitted_classes: Labels | None = None,
    needs_two: bool = False,
) -> Observations:
    """Read what a user passed, all of it: X, y, weights, class weights, the classes that are present, the offset.

    Parameters
    ----------
    X, y, sample_weight, offset, class_weight : object
        As the user passed them.
    estimator : estimator or None
        That is to be fitted to X, or was.
    fitted_classes : array of shape (K,) or None
        Of an estimator that was: y must have the same.
    needs_two : bool
        Whether two classes must have weight, or one will do.
    """
    if sparse.issparse(y):
        raise ValueError("y is a sparse matrix, expected an array of labels, probabilities or counts: y.toarray().")
    is_fit = estimator is not None and fitted_classes is None
    X, values, columns = clean_observations(X, y, estimator, is_fit=is_fit)
    weights = read_weights(sample_weight, X.shape[0])
    response = read_response(y, values)
    return observations_of(
        FeaturesInMemory(X),
        response,
        weights,
        offset,
        columns,
        class_weight=class_weight,
        fitted_classes=fitted_classes,
        needs_two=needs_two,
    )


def observations_of(
    features: Features,
    response: Response,
    weights: FloatArray | None,
    offset: Any,
    columns: dict[str, Any],
    *,
    class_weight: Any,
    fitted_classes: Labels | None,
    needs_two: bool = False,
) -> Observations:
    """Return what was read of X, y and the weights, as `observe` does; the other parameters are its own."""
    if fitted_classes is None:
        warn_about_labels(response.classes, None if response.codes is None else len(response.codes))
    elif not np.array_equal(response.classes, fitted_classes):
        raise ValueError(
            f"y has the classes {response.classes[:10].tolist()}, and the model was fitted on "
            f"{fitted_classes[:10].tolist()}. Pass the y of the fit."
        )
    factors = read_class_weight(class_weight, response, weights)
    present = response.present(weights, factors)
    check_presence(response.classes, present, needs_two=needs_two)
    known = read_offset(offset, features.shape[0], response.classes)
    return Observations(features, response, weights, factors, known, present, columns)


def check_presence(classes: Labels, present: BoolArray, *, needs_two: bool) -> None:
    """Raise if there is one class, or none of weight; or where two are needed, one of weight."""
    if len(classes) < 2:
        raise ValueError(
            f"y has only one class, {classes.tolist()}: there is nothing to tell apart. Pass rows of at least two."
        )
    if needs_two and present.sum() < 2:
        raise ValueError(
            f"Only the class {classes[present].tolist()} has any weight, so there is nothing to tell apart. "
            "Pass rows of at least two classes."
        )
    if not present.any():
        raise ValueError(
            f"None of the classes {classes[:10].tolist()} has any weight, so there is nothing to tell apart. Give "
            "weight to rows of at least two classes."
        )
