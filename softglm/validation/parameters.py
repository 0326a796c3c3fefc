"""Parameters of a fit that are single numbers or flags; each error says what was given and what was expected."""

import math
from numbers import Integral, Real
from typing import Any

import numpy as np

from softglm.arrays import FloatArray
from softglm.validation.entries import as_given
from softglm.validation.finite import as_float

# The sum of the strengths of all columns is to be finite, too.
MOST_ALPHA = 1e300


def check_strength(alpha: Any, C: Any) -> None:
    """Raise unless one of alpha and C says how strong a penalty is."""
    is_default = isinstance(alpha, str) and alpha == "1/n_samples"
    if not (is_default or 0.0 <= number(alpha) <= MOST_ALPHA):
        raise ValueError(
            f'alpha must be a number of at least 0 and at most {MOST_ALPHA:g}, or "1/n_samples", got {as_given(alpha)}.'
        )
    if C is None:
        return
    if not is_default:
        raise ValueError(
            f"alpha={as_given(alpha)} and C={as_given(C)} were both given, and both set the strength "
            "of the penalty: alpha = 1 / (C W). Leave one of them at its default."
        )
    if math.isnan(number(C)) or not C > 0:
        raise ValueError(f"C must be a number above 0, np.inf for no penalty, or None, got {as_given(C)}.")


def check_ending(tol: Any, max_iter: Any) -> None:
    """Raise unless these say where a fit ends."""
    if not 0.0 <= number(tol) < math.inf:
        raise ValueError(f"tol must be a finite number of at least 0, got {as_given(tol)}.")
    check_count(max_iter, "max_iter")


def check_count(value: Any, name: str) -> None:
    """Raise unless it is a whole number of at least 1."""
    if not (isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1):
        raise ValueError(f"{name} must be an integer of at least 1, got {as_given(value)}.")


def number(value: Any) -> float:
    """Return a parameter as a float; NaN if it is no real number."""
    return as_float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan


def strengths(given: Any, name: str, otherwise: str, most: float, remedy: str = "") -> FloatArray:
    """Return strengths that were given, in their order; raise if one is no number above 0, and at most `most`."""
    if isinstance(given, str) or np.ndim(given) != 1 or not np.size(given):
        raise ValueError(f"{name} must be {otherwise}, or a sequence of numbers above 0, got {as_given(given)}.")
    listed = np.asarray(given).tolist()
    values = np.array([number(each) for each in listed])
    bad = ~((values > 0.0) & (values <= most))
    if bad.any():
        place = int(bad.argmax())
        raise ValueError(
            f"{name} has {as_given(listed[place])} at {place}, expected numbers above 0, and at most {most:g}.{remedy}"
        )
    return values


def ratio(value: Any, name: str) -> float:
    """Return a parameter from 0 to 1; raise if it is none."""
    if not 0.0 <= number(value) <= 1.0:
        raise ValueError(f"{name} must be a number from 0 to 1, got {as_given(value)}.")
    return number(value)


def flag(value: Any, name: str) -> bool:
    """Return a parameter that is True or False; raise if it is not."""
    if isinstance(value, bool | np.bool_ | Integral) and value in (True, False):
        return bool(value)
    raise ValueError(f"{name} must be True or False, got {as_given(value)}.")
