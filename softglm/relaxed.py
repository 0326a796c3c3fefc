"""The refit of what a sparse model has selected, without its penalty, to infer from."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np

from softglm.classifier import SeparationWarning
from softglm.estimator import SoftmaxGLM
from softglm.fit import prepare
from softglm.fitted import parameters_present
from softglm.model import SparsePenalty
from softglm.observations import Observations, observe
from softglm.penalised import fitted_penalty
from softglm.status import Status
from softglm.target import Target

# The loss of a fit is found again in its data, but for rounding (of coefficients to float32, too).
_SAME_LOSS = 1e-5


def refitted(target: Target, X: Any, y: Any, sample_weight: Any, offset: Any) -> Target:
    """Return the model of the features that have coefficients other than 0, without a penalty, and how X reaches it.

    Parameters
    ----------
    target : Target
        Whose model was fitted with some `l1_ratio`.
    X, y, sample_weight, offset : object
        As passed by the user: those of the fit.
    """
    model = target.model
    seen = observe(
        target.transform(X),
        y,
        sample_weight,
        offset,
        class_weight=model.class_weight,
        estimator=model,
        fitted_classes=model.classes_,
    )
    _check_is_that_of_the_fit(model, seen)
    columns = np.flatnonzero(np.asarray(model.coef_).any(axis=0))
    if not len(columns):
        raise ValueError(
            f"No feature has a coefficient other than 0 under alpha={model.alpha_:.6g}: there is nothing to infer. "
            "Refit with a smaller alpha."
        )
    plain = SoftmaxGLM(
        alpha=0,
        fit_intercept=model.fit_intercept,
        class_weight=model.class_weight,
        tol=model.tol,
        max_iter=model.max_iter,
    )
    selected = replace(target, model=plain, columns=columns)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeparationWarning)  # what it advises is said below, as it is here
        plain.fit(selected.transform(X), y, sample_weight=sample_weight, offset=offset)
    note = (
        f"Relaxed: {len(columns)} of {seen.X.shape[1]} features, those with some coefficient other than 0 under "
        f"l1_ratio={model.l1_ratio:g} and alpha={model.alpha_:.4g}, refitted without a penalty. They were selected on "
        "the same data: standard errors, tests and intervals do not allow for the selection, and are too optimistic."
    )
    if plain.status_ == Status.SEPARATED.value:
        note += " And they separate the classes, so that some estimates are infinite: a larger alpha selects fewer."
    return replace(selected, notes=(*target.notes, note))


def _check_is_that_of_the_fit(model: SoftmaxGLM, seen: Observations) -> None:
    """Raise unless the objective of these rows has the value at the coefficients that the fit has found."""
    prepared = prepare(seen.rows()[0], seen.family, fit_intercept=model.fit_intercept)
    coef, intercept = parameters_present(model, seen.present)
    penalty = fitted_penalty(model, seen)
    assert isinstance(penalty, SparsePenalty)  # noqa: S101 - of a model that has selected
    basis, likelihood = prepared.basis, prepared.likelihood
    loss, _ = likelihood.evaluate(
        likelihood.centred(*((coef, intercept) if basis is None else basis.down(coef, intercept)))
    )
    loss += penalty.value(coef)
    if not abs(loss - model.loss_) <= _SAME_LOSS * (1.0 + model.loss_):
        raise ValueError(
            f"The loss of these data at the fitted coefficients is {loss:.6g}, and the fit ended at {model.loss_:.6g}: "
            "X, y, sample_weight or offset are not those of the fit. Pass these."
        )
