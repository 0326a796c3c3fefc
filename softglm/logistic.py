"""What a LogisticRegression of scikit-learn minimises: or why it is no softmax regression."""

from inspect import signature
from typing import Any, NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.utils.class_weight import compute_class_weight

from softglm.validation.finite import as_float

_L1_RATIO = {"l1": 1.0, "l2": 0.0, None: 0.0}


class LogisticObjective(NamedTuple):
    """What it minimises, by the names of its parameters: C times the losses, and the penalty.

    Attributes
    ----------
    C, l1_ratio : float
    class_weight : dict, "balanced" or None
    fit_intercept : bool
    """

    C: float
    l1_ratio: float
    class_weight: Any
    fit_intercept: bool


def is_logistic_regression(model: Any) -> bool:
    """Tell whether this is one, or one that chooses its strength."""
    return isinstance(model, LogisticRegression | LogisticRegressionCV)


def objective_of(model: Any, y: Any, sample_weight: Any) -> LogisticObjective:
    """Return what a fitted LogisticRegression minimises; raise if it is no softmax, or penalises the intercept.

    Parameters
    ----------
    model : LogisticRegression or LogisticRegressionCV
    y, sample_weight : object
        As passed by the user, those of the fit.
    """
    _check_is_softmax(model)
    C, l1_ratio = _strength(model)
    return LogisticObjective(C, l1_ratio, _class_weight(model, y, sample_weight), bool(model.fit_intercept))


def _check_is_softmax(model: Any) -> None:
    n_classes, scheme = len(model.classes_), getattr(model, "multi_class", "auto")
    is_liblinear = model.solver == "liblinear"
    if n_classes > 2 and (scheme == "ovr" or is_liblinear):
        raise ValueError(
            f"This {type(model).__name__} (solver={model.solver!r}) is {n_classes} classifiers, one for each class "
            "against the rest, which share no objective. Certify each of them; or fit with solver='lbfgs'."
        )
    if is_liblinear and model.fit_intercept:
        raise ValueError(
            "solver='liblinear' penalises the intercept, as the coefficient of a column of intercept_scaling="
            f"{model.intercept_scaling:g}: its optimum is that of another objective. Fit with solver='lbfgs'."
        )
    if n_classes == 2 and scheme == "multinomial":
        raise ValueError(
            "multi_class='multinomial' of two classes has a row of coefficients for each, of which coef_ keeps one, "
            "and its probabilities are those of twice coef_. Fit with the default."
        )


def _strength(model: Any) -> tuple[float, float]:
    """Return C and l1_ratio: whichever of `penalty`, `C` and `l1_ratio` this version of scikit-learn goes by."""
    penalty = model.penalty
    if isinstance(model, LogisticRegressionCV):
        if not model.refit:
            raise ValueError(
                "The coefficients of a LogisticRegressionCV(refit=False) are means over folds, which minimise nothing. "
                "Fit it with refit=True."
            )
        chosen = getattr(model, "l1_ratio_", None)
        C, own = _only(model.C_), 0.0 if chosen is None else _only(chosen)
    else:
        C, own = as_float(model.C), 0.0 if model.l1_ratio is None else as_float(model.l1_ratio)
    if penalty is None:
        C = np.inf
    return C, _L1_RATIO.get(penalty, own)


def _only(values: Any) -> float:
    """Return the number that is repeated for every class; 0 of None, which l1_ratio_ has where there is no ratio."""
    first = np.ravel(values)[0]
    return 0.0 if first is None else float(first)


def _class_weight(model: Any, y: Any, sample_weight: Any) -> Any:
    """Return the class weights; before scikit-learn 1.7 balanced ones left the sample weights out."""
    if model.class_weight != "balanced" or sample_weight is None:
        return model.class_weight
    if "sample_weight" in signature(compute_class_weight).parameters:
        return "balanced"
    weights = compute_class_weight("balanced", classes=model.classes_, y=np.ravel(y))
    return dict(zip(model.classes_.tolist(), weights.tolist(), strict=True))
