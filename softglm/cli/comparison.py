"""SoftmaxGLM against LogisticRegression, cross-validated: how each predicts, what it costs, how far it stops."""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from statistics import fmean, median, median_high
from time import perf_counter
from typing import Any, final

import numpy as np
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from softglm.arrays import FloatArray, IntArray
from softglm.cli.tables import Table, filled
from softglm.estimator import SeparationWarning, SoftmaxGLM
from softglm.sources import Source

_SEED = 0
_NAMES = (
    "SoftmaxGLM",
    "LogisticRegression",
    "SoftmaxGLM, standardize=True",
    "StandardScaler + LogisticRegression",
)


@final
class Optimum(Enum):
    """What is known about the minimum f* of an objective; the members become worse in their order."""

    PROVED = "proved"
    ESTIMATED = "estimated"
    NOT_REACHED = "not reached"
    MISSING = "does not exist"


@final
@dataclass(frozen=True)
class Score:
    """What cross-validation says of a classifier.

    Attributes
    ----------
    name : str
    accuracy, log_loss : float
        On the rows held out, means over the folds; the log loss in nats.
    milliseconds, n_iterations : float, int
        Of one fit on one thread, medians over the folds.
    distance : float or None
        (f - f*) / (f_null - f*) in the worst fold: f is the objective on the training rows in the coordinates that the
        classifier saw, f* its minimum and f_null its value without features. None where some fold has no minimum, or it
        was not reached.
    optimum : Optimum
        What is known about f* in the worst fold.
    n_separated : int
        Folds in which f has no minimum: nothing is penalised, and the classes are separated.
    warnings : dict of str to int
        How often each category was raised, over all folds.
    """

    name: str
    accuracy: float
    log_loss: float
    milliseconds: float
    n_iterations: int
    distance: float | None
    optimum: Optimum
    n_separated: int
    warnings: dict[str, int]


@final
@dataclass(frozen=True)
class Choice:
    """The penalty that is compared.

    Attributes
    ----------
    alpha : float or None, default=None
        Its strength, in the coordinates that each classifier sees. None is 1/W, W being the weight of the rows that are
        fitted together: LogisticRegression's default, C=1.
    l1_ratio : float, default=0.0
        From 0, the ridge, to 1, the lasso.
    standardize : bool, default=False
        Whether the SoftmaxGLM that is fitted to all rows penalises columns in units of their standard deviations.
    """

    alpha: float | None = None
    l1_ratio: float = 0.0
    standardize: bool = False

    def model(self) -> SoftmaxGLM:
        """Return our classifier."""
        alpha = "1/n_samples" if self.alpha is None else self.alpha
        return SoftmaxGLM(alpha, l1_ratio=self.l1_ratio, standardize=self.standardize)

    def rival(self, total_weight: float) -> LogisticRegression:
        """Return LogisticRegression, for rows of this weight together: their number, where each counts once."""
        options: dict[str, Any] = {}
        if self.alpha is not None:
            strength = self.alpha * total_weight
            options["C"] = 1.0 / strength if strength > 0.0 else np.inf
        if self.l1_ratio > 0.0:
            # Only one of its solvers knows the elastic net; until 1.8 it is asked for by another name beside.
            options |= {"l1_ratio": self.l1_ratio, "solver": "saga", "random_state": _SEED}
            if LogisticRegression().penalty != "deprecated":
                options["penalty"] = "elasticnet"
        return LogisticRegression(**options)

    def penalty(self, coef: FloatArray, alpha: float) -> float:
        """Return the penalty of coefficients, in the units that it measures columns in."""
        kink, bend = float(np.abs(coef).sum()), float((coef**2).sum())
        return alpha * (self.l1_ratio * kink + (1.0 - self.l1_ratio) / 2.0 * bend)


def cross_validate_rivals(
    X: FloatArray,
    codes: IntArray,
    *,
    choice: Choice | None = None,
    n_folds: int = 5,
    variables: Sequence[slice] = (),
    weights: FloatArray | None = None,
) -> tuple[Score, ...]:
    """Cross-validate SoftmaxGLM and LogisticRegression, both on raw columns and both on standardised ones.

    Parameters
    ----------
    X : array of shape (n, p)
    codes : int array of shape (n,)
        The classes, 0 to K - 1, with at least `n_folds` rows each.
    choice : Choice or None, default=None
        The penalty; None for the defaults.
    n_folds : int, default=5
        They are stratified, and shuffled in the same way every time.
    variables : sequence of slice, default=()
        The columns of each variable, where X holds NaN: they are filled in from the rows that are fitted.
    weights : array of shape (n,), default=None
        Of the rows: both classifiers, the scaler and the scores take them. None counts each once.
    """
    splits = list(StratifiedKFold(n_folds, shuffle=True, random_state=_SEED).split(X, codes))
    choice = Choice() if choice is None else choice
    # Threads that wait for each other on a busy machine would be what is timed.
    with threadpool_limits(1):
        per_fold = [_score_fold(choice, filled(X, split[0], variables), codes, weights, split) for split in splits]
    return tuple(_summary(name, scores) for name, scores in zip(_NAMES, zip(*per_fold, strict=True), strict=True))


@final
@dataclass(frozen=True)
class _TimedFit:
    model: BaseEstimator
    milliseconds: float
    warnings: tuple[type[Warning], ...]


@final
@dataclass(frozen=True)
class _FoldScore:
    accuracy: float
    log_loss: float
    milliseconds: float
    n_iterations: int
    distance: float
    optimum: Optimum
    warnings: tuple[type[Warning], ...]


def _score_fold(
    choice: Choice, X: FloatArray, codes: IntArray, weights: FloatArray | None, split: tuple[IntArray, IntArray]
) -> list[_FoldScore]:
    train, test = split
    fitted, held_out = (None if weights is None else weights[rows] for rows in split)
    total = len(train) if fitted is None else float(fitted.sum())
    strength = 1.0 / total if choice.alpha is None else choice.alpha
    rival = choice.rival(total)
    raw, standardised = replace(choice, standardize=False), replace(choice, standardize=True)
    contestants = (raw.model(), rival, standardised.model(), make_pipeline(StandardScaler(), clone(rival)))
    fits = [timed_fit(model, X[train], codes[train], fitted) for model in contestants]
    plain = replace(raw, alpha=strength)
    scores = []
    for timed in fits:
        classifier, seen, reference = timed.model, X, fits[0]
        if isinstance(classifier, SoftmaxGLM):
            reference = timed
        elif isinstance(classifier, Pipeline):
            # The penalty acts in the coordinates behind the scaler, so the optimum is another one there.
            classifier, seen = timed.model[-1], timed.model[:-1].transform(X)
            reference = timed_fit(plain.model(), seen[train], codes[train], fitted)
        scale = getattr(classifier, "scale_", None)
        penalty = plain.penalty(classifier.coef_ * (1.0 if scale is None else scale), strength)
        distance, optimum = _distance(classifier, reference, seen[train], codes[train], weights=fitted, penalty=penalty)
        log_probabilities = _log_probabilities(classifier, seen[test])
        scores.append(
            _FoldScore(
                accuracy=float(np.average(log_probabilities.argmax(axis=1) == codes[test], weights=held_out)),
                log_loss=_log_loss(log_probabilities, codes[test], held_out),
                milliseconds=timed.milliseconds,
                n_iterations=int(classifier.n_iter_.max()),
                distance=distance,
                optimum=optimum,
                warnings=timed.warnings,
            )
        )
    return scores


def timed_fit(
    model: BaseEstimator, X: FloatArray | Source, y: IntArray | None, weights: FloatArray | None = None
) -> _TimedFit:
    """Fit a model, and keep its warnings to be counted."""
    prefixes = [f"{name}__" for name, _ in model.steps] if isinstance(model, Pipeline) else [""]
    weighting = {} if weights is None else {f"{prefix}sample_weight": weights for prefix in prefixes}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        begin = perf_counter()
        model.fit(X, y, **weighting)
        seconds = perf_counter() - begin
    return _TimedFit(model, 1e3 * seconds, tuple(warning.category for warning in caught))


def _log_probabilities(classifier: BaseEstimator, X: FloatArray) -> FloatArray:
    """Return log p_ik, shape (n, K), from coef_: scikit-learn's logarithm of probabilities may be -inf."""
    eta = X @ classifier.coef_.T + classifier.intercept_
    if eta.shape[1] == 1:
        eta = np.pad(eta, ((0, 0), (1, 0)))
    return np.asarray(log_softmax(eta, axis=1))


def _log_loss(log_probabilities: FloatArray, codes: IntArray, weights: FloatArray | None) -> float:
    return -float(np.average(log_probabilities[np.arange(len(codes)), codes], weights=weights))


def class_shares(codes: IntArray, weights: FloatArray | None) -> FloatArray:
    """Return the share of each class, shape (K,), in the weight of all rows."""
    totals = np.bincount(codes, weights)
    return np.asarray(totals / totals.sum())


def _distance(
    classifier: BaseEstimator,
    reference: _TimedFit,
    X: FloatArray,
    codes: IntArray,
    *,
    weights: FloatArray | None,
    penalty: float,
) -> tuple[float, Optimum]:
    """Return (f - f*) / (f_null - f*), and what is known about f*, from the loss and the gap of a reference fit."""
    shares = class_shares(codes, weights)
    null_loss = -float(shares @ np.log(shares))
    loss = _log_loss(_log_probabilities(classifier, X), codes, weights) + penalty
    least = reference.model.loss_ - reference.model.gap_
    # f is rounded, so it may come out a little below f*.
    distance = max(loss - least, 0.0) / (null_loss - least) if null_loss > least else 0.0
    if SeparationWarning in reference.warnings:
        return distance, Optimum.MISSING
    if not reference.model.converged_:
        return distance, Optimum.NOT_REACHED
    return distance, Optimum.ESTIMATED if reference.model.gap_kind_ == "estimate" else Optimum.PROVED


def _summary(name: str, folds: Sequence[_FoldScore]) -> Score:
    worst = max((fold.optimum for fold in folds), key=list(Optimum).index)
    is_known = worst in {Optimum.PROVED, Optimum.ESTIMATED}
    return Score(
        name=name,
        accuracy=fmean(fold.accuracy for fold in folds),
        log_loss=fmean(fold.log_loss for fold in folds),
        milliseconds=median(fold.milliseconds for fold in folds),
        n_iterations=median_high(fold.n_iterations for fold in folds),
        distance=max(fold.distance for fold in folds) if is_known else None,
        optimum=worst,
        n_separated=sum(fold.optimum is Optimum.MISSING for fold in folds),
        warnings=dict(Counter(category.__name__ for fold in folds for category in fold.warnings)),
    )


@final
@dataclass(frozen=True)
class ScaledCoefficient:
    """One coefficient, as it is and times the standard deviation of its column over all rows."""

    feature: str
    coefficient: float
    per_deviation: float


@final
@dataclass(frozen=True)
class FittedModel:
    """SoftmaxGLM fitted on all rows: how the fit ended, and the strongest coefficients of each class."""

    status: str
    strongest: dict[str, tuple[ScaledCoefficient, ...]]


def fit_on_all_rows(table: Table, *, choice: Choice, n_strongest: int) -> FittedModel:
    """Fit SoftmaxGLM and pick, for each class, the `n_strongest` coefficients that are largest per standard deviation.

    For two classes the only coefficients are those of the second.
    """
    X = filled(table.X, slice(None), table.variables)
    weights = table.row_weights
    model = timed_fit(choice.model(), X, table.codes, weights).model
    centred = X - np.average(X, axis=0, weights=weights)
    deviations = np.sqrt(np.average(centred**2, axis=0, weights=weights))
    strongest = strongest_of(model, table.features, table.classes, deviations, choice=choice, n_strongest=n_strongest)
    return FittedModel(model.status_, strongest)


def strongest_of(
    model: SoftmaxGLM,
    features: Sequence[str],
    classes: Sequence[str],
    deviations: FloatArray,
    *,
    choice: Choice,
    n_strongest: int,
) -> dict[str, tuple[ScaledCoefficient, ...]]:
    """Return the coefficients of each class that are largest times the standard deviations of their columns."""
    scaled = model.coef_ * deviations
    named = classes if len(classes) > 2 else classes[1:]
    return {
        name: tuple(
            ScaledCoefficient(features[column], float(coef[column]), float(scaled_coef[column]))
            for column in np.argsort(-np.abs(scaled_coef), kind="stable")[:n_strongest]
            if coef[column] != 0.0 or choice.l1_ratio == 0.0
        )
        for name, coef, scaled_coef in zip(named, model.coef_, scaled, strict=True)
    }


@final
@dataclass(frozen=True)
class Comparison:
    """SoftmaxGLM and its rivals on a table: how each did in cross-validation, and what SoftmaxGLM says of all rows.

    Attributes
    ----------
    table : Table
    choice : Choice
    n_folds : int
    scores : tuple of Score
        The first is that of SoftmaxGLM.
    fitted : FittedModel
    """

    table: Table
    choice: Choice
    n_folds: int
    scores: tuple[Score, ...]
    fitted: FittedModel

    @classmethod
    def of(cls, table: Table, *, choice: Choice, n_folds: int, n_strongest: int) -> "Comparison":
        """Cross-validate on the table, then fit on all of its rows.

        Parameters
        ----------
        table : Table
            With at least `n_folds` rows of each class.
        choice : Choice
        n_folds : int
        n_strongest : int
            Coefficients of each class to pick.
        """
        scores = cross_validate_rivals(
            table.X,
            table.codes,
            choice=choice,
            n_folds=n_folds,
            variables=table.variables,
            weights=table.row_weights,
        )
        return cls(
            table,
            choice,
            n_folds,
            scores,
            fit_on_all_rows(table, choice=choice, n_strongest=n_strongest),
        )
