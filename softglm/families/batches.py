"""Batches of points, the parameter axis first: what the families do with them."""

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray


def safe_exponent(dtype: npt.DTypeLike) -> float:
    """Return a number well between the logarithms of the smallest and the largest of a dtype.

    With room for sums, and for what is by far the smaller of two without being denormal.
    """
    return 300.0 if dtype == np.float64 else 40.0


def total(terms: FloatArray) -> FloatArray:
    """Add up over parameters: (q, ...) -> (...)."""
    summed: FloatArray = np.add.reduce(terms, axis=0)
    return summed


def inner(a: FloatArray, b: FloatArray) -> FloatArray:
    """<a, b> over parameters: twice (q, ...) -> (...)."""
    return total(a * b)


def diagonal(entries: FloatArray) -> FloatArray:
    """Make diagonal matrices: (q, ...) -> (q, q, ...)."""
    matrices, places = np.zeros((len(entries), *entries.shape)), np.arange(len(entries))
    matrices[places, places] = entries
    return matrices


def steps_to_zero(point: FloatArray, direction: FloatArray) -> float:
    """Return how often a direction, shape (q,), can be added to a point, shape (q,), before an entry is below 0."""
    falls = direction < 0.0
    return float((point[falls] / -direction[falls]).min(initial=np.inf))


def require(inside: npt.ArrayLike, what: str, given: FloatArray, remedy: str) -> None:
    """Raise a ValueError that shows the first point given that is not inside.

    Parameters
    ----------
    inside : array of bool, shape (...)
        One verdict per point.
    what : str
        What was expected, as in "Gamma: the rate must be positive".
    given : array, shape (q, ...)
        The points, of which the first that is outside will be shown.
    remedy : str
        What to do about it.
    """
    outside = ~np.atleast_1d(inside)
    if outside.any():
        first = given.reshape(len(given), -1)[:, np.flatnonzero(outside)[0]]
        raise ValueError(f"{what}; got {first.tolist()}. {remedy}")
