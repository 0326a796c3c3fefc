"""What y is, and this is the only file that asks: labels, probabilities or counts, of which classes and family."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, final

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.multiclass import type_of_target

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.families import Bernoulli, Categorical, UnconstrainedFamily
from softglm.validation.counts import read_counts, warn_about_counts
from softglm.validation.entries import as_given
from softglm.validation.features import clean_response
from softglm.validation.finite import MOST, as_float
from softglm.validation.labels import (
    Labels,
    column_names,
    columns_by_class,
    encoded,
    is_frame,
    places_among,
    read_labels,
)
from softglm.warn import warn_user

# A count this close to a whole number is one.
_WHOLE = 1e-9
# Labels that are counted at a time: NumPy makes two copies of them, of 64 bits.
_COUNTED = 2**20
# Of more rows than these, labels that are more than half as many are asked about, as scikit-learn does.
_FEW_ROWS, _HALF = 20, 0.5


@final
@dataclass(frozen=True, eq=False)
class Response:
    """The observed y: labels, or rows of class probabilities or counts.

    Attributes
    ----------
    classes : array of shape (K,)
        Sorted, the names of the columns of a frame; of a fitted model, in its order.
    codes : array of shape (n,), int32, or None
        The position of each label in `classes`, -1 for labels that are not there.
    counts : array of shape (n, K) or None
        y as given, its columns in the order of `classes`.
    """

    classes: Labels
    codes: IntArray | None
    counts: FloatArray | None

    @property
    def trials(self) -> FloatArray | None:
        """m_i, the total of each row of counts, shape (n,); None for labels, where it is 1."""
        return None if self.counts is None else self.counts.sum(axis=1)

    def weighted_trials(self, factors: FloatArray | None) -> FloatArray | None:
        """Return m_i as the objective has it, class weights in; None for labels, whose rows have them as weights."""
        if self.counts is None or factors is None:
            return self.trials
        return np.asarray(self.counts @ factors)

    @property
    def holds_fractions(self) -> bool:
        """Whether some count is no whole number."""
        return self.counts is not None and bool(np.abs(self.counts - np.round(self.counts)).max() > _WHOLE)

    @property
    def is_unknown(self) -> BoolArray:
        """Which rows have a label that is none of the classes, shape (n,)."""
        return np.zeros(len(self._given), dtype=bool) if self.codes is None else self.codes < 0

    def present(self, weights: FloatArray | None, factors: FloatArray | None = None) -> BoolArray:
        """Tell which classes have weight, shape (K,): sum_i w_i c_k t_ik > 0.

        A class without is no part of the model, and has probability 0. So has one of two whose share of the weight is
        below the resolution of double precision: the mean of a coin that all but never falls on one side rounds to 1.
        """
        totals = self.class_totals(weights)
        totals = totals if factors is None else totals * factors
        least = np.finfo(np.float64).eps * totals.sum() if len(self.classes) == 2 else 0.0
        return np.asarray(totals > least)

    def family(self, present: BoolArray | None = None) -> UnconstrainedFamily:
        """Return what is assumed of y: two classes, present or not, are a Bernoulli, more those that are present."""
        if len(self.classes) == 2:
            return Bernoulli()
        n_present = len(self.classes) if present is None else int(present.sum())
        return Categorical(max(n_present, 2))

    def targets(
        self, present: BoolArray, factors: FloatArray | None
    ) -> tuple[FloatArray | IntArray, FloatArray | None]:
        """Return T(y) of the family of the classes that are present, and by what the weight of each row is multiplied.

        Class weights multiply the column of t that belongs to the class, t_ik -> c_k t_ik, and the row totals follow:
        the only reading under which counts are repeated rows. Two classes keep their one natural parameter, whatever
        their weights.
        """
        binary = len(self.classes) == 2
        present = np.ones(2, dtype=bool) if binary else present
        if self.codes is not None:
            codes = self.codes
            if not present.all():
                # The rows of absent classes have weight zero; any code will do for them.
                codes = np.maximum(np.cumsum(present) - 1, 0).astype(np.int32)[codes]
            return codes, None if factors is None else factors[self.codes]
        counts = self._given[:, present]
        if factors is not None:
            counts = counts * factors[present]
        trials = counts.sum(axis=1)
        empty = trials == 0.0
        shares = counts / np.where(empty, 1.0, trials)[:, np.newaxis]
        shares[empty] = 1.0 / shares.shape[1]
        targets = np.ascontiguousarray(shares[:, 1]) if binary else shares
        return targets, None if (trials == 1.0).all() else trials

    def class_totals(self, weights: FloatArray | None) -> FloatArray:
        """Return sum_i w_i t_ik for each class, shape (K,)."""
        if self.codes is not None:
            totals = np.zeros(len(self.classes))
            for rows in (slice(start, start + _COUNTED) for start in range(0, len(self.codes), _COUNTED)):
                totals += np.bincount(self.codes[rows], None if weights is None else weights[rows], len(totals))
            return totals
        counts = self._given
        return np.asarray(counts.sum(axis=0) if weights is None else weights @ counts)

    def observed_at(self, codes: int | npt.NDArray[Any]) -> FloatArray:
        """Return t_i,code: what was observed of one class, of each row the same or another, shape (n,)."""
        if self.codes is not None:
            return np.asarray((self.codes == codes).astype(np.float64))
        return np.asarray(self._given[np.arange(len(self._given)), codes])

    def log_likelihoods(self, log_probabilities: FloatArray) -> FloatArray:
        """Return sum_k t_ik log p_ik of each row, shape (n,), where 0 log 0 = 0."""
        if self.codes is not None:
            return np.asarray(log_probabilities[np.arange(len(self.codes)), self.codes])
        counts = self._given
        observed = counts > 0.0
        return np.asarray(np.where(observed, counts * np.where(observed, log_probabilities, 0.0), 0.0).sum(axis=1))

    def log_likelihood(self, log_probabilities: FloatArray, weights: FloatArray | None) -> float:
        """Return sum_i w_i sum_k t_ik log p_ik, where 0 log 0 = 0."""
        per_row = self.log_likelihoods(log_probabilities)
        # A row that does not count may well be impossible.
        return float(per_row.sum() if weights is None else weights @ np.where(weights > 0.0, per_row, 0.0))

    @property
    def saturated(self) -> FloatArray | None:
        """sum_k t_ik log(t_ik / m_i) per row: the log-likelihood of predicting each row; None for labels: 0."""
        if self.counts is None:
            return None
        shares = self.counts / self.counts.sum(axis=1, keepdims=True)
        logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0.0)
        return np.asarray((self.counts * logs).sum(axis=1))

    def best_log_likelihood(self, weights: FloatArray | None) -> float:
        """Return the sum of `saturated` over the rows; 0 for labels."""
        saturated = self.saturated
        if saturated is None:
            return 0.0
        return float(saturated.sum() if weights is None else weights @ saturated)

    def taken(self, rows: npt.NDArray[np.intp]) -> "Response":
        """Return what was observed in these rows, of the same classes."""
        codes = None if self.codes is None else self.codes[rows]
        return Response(self.classes, codes, None if self.counts is None else self.counts[rows])

    @property
    def values(self) -> npt.NDArray[Any]:
        """y as a user would pass it: labels, or counts."""
        return self._given if self.codes is None else self.classes[self.codes]

    @property
    def _given(self) -> FloatArray:
        assert self.counts is not None  # noqa: S101 - there are codes or counts
        return self.counts


def read_response(y: Any, values: npt.NDArray[Any], *, warns: bool = True) -> Response:
    """Return the response of a fit.

    Parameters
    ----------
    y : object
        As passed by the user: asked for the names of its columns.
    values : array of shape (n,) or (n, k)
        The same, checked for missing values.
    warns : bool, default=True
        Whether to warn of what may be meant otherwise.
    """
    if values.ndim == 2 and values.shape[1] == 1:
        if warns:
            warn_user(
                "A column-vector y was passed when a 1d array was expected. Pass y.ravel() for labels, or one column "
                "per class for probabilities or counts.",
                DataConversionWarning,
            )
        values = values.ravel()
    if values.ndim == 1:
        values = read_labels(values, y)
        if values.dtype.kind not in "biuSU":  # integers and strings are labels
            _check_type(values)
        return response_of(values)
    counts = read_counts(values)
    if warns:
        warn_about_counts(counts)
    if not is_frame(y):
        return Response(np.arange(counts.shape[1]), None, counts)
    names = column_names(y, "y")
    order = np.argsort(names, kind="stable")
    return Response(names[order], None, counts[:, order])


def _check_type(values: Labels) -> None:
    """Raise unless numbers are whole, and so may be labels."""
    kind = type_of_target(values, input_name="y")
    if kind not in {"binary", "multiclass"}:
        raise ValueError(
            f"Unknown label type: {kind}. y has values like {values[:3].tolist()}, expected class labels: text or "
            "whole numbers. A continuous y is for a regressor; or cut it into classes."
        )


def warn_about_labels(classes: Labels, n_labels: int | None) -> None:
    """Warn where labels are nearly as many as rows, under the conditions of LogisticRegression.

    Parameters
    ----------
    classes : array of shape (K,)
    n_labels : int or None
        How many rows have a label; None of rows of counts.
    """
    n_classes, n_rows = len(classes), n_labels or 0
    if n_rows > _FEW_ROWS and n_classes > max(round(_HALF * n_rows), 2):
        warn_user(
            "The number of unique classes is greater than 50% of the number of samples. `y` could represent a "
            f"regression problem, not a classification problem: it has {n_classes} different labels in {n_rows} rows, "
            f"such as {classes[:3].tolist()}. A numeric y is for a regressor; or cut it into classes.",
            UserWarning,
        )


def response_of(labels: Labels, classes: Labels | None = None) -> Response:
    """Return labels of one type as a response: of known classes, or else of those that occur."""
    if classes is None:
        return Response(*encoded(labels), None)
    return Response(classes, places_among(labels, classes), None)


def match_response(y: Any, classes: Labels, n_rows: int) -> Response:
    """Return a response to be compared with a fitted model: labels by value, frames by name, arrays by position.

    Labels that the model was not fitted on have the code -1.
    """
    values = clean_response(y)
    if len(values) != n_rows:
        raise ValueError(f"y has {len(values)} rows, expected {n_rows}: one for each row of X.")
    if values.ndim == 2 and values.shape[1] == 1:
        values = values.ravel()
    if values.ndim == 2:
        return Response(classes, None, read_counts(columns_by_class(y, values, classes, "y")))
    values = read_labels(values, y)
    if (values.dtype.kind in "OSU") != (classes.dtype.kind in "OSU"):
        raise ValueError(
            f"y has labels like {values[:1].tolist()}, expected labels like {classes[:1].tolist()}, on which the "
            "model was fitted. Convert them."
        )
    return response_of(values, classes)


def read_class_weight(class_weight: Any, response: Response, weights: FloatArray | None) -> FloatArray | None:
    """Return c_k, shape (K,), or None for ones; "balanced" is W0 / (K W0_k) over the classes that have weight."""
    if class_weight is None:
        return None
    if isinstance(class_weight, str) and class_weight == "balanced":
        totals = response.class_totals(weights)
        present = totals > 0.0
        factors = np.ones_like(totals)
        factors[present] = totals.sum() / (present.sum() * totals[present])
        return factors
    if not isinstance(class_weight, dict):
        raise ValueError(f'class_weight must be None, "balanced" or a dict from class to weight, got {class_weight!r}.')
    if not all(isinstance(factor, Real) and 0.0 <= as_float(factor) <= MOST for factor in class_weight.values()):
        raise ValueError(f"class_weight must hold weights from 0 to {MOST:g}, got {as_given(class_weight)}.")
    classes = response.classes.tolist()
    known = set(classes)
    unknown = [label for label in class_weight if label not in known]
    # As in scikit-learn: a dict for every class may serve where some of its classes do not occur.
    if unknown and not all(label in class_weight for label in classes):
        raise ValueError(
            f"class_weight names {unknown[:10]}, expected some of the classes {classes[:10]}. Rename or drop those."
        )
    return np.array([class_weight.get(label, 1.0) for label in classes], dtype=np.float64)


def base_of(y: Any, classes: Labels) -> tuple[int, str]:
    """Return the position of the base class that nobody chose, and how it came to be that."""
    if is_frame(y) and np.shape(y)[1] == 1:
        y = y[y.columns[0]]
    dtype: Any = getattr(y, "dtype", None)
    # An ordered Categorical of pandas, an Enum of polars: their levels have an order.
    if getattr(dtype, "ordered", False) or type(dtype).__name__ == "Enum":
        known = classes.tolist()
        return known.index(next(level for level in dtype.categories if level in known)), "the first level"
    return 0, "the first in sorted order"
