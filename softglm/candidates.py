"""What a model is certified on: what a user passed, read as the fit read it, and how other rows are read."""

from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.certificate import NO_OPTIMUM, Certificate, CertifiedPredictions
from softglm.fit import Certified, PredictionBounds, certified, compared_elsewhere, prepare
from softglm.fitted import coefficients_of, has_offset, present_in_fit, rows_present
from softglm.model import AnyPenalty, beyond_hessians
from softglm.observations import Observations, observe
from softglm.penalised import fitted_penalty, penalty_named
from softglm.reader import Reader, Transform
from softglm.sources import check_is_in_memory


class Given(NamedTuple):
    """What a user passed."""

    X: Any
    y: Any
    sample_weight: Any
    offset: Any


@final
@dataclass(frozen=True, eq=False)
class Candidate:
    """A model that says of what objective it is to be near the optimum.

    Attributes
    ----------
    name, objective : str
        What it is called, and what it minimises, for its user.
    coef, intercept : arrays of shape (p, q) and (q,)
        As the core has them, of the classes that are present.
    penalty : AnyPenalty
    alpha : float
    fit_intercept : bool
    beside : float, default=0.0
        What the objective adds to these coefficients that is 0 at the optimum.
    """

    name: str
    objective: str
    coef: FloatArray
    intercept: FloatArray
    penalty: AnyPenalty
    alpha: float
    fit_intercept: bool
    beside: float = 0.0


@final
@dataclass(frozen=True, eq=False)
class OtherRows:
    """What is known of the predictions of rows that were not fitted, or why nothing is.

    Attributes
    ----------
    known : Certified
    classes : array of shape (K,)
        Those that are present.
    read : Reader
    reason : str or None
    """

    known: Certified
    classes: npt.NDArray[Any]
    read: Reader
    reason: str | None

    def __call__(self, X: Any, offset: Any) -> CertifiedPredictions:
        """Return what is known of these rows."""
        if self.reason is not None:
            raise ValueError(f"Nothing is proved of rows that were not fitted: {self.reason}")
        return _predictions(compared_elsewhere(self.known, self.read(X, offset)), self.classes)


def as_it_is(X: Any) -> Any:
    """Return X: what a model without earlier steps does to it."""
    return X


def certified_softmax_glm(model: Any, given: Given, transform: Transform = as_it_is) -> Certificate:
    """Return the certificate of a `SoftmaxGLM` on the rows that it was fitted to."""
    check_is_in_memory(given.X, "certify")
    classes, coef, intercept = coefficients_of(model)
    if not hasattr(model, "alpha_"):
        raise ValueError(
            "The coefficients of this SoftmaxGLM were set by hand, and what they minimise is not known. Pass them to "
            "softglm.certify as (coef, intercept), with alpha or C."
        )
    if (given.offset is not None) != has_offset(model):
        passed, fitted = ("an offset", "without") if given.offset is not None else ("no offset", "with one")
        raise ValueError(f"certify got {passed}, and the model was fitted {fitted}. Pass the offset of the fit.")
    seen = observe(
        transform(given.X),
        *given[1:],
        class_weight=model.class_weight,
        estimator=model,
        fitted_classes=classes,
    )
    present = present_in_fit(model)
    check_presence(present, seen)
    kept = rows_present(present)
    is_bounded = model.lower is not None or model.upper is not None
    candidate = Candidate(
        name=type(model).__name__,
        objective=named(penalty_named(model), float(model.alpha_), is_bounded=is_bounded),
        coef=coef.T[kept].T,
        intercept=intercept[kept],
        penalty=fitted_penalty(model, seen),
        alpha=float(model.alpha_),
        fit_intercept=bool(model.fit_intercept),
    )
    return certificate_of(candidate, seen, Reader(model, classes, present, has_offset(model), transform))


def check_presence(present: BoolArray, seen: Observations) -> None:
    """Raise unless two classes and more have weight, and they are those that had it in the fit."""
    classes = seen.response.classes
    if present.sum() < 2 or seen.n_present < 2:
        raise ValueError(
            f"Only the classes {classes[present & seen.present].tolist()} have weight, in the fit and in these data: "
            "there is nothing to tell apart. Fit, and pass, rows of at least two classes."
        )
    if not np.array_equal(present, seen.present):
        raise ValueError(
            f"The classes {classes[seen.present][:10].tolist()} have weight in these data, and those that had it in "
            f"the fit are {classes[present][:10].tolist()}. Pass the y and the sample_weight of the fit."
        )


def named(penalty: str, alpha: float, *, C: float | None = None, is_bounded: bool = False) -> str:
    """Return what is minimised, for its user: the penalty by the name of LogisticRegression, and its strength."""
    text = "maximum likelihood"
    if alpha > 0.0:
        text = f"{penalty} penalty, alpha={alpha:.4g}" if C is None else f"{penalty} penalty, C={C:.4g}"
    return f"{text}, within bounds" if is_bounded else text


def certificate_of(candidate: Candidate, seen: Observations, read: Reader) -> Certificate:
    """Return the certificate of a candidate on the rows that it was fitted to.

    Parameters
    ----------
    candidate : Candidate
    seen : Observations
    read : Reader
        Of other rows.
    """
    rows, _ = seen.rows()
    prepared = prepare(rows, seen.family, fit_intercept=candidate.fit_intercept)
    known = certified(prepared, candidate.penalty, candidate.coef, candidate.intercept, beside=candidate.beside)
    classes = seen.response.classes[seen.present] if len(seen.present) > 2 else seen.response.classes
    return Certificate(
        model=candidate.name,
        objective=candidate.objective,
        alpha=candidate.alpha,
        loss=known.loss,
        null_loss=known.null_loss,
        gap=known.gap if known.has_optimum else float("inf"),
        least_gap=known.least_gap,
        gap_kind=known.fit.gap_kind.value if known.has_optimum else NO_OPTIMUM,
        status=known.fit.status.value,
        predictions=_predictions(known.bounds, classes),
        _predicts=OtherRows(known, classes, read, _why_not_elsewhere(known, candidate, seen)),
    )


def _predictions(bounds: PredictionBounds, classes: npt.NDArray[Any]) -> CertifiedPredictions:
    return CertifiedPredictions(
        labels=classes[bounds.labels],
        labels_near_optimum=classes[bounds.labels_near],
        probability_errors=bounds.errors,
        changes=bounds.changes,
        may_change=bounds.may_change,
    )


def _why_not_elsewhere(known: Certified, candidate: Candidate, seen: Observations) -> str | None:
    """Say why nothing is proved of rows that were not fitted; None where it is."""
    if known.elsewhere is not None:
        return None
    if not known.has_optimum:
        return f"there is no optimum (a fit: {known.fit.status.value})."
    if not known.fit.is_unique:
        return (
            "columns are collinear and nothing is penalised, so that there are many optima, and rows tell them apart."
        )
    too_large = beyond_hessians(seen.family, seen.X.shape[1] + int(candidate.fit_intercept))
    if too_large is not None:
        return f"that takes the Hessian, and {too_large}."
    return "that takes the Hessian of a smooth objective, sound to rounding, at a fit that is proved to be near."
