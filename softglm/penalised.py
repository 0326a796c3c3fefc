"""From the parameters of an estimator to the form of the penalty of its fits."""

import math
from typing import Any

import numpy as np

from softglm.model import AnyPenalty, PenaltyForm, Prepared
from softglm.observed import Observed
from softglm.validation.entries import as_given
from softglm.validation.parameters import MOST_ALPHA, flag, number
from softglm.validation.penalties import read_penalty_form


def penalty_form(model: Any, seen: Observed) -> PenaltyForm:
    """Return all of the penalty but its strength; raise if a parameter is not what its docstring says.

    Its units are those of the columns: `in_units_of` makes them standard deviations where the model standardises.

    Parameters
    ----------
    model : object
        With the parameters `l1_ratio`, `penalty_factors`, `grouped`, `groups`, `within_ratio`, `lower`, `upper` of
        `SoftmaxGLM`.
    seen : Observed
        What it is fitted to, or was.
    """
    # Of a fit to come, the model may know names of an earlier one.
    known = seen.columns or vars(model)
    return read_penalty_form(
        l1_ratio=model.l1_ratio,
        penalty_factors=model.penalty_factors,
        grouped=model.grouped,
        groups=model.groups,
        within_ratio=model.within_ratio,
        lower=model.lower,
        upper=model.upper,
        n_features=seen.n_features,
        names=known.get("feature_names_in_"),
        present=seen.present,
    )


def in_units_of(form: PenaltyForm, prepared: Prepared, *, standardize: Any) -> PenaltyForm:
    """Return the form in units of the standard deviations of these rows, if it is to be, else as it is."""
    return form.in_units(prepared.standard_deviations) if flag(standardize, "standardize") else form


def fitted_penalty(model: Any, seen: Observed) -> AnyPenalty:
    """Return the penalty of a fitted model, of the rows it was fitted to."""
    form = penalty_form(model, seen)
    scale = getattr(model, "scale_", None)  # of models that were pickled before there was any: none
    form = form if scale is None else form.in_units(scale)
    return form.at(float(model.alpha_), fit_intercept=model.fit_intercept)


def is_sparsely_fitted(model: Any) -> bool:
    """Tell whether coefficients of a fitted model were held at 0, or within bounds."""
    is_bounded = model.lower is not None or model.upper is not None
    return is_bounded or (number(model.l1_ratio) > 0.0 and model.alpha_ > 0.0)


def strength_of(C: float, total_weight: float) -> float:
    """Return alpha = 1 / (C W); raise if it overflows."""
    room = C * total_weight
    if not room * MOST_ALPHA >= 1.0:
        raise ValueError(
            f"C={as_given(C)} is so small that alpha = 1 / (C W) overflows, beyond {MOST_ALPHA:g}. Increase it."
        )
    return 1.0 / room


def penalty_at(form: PenaltyForm, alpha: float, *, fit_intercept: bool) -> AnyPenalty:
    """Return the penalty of a strength; raise if it overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        largest = alpha * form.factors * (1.0 if form.units is None else np.maximum(form.units, 1.0) ** 2)
        if not largest.sum() < math.inf:
            raise ValueError(
                f"alpha={alpha:g} times penalty_factors{' and variances' * (form.units is not None)} overflows. "
                "Choose a smaller alpha."
            )
    return form.at(alpha, fit_intercept=fit_intercept)


def penalty_named(model: Any) -> str:
    """Return what a penalty is called: "l2", "l1", "elasticnet" as in LogisticRegression, or "group"."""
    if not (number(model.l1_ratio) > 0.0):
        return "l2"
    if model.groups is not None or model.grouped:
        return "group"
    return "l1" if model.l1_ratio == 1.0 else "elasticnet"
