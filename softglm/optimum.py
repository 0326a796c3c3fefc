"""The optimum of the data that `infer` is given, near the fitted point: or why these cannot be those of the fit."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Rows
from softglm.estimator import SoftmaxGLM
from softglm.fitted import parameters_present, present_in_fit
from softglm.inference.bias_reduced import bias_reduced
from softglm.inference.estimate import Estimate, coordinates_of, estimate_at
from softglm.inference.limit import limit_of
from softglm.inference.refined import refined
from softglm.inference.separation import Separation, detect, require_decidable
from softglm.model import Objective, Penalty, rebased
from softglm.observed import Observed
from softglm.penalised import fitted_penalty
from softglm.status import Status

# Standard errors from the optimum at which the data cannot be those of the fit, whatever its gap.
_FAR, _GAPS = 0.5, 3.0
# Standard errors that the rounding of the fitted coefficients may amount to, in float64 and in float32.
_ROUNDING, _SINGLE_ROUNDING = 1e-3, 0.05


@final
@dataclass(frozen=True, eq=False)
class Optimum:
    """Where the likelihood of the data is highest; or, bias-reduced, the penalised one.

    Attributes
    ----------
    estimate : Estimate
        At the optimum, or at the limit where the classes are separated.
    separated : Separation or None
    moved : float
        How far from the fitted point the optimum is, in standard errors; NaN where that is separated.
    notes : tuple of str
        What is doubtful.
    """

    estimate: Estimate
    separated: Separation | None
    moved: float
    notes: tuple[str, ...]


def check_presence(model: SoftmaxGLM, seen: Observed) -> None:
    """Raise unless two classes and more had weight in the fit, and the same have it in the data."""
    present = present_in_fit(model)
    if present.sum() < 2:
        raise ValueError(
            "Only one class had weight in the fit, and its probability is 1 whatever X is: there is nothing to infer. "
            "Fit rows of at least two classes."
        )
    if not np.array_equal(present, seen.present):
        classes = seen.classes
        raise ValueError(
            f"The classes {classes[seen.present][:10].tolist()} have weight in these data, and those that had it in "
            f"the fit are {classes[present][:10].tolist()}. Pass the y and the sample_weight of "
            "the fit, and leave class_weight as it was."
        )


def optimum_of(model: SoftmaxGLM, rows: Rows, seen: Observed) -> Optimum:
    """Return the optimum of the rows, to which the model was fitted; raise if that cannot be.

    Parameters
    ----------
    model : SoftmaxGLM
    rows : Rows
    seen : Observed
        Of which the rows were made.
    """
    objective, parameters = _fitted_parameters(model, rows, seen)
    may_be_separated = model.alpha_ == 0.0 and not model.converged_
    if may_be_separated:
        require_decidable(objective, parameters)
    first = _fitted(objective, parameters)
    notes: tuple[str, ...] = ()
    if may_be_separated:
        try:
            separated = _separation(model, first)
        except ArithmeticError as error:
            notes = (str(error),)
        else:
            if separated is not None:
                return Optimum(limit_of(first, separated), separated, float("nan"), ())
    notes = (*notes, *_doubts(model, first))
    return Optimum(refined(first), None, first.distance, notes)


def bias_reduced_of(model: SoftmaxGLM, rows: Rows, seen: Observed) -> Optimum:
    """Return the bias-reduced estimate for the rows, to which the model was fitted; raise if that cannot be.

    Parameters
    ----------
    model : SoftmaxGLM
        Without a penalty.
    rows : Rows
    seen : Observed
        Of which the rows were made.
    """
    fitted = _fitted(*_fitted_parameters(model, rows, seen))
    notes: tuple[str, ...] = ()
    if model.converged_:
        notes = _doubts(model, fitted)
    elif model.status_ == Status.SEPARATED.value:
        notes = ("The classes are separated: by maximum likelihood some of the coefficients are infinite.",)
    estimate, has_others = bias_reduced(fitted)
    if has_others:
        notes = (*notes, "The penalised likelihood has several maxima, and the estimates are the highest one found.")
    return Optimum(estimate, None, fitted.distance if model.converged_ else float("nan"), notes)


def _fitted_parameters(model: SoftmaxGLM, rows: Rows, seen: Observed) -> tuple[Objective, FloatArray]:
    """Return the objective of these rows, and the fitted point, shape (m, q)."""
    family = seen.family
    penalty = fitted_penalty(model, seen)
    assert isinstance(penalty, Penalty)  # noqa: S101 - `infer` has refused others
    objective = Objective(rows, family, penalty, fit_intercept=model.fit_intercept)
    basis = family.identifiable_directions
    return objective, objective.centred(*parameters_present(model, seen.present)) @ basis @ basis.T


def _fitted(objective: Objective, parameters: FloatArray) -> Estimate:
    """Return the fitted point, and the curvature there."""
    coordinates = coordinates_of(objective)
    elsewhere = rebased(objective, coordinates)
    if elsewhere is not None:
        _check_scales(elsewhere[1].units)
    return estimate_at(objective, parameters, coordinates)


def _check_scales(units: FloatArray) -> None:
    tiny = np.flatnonzero(units != 1.0)
    if len(tiny):
        raise ValueError(
            f"The columns {tiny[:10].tolist()} of X have values of about {1.0 / units[tiny[0]]:.0e}, whose squares no "
            "covariance can hold. Give them in other units, near 1, and fit again."
        )


def _doubts(model: SoftmaxGLM, fitted: Estimate) -> tuple[str, ...]:
    """Say if it is doubtful that the model was fitted to these rows; raise if that cannot be."""
    gap = model.gap_ if np.isfinite(model.gap_) else 0.0
    by_gap = _GAPS * np.sqrt(2.0 * fitted.total_weight * gap)
    allowed = max(_FAR, by_gap)
    if not fitted.distance <= allowed:
        raise ValueError(
            f"The model is {fitted.distance:.3g} standard errors from the optimum for these data, expected at most "
            f"{allowed:.3g}. Either X, y, sample_weight or offset are not those of the fit; or the fit did not "
            f"converge to it (its status: {model.status_}); or a step of the pipeline transforms differently than it "
            "did while fitting (TargetEncoder, samplers): then pass the last step, with the rows it was fitted on."
        )
    if fitted.distance <= by_gap + (_SINGLE_ROUNDING if model.coef_.dtype == np.float32 else _ROUNDING):
        return ()
    distance = f"{fitted.distance:.2g} standard errors from the fitted coefficients"
    return (f"The optimum of these data is {distance}: are X, y, weights and offset those of the fit?",)


def _separation(model: SoftmaxGLM, fitted: Estimate) -> Separation | None:
    """Return what separates the classes, if anything does: what the fit has seen is not denied."""
    found = detect(fitted.objective, fitted.coordinates, fitted.parameters)
    if found.kind == "none" and model.status_ == Status.SEPARATED.value:
        raise ValueError(
            "The fit found the classes separated, by so little that it is not seen which coefficients are infinite. "
            "Subtract a constant from the columns of X that are far from 0 for their spread, or leave out what "
            "separates."
        )
    return None if found.kind == "none" else found
