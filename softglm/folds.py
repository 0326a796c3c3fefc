"""One fold of a cross-validation: fits to its training rows, from the strongest penalty on, scored on the others."""

import inspect
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.estimator import SoftmaxGLM
from softglm.fit import Fit, prepare
from softglm.fitted import fit_of_one_class, fitted_arrays
from softglm.observations import Observations
from softglm.penalised import in_units_of, penalty_at, penalty_form, strength_of
from softglm.progress import ProgressColumns
from softglm.sums import Losses
from softglm.sweep import sweep
from softglm.validation.labels import Labels

Scorer: TypeAlias = Callable[..., float]


@final
@dataclass(frozen=True, eq=False)
class Grid:
    """The strengths to try, in order, from the strongest: alpha itself, or C, of which alpha depends on the weight.

    Attributes
    ----------
    values : array of shape (n_strengths,)
    is_inverse : bool
        Whether they are C: alpha = 1 / (C W).
    """

    values: FloatArray
    is_inverse: bool

    def strengths(self, total_weight: float) -> list[float]:
        """Return the alphas of a fit to rows of this total weight W."""
        if not self.is_inverse:
            return [float(alpha) for alpha in self.values]
        return [strength_of(float(C), total_weight) for C in self.values]


@final
@dataclass(frozen=True, eq=False)
class Fold:
    """The scores of the fits to the training rows of a fold, on the others.

    Attributes
    ----------
    scores : array of shape (n_l1_ratios, n_strengths)
    coefs : array of shape (n_l1_ratios, n_strengths, K or 1, p + 1, or p without an intercept)
    n_nonzero : array of shape (n_l1_ratios, n_strengths)
        Features of which some coefficient is not 0.
    n_passes : int array of shape (n_l1_ratios, n_strengths)
        Of each fit.
    seconds : array of shape (n_l1_ratios, n_strengths)
        Of each fit.
    weight : float
        Of the rows that are scored.
    """

    scores: FloatArray
    coefs: FloatArray
    n_nonzero: IntArray
    n_passes: IntArray
    seconds: FloatArray
    weight: float


@final
@dataclass(frozen=True, eq=False)
class Task:
    """What is fitted in every fold.

    Attributes
    ----------
    models : sequence of SoftmaxGLM
        With the parameters of the fits, one for each l1_ratio.
    grid : Grid
    tol : float
    scorer : callable or None
        As scikit-learn has them; None for the mean log-likelihood.
    """

    models: Sequence[SoftmaxGLM]
    grid: Grid
    tol: float
    scorer: Scorer | None

    def run(self, seen: Observations, train: npt.NDArray[np.intp], test: npt.NDArray[np.intp]) -> Fold:
        """Fit the training rows and score the others."""
        fitted, scored = seen.taken(train), seen.taken(test)
        weight = float(scored.sizes.sum())
        shape = len(self.models), len(self.grid.values)
        fits, seconds, began = [], [], perf_counter()
        for model in self.models:
            for result in self._fits(fitted, model):
                fits.append(result)
                seconds.append(perf_counter() - began)
                began = perf_counter()
        coefs = [_coefficients(result, fitted.present, has_intercept=self.models[0].fit_intercept) for result in fits]
        return Fold(
            scores=self._scores(fits, fitted, scored, weight).reshape(shape),
            coefs=np.reshape(coefs, (*shape, *coefs[0].shape)),
            n_nonzero=np.array([result.coef.any(axis=1).sum() for result in fits], dtype=np.int32).reshape(shape),
            n_passes=np.array([result.n_passes for result in fits], dtype=np.int32).reshape(shape),
            seconds=np.reshape(seconds, shape),
            weight=weight,
        )

    def _fits(self, seen: Observations, model: SoftmaxGLM) -> "Sequence[Fit] | Any":
        """Return the fits under one strength after the other."""
        n_features = seen.n_features
        if seen.n_present < 2:
            return [fit_of_one_class(n_features, np.float64)] * len(self.grid.values)
        rows, total_weight = seen.rows()
        prepared = prepare(rows, seen.family, fit_intercept=model.fit_intercept)
        form = in_units_of(penalty_form(model, seen), prepared, standardize=model.standardize)
        strengths = self.grid.strengths(total_weight)
        penalties = (penalty_at(form, alpha, fit_intercept=model.fit_intercept) for alpha in strengths)
        return sweep(prepared, penalties, tol=self.tol, max_iter=int(model.max_iter))

    def _scores(self, fits: Sequence[Fit], fitted: Observations, scored: Observations, weight: float) -> FloatArray:
        """Return the scores of fits, shape (n_fits,)."""
        if not weight > 0.0:
            return np.full(len(fits), np.nan)
        if self.scorer is None:
            return _mean_log_likelihoods(fits, fitted.present, scored, weight)
        metadata = {}
        if scored.weights is not None and "sample_weight" in inspect.signature(self.scorer).parameters:
            metadata["sample_weight"] = scored.weights
        values, n_strengths = scored.response.values, len(self.grid.values)
        there = [_fitted_model(self.models[i // n_strengths], fitted, result) for i, result in enumerate(fits)]
        return np.array([float(self.scorer(model, scored.X, values, **metadata)) for model in there])


def _mean_log_likelihoods(fits: Sequence[Fit], present: BoolArray, scored: Observations, weight: float) -> FloatArray:
    """Return sum_i w_i sum_k t_ik log p_ik / sum_i w_i m_i, minus the log loss, of fits to the classes present."""
    if present.sum() < 2:
        # Whoever is scored is of the only class that there is.
        return np.zeros(len(fits))
    there = replace(scored, present=present)
    rows = there.features.rows(*there.beside(with_class_weights=False))
    coefs, intercepts = (np.array([getattr(fit, name) for fit in fits]) for name in ("coef", "intercept"))
    (losses,) = rows.sum(Losses(there.family, coefs, intercepts))
    return np.asarray(-losses / weight)


def _coefficients(result: Fit, present: BoolArray, *, has_intercept: bool) -> FloatArray:
    """Return the coefficients of a fit as scikit-learn has them, the intercept last, if there is one."""
    there = fitted_arrays(result.coef, result.intercept, present)
    parts = [there["coef_"], there["intercept_"][:, np.newaxis]]
    return np.concatenate(parts if has_intercept else parts[:1], axis=1)


def _fitted_model(model: SoftmaxGLM, seen: Observations, result: Fit) -> SoftmaxGLM:
    """Return an estimator with the coefficients of a fit."""
    there = copy(model)
    known = {"classes_": seen.response.classes, "n_features_in_": seen.X.shape[1]}
    there.__dict__.update({**known, **fitted_arrays(result.coef, result.intercept, seen.present)})
    return there


def classes_without_rows(seen: Observations, train: npt.NDArray[np.intp], test: npt.NDArray[np.intp]) -> Labels:
    """Return the classes that are observed in some rows of a fold and have no weight in those that are fitted."""
    observed = seen.response.taken(test).class_totals(None if seen.weights is None else seen.weights[test]) > 0.0
    return seen.response.classes[observed & ~seen.taken(train).present]


def print_folds(folds: Sequence[Fold], task: Task, *, is_detailed: bool) -> None:
    """Print the best strength of each fold, with the passes and seconds of all; or every one with its own."""
    strength = "C" if task.grid.is_inverse else "alpha"
    widths = {"fold": 6, "l1_ratio": 8, strength: 9, "features in": 11, "score": 12, "passes": 6}
    columns = ProgressColumns("SoftmaxGLMCV", widths)
    for number, fold in enumerate(folds, start=1):
        best = int(np.where(np.isnan(fold.scores), -np.inf, fold.scores).argmax())
        for place in range(fold.scores.size) if is_detailed else [best]:
            row, column = divmod(place, len(task.grid.values))
            here = (row, column) if is_detailed else ...
            columns.add(
                [
                    f"{number}/{len(folds)}",
                    f"{task.models[row].l1_ratio:g}",
                    f"{task.grid.values[column]:.4g}",
                    str(fold.n_nonzero[row, column]),
                    f"{fold.scores[row, column]:.6g}",
                    str(fold.n_passes[here].sum()),
                ],
                float(fold.seconds[here].sum()),
            )
