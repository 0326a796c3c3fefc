"""Coefficients that another program has fitted, as arrays, wherever they live."""

from typing import Any

import numpy as np

from softglm.arrays import FloatArray
from softglm.validation.entries import finite_values


def read_coefficients(given: Any, n_classes: int, n_features: int) -> tuple[FloatArray, FloatArray | None]:
    """Return coef, shape (K, p), for two classes also (1, p), and the intercepts, (K,) or (1,); None for none.

    Parameters
    ----------
    given : tuple
        Of both, as passed by the user.
    n_classes, n_features : int
    """
    if len(given) != 2:
        raise ValueError(f"A tuple of {len(given)} was given, expected (coef, intercept); the intercept may be None.")
    coef = finite_values(_in_memory(given[0]), "coef")
    coef = coef[np.newaxis] if coef.ndim == 1 and n_classes == 2 else coef
    allowed = (1, 2) if n_classes == 2 else (n_classes,)
    if coef.ndim != 2 or coef.shape[1] != n_features or len(coef) not in allowed:
        rows = " or ".join(f"({n}, {n_features})" for n in allowed)
        raise ValueError(
            f"coef has shape {coef.shape}, expected {rows} for the {n_classes} classes of y, in sorted order, and the "
            f"{n_features} columns of X. Transpose it, if features are its rows."
        )
    if given[1] is None:
        return coef, None
    intercept = finite_values(_in_memory(given[1]), "intercept")
    if intercept.shape not in {(), (1,), (len(coef),)}:
        raise ValueError(
            f"intercept has shape {intercept.shape}, expected ({len(coef)},), one for each row of coef; or None."
        )
    return coef, np.array(np.broadcast_to(intercept, len(coef)))


def _in_memory(values: Any) -> Any:
    """Return an array of PyTorch or CuPy as one of NumPy: away from its graph, and from its device."""
    library = type(values).__module__.partition(".")[0]
    if library == "torch":
        return values.detach().cpu().numpy()
    return values.get() if library == "cupy" else np.atleast_1d(values)
