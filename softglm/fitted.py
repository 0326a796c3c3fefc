"""What a fit leaves on an estimator: coefficients as scikit-learn has them, of those of the core, and back."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from softglm.arrays import BoolArray, FloatArray
from softglm.fit import Fit, mean_losses
from softglm.model import PenaltyForm
from softglm.observed import Observed
from softglm.solver import GapKind
from softglm.status import Status


def fitted_arrays(coef: FloatArray, intercept: FloatArray, present: BoolArray) -> dict[str, FloatArray]:
    """Return coef_ and intercept_ as scikit-learn has them: a row per class; an absent class has probability 0."""
    if present.all():
        return {"coef_": np.ascontiguousarray(coef.T), "intercept_": intercept}
    if len(present) == 2:  # the odds of the second class: none, or infinite
        odds = np.inf if present[1] else -np.inf
        return {"coef_": np.ascontiguousarray(coef.T), "intercept_": np.full(1, odds, dtype=intercept.dtype)}
    whole = np.zeros((len(present), len(coef)), dtype=coef.dtype)
    whole[present] = coef.T
    constants = np.full(len(present), -np.inf, dtype=intercept.dtype)
    constants[present] = intercept
    return {"coef_": whole, "intercept_": constants}


def attributes_of(
    result: Fit,
    seen: Observed,
    total_weight: float,
    *,
    fit_intercept: bool,
    alpha: float,
    form: PenaltyForm,
    status: str,
) -> dict[str, Any]:
    """Return what a fit says of itself, by the names of attributes: all but the classes and the columns.

    Parameters
    ----------
    result : Fit
    seen : Observed
        That were fitted.
    total_weight : float
        Theirs, class weights in.
    fit_intercept : bool
    alpha : float
    form : PenaltyForm
        Times alpha, the penalty.
    status : str
        How the fit ended, in a sentence.
    """
    deviance, null_deviance = deviances_of(result, seen, total_weight, fit_intercept=fit_intercept)
    return {
        **fitted_arrays(result.coef, result.intercept, seen.present),
        "alpha_": alpha,
        "scale_": form.units,
        "n_iter_": np.array([max(result.n_iterations, 1)], dtype=np.int32),
        "n_evaluations_": result.n_evaluations,
        "n_passes_": result.n_passes,
        "loss_": max(result.loss, 0.0),  # no likelihood of classes is above 1: below 0 there is rounding
        "gap_": result.gap,
        "gap_kind_": result.gap_kind.value,
        "converged_": result.status is Status.CONVERGED,
        "status_": status,
        "deviance_": deviance,
        "null_deviance_": null_deviance,
    }


def deviances_of(result: Fit, seen: Observed, total_weight: float, *, fit_intercept: bool) -> tuple[float, float]:
    """Return the deviance of a fit and of its null model, class weights and penalty out."""
    losses = result.loss - result.penalty, result.null_loss
    if seen.factors is not None and seen.n_present > 1:
        plain, total_weight = seen.rows(with_class_weights=False)
        losses = mean_losses(plain, seen.family, result, fit_intercept=fit_intercept)
    return seen.deviances(losses, total_weight)


def coefficients_of(model: Any) -> tuple[npt.NDArray[Any], FloatArray, FloatArray]:
    """Return the classes, coef (p, q) and intercept (q,), which may have been set by hand, as arrays."""
    check_is_fitted(model, ["classes_", "coef_", "intercept_"])
    classes, coef = np.asarray(model.classes_), np.asarray(model.coef_, dtype=np.float64)
    intercept = np.asarray(model.intercept_, dtype=np.float64)
    K = len(classes) if classes.ndim == 1 else 0
    if K < 2:
        raise ValueError(f"classes_ has shape {classes.shape}, expected (K,), the labels of at least two classes.")
    n_rows = 1 if K == 2 else K
    if K == 2 and coef.ndim == 1:  # as LogisticRegression has it too
        coef = coef[np.newaxis]
    if coef.ndim != 2 or len(coef) != n_rows:
        raise ValueError(
            f"coef_ has shape {coef.shape}, expected ({n_rows}, n_features) for the {K} classes of classes_"
            f"{', of which the second is modelled' if K == 2 else ''}."
        )
    if intercept.shape not in {(), (1,), (n_rows,)}:
        raise ValueError(
            f"intercept_ has shape {intercept.shape}, expected ({n_rows},) for the {K} classes of classes_."
        )
    return classes, coef.T, np.broadcast_to(intercept, n_rows)


def has_offset(model: Any) -> bool:
    """Tell whether a model was fitted with an offset; one whose attributes were set by hand was not."""
    return bool(model._has_offset)  # noqa: SLF001 - a name that pickles hold, and that nobody else reads


def rows_present(present: BoolArray) -> BoolArray | slice:
    """Return which rows of `coef_` are of classes that are present: of two classes there is one, whichever are."""
    return present if len(present) > 2 else slice(None)


def parameters_present(model: Any, present: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Return coef (p, q) and intercept (q,) of a fitted model, of the classes that are present, in double precision."""
    kept = rows_present(present)
    coef, intercept = np.asarray(model.coef_)[kept], np.asarray(model.intercept_)[kept]
    return coef.T.astype(np.float64), intercept.astype(np.float64)


def present_in_fit(model: Any) -> BoolArray:
    """Tell which classes had weight in the fit of a model, shape (K,): of two, both, unless it is certain of one."""
    finite = np.isfinite(model.intercept_)
    return np.asarray(finite if len(model.classes_) > 2 else np.repeat(finite, 2))


def fit_of_one_class(n_features: int, precision: type[np.floating[Any]]) -> Fit:
    """Return the limit in which the only class that has weight gets all of the probability: a loss of 0.

    Also without an intercept. There the objective of two classes has a minimum at finite coefficients, which gives the
    other class a probability. But a class without weight is no part of the model, as if its offset were -inf: so it is
    among three and more, whatever else eta has, and what becomes of a class should not depend on how many others there
    are. Then coefficients of 0 are also those of the smallest penalty.
    """
    return Fit(
        coef=np.zeros((n_features, 1), dtype=precision),
        intercept=np.zeros(1, dtype=precision),
        loss=0.0,
        null_loss=0.0,
        penalty=0.0,
        gap=0.0,
        gap_kind=GapKind.SELF_CONCORDANCE,
        status=Status.CONVERGED,
        is_unique=True,
        n_iterations=0,
        n_evaluations=0,
        n_refreshes=0,
    )
