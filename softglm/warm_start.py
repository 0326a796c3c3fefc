"""Where a warm start begins: at the last solution, of a fit or set by hand."""

from typing import Any

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.fit import Start
from softglm.fitted import coefficients_of, rows_present
from softglm.validation.entries import shown


def last_solution(model: Any, n_features: int, classes: npt.NDArray[Any], present: npt.NDArray[np.bool_]) -> Start:
    """Return where a model stands, to continue from with so many features and these classes, (K,), and those of weight.

    Raises
    ------
    ValueError
        If it is no solution, or one of other features or classes.
    """
    known, coef, intercept = _solution_of(model)
    if len(coef) != n_features or not np.array_equal(known, classes):
        raise ValueError(
            f"warm_start=True continues from a fit with {len(coef)} features and the classes "
            f"{known[:10].tolist()}, but X has {n_features} and y {classes[:10].tolist()}. Pass the same "
            "features and classes, or set warm_start=False."
        )
    kept = rows_present(present)
    intercept = np.where(np.isfinite(intercept), intercept, 0.0)
    return Start(coef.T[kept].T.astype(np.float64), intercept[kept])


def _solution_of(model: Any) -> tuple[npt.NDArray[Any], FloatArray, FloatArray]:
    """Return the classes, coef (p, q) and intercept (q,) that a warm start continues from; raise if it cannot."""
    otherwise = "Set what a fit could have left, or set warm_start=False."
    for name in ("classes_", "coef_", "intercept_"):
        if not hasattr(model, name):
            raise ValueError(f"warm_start=True continues from coef_, and {name} is missing beside it. {otherwise}")
        if name != "classes_" and _kind_of(getattr(model, name)) not in "biuf":
            given = shown(getattr(model, name))
            raise ValueError(f"warm_start=True continues from {name}, expected real numbers, got {given}. {otherwise}")
    try:
        known, coef, intercept = coefficients_of(model)
    except ValueError as error:
        raise ValueError(f"warm_start=True cannot continue: {error} {otherwise}") from error
    # An infinite intercept is what a class without weight has: of two classes, the one or the other.
    allowed = np.isfinite(intercept) | (np.isinf(intercept) & ((intercept < 0.0) | (len(known) == 2)))
    for name, values, is_usable in (("coef_", coef.T, np.isfinite(coef.T)), ("intercept_", intercept, allowed)):
        if not is_usable.all():
            place = tuple(map(int, np.argwhere(~is_usable)[0]))
            raise ValueError(
                f"warm_start=True continues from {name}, which holds {values[place]} at {[*place]}, expected "
                f"finite numbers. {otherwise}"
            )
    return known, coef, intercept


def _kind_of(values: Any) -> str:
    """Return the kind of the dtype of an array-like; that of objects, if it is none."""
    try:
        return np.asarray(values).dtype.kind
    except ValueError:  # rows of different lengths
        return "O"
