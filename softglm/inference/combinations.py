"""Linear combinations of the coefficients, as users state them: in numbers, or in text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.inference.coefficient_names import CoefficientNames
from softglm.inference.expressions import read_expression
from softglm.inference.names import are_names

# Numbers or texts, or a dict of either by names.
Contrast: TypeAlias = npt.ArrayLike | Mapping[Any, Any]


@final
@dataclass(frozen=True, eq=False)
class Combinations:
    """Linear combinations R b of the coefficients b, and the values r that they are compared with.

    Attributes
    ----------
    names : tuple of str, length d
        As the user wrote or called them, with what they are compared with; of numbers, as they are written.
    weights : array of shape (d, (K - 1) n_terms)
        R, class by class.
    value : array of shape (d,)
        r.
    """

    names: tuple[str, ...]
    weights: FloatArray
    value: FloatArray


def read_combinations(names: CoefficientNames, contrast: Contrast, value: npt.ArrayLike) -> Combinations:
    """Return the combinations that a user states.

    Parameters
    ----------
    names : CoefficientNames
    contrast : array of shape (d, (K - 1) n_terms), or of one row; text, or texts; or dict from name to either
        Numbers are class by class.
    value : array of shape (d,), or a number
        0 where texts are equations.

    Raises
    ------
    ValueError
        If the shape is wrong, something is not finite, or a text is not to be read.
    """
    called = tuple(map(str, contrast)) if isinstance(contrast, Mapping) else None
    stated: Any = list(contrast.values()) if isinstance(contrast, Mapping) else contrast
    if are_names(stated):
        texts = [stated] if isinstance(stated, str) else list(stated)
        read = [read_expression(names, text) for text in texts]
        are_equations = [number is not None for _, number in read]
        if any(are_equations) and np.any(value):
            raise ValueError(
                f"value={value!r} is for combinations without =, and contrast has an equation, got {contrast!r}. Write "
                "what each equals in its text, or pass it as value."
            )
        weights = np.stack([row for row, _ in read])
        values = _values(value, len(weights)) + np.array([number or 0.0 for _, number in read])
        written = [text.strip() for text in texts]
    else:
        weights = _weights(names, stated)
        values, are_equations = _values(value, len(weights)), [False] * len(weights)
        written = [names.written(row, f"row {place}") for place, row in enumerate(weights)]
    compared = (
        text if number == 0.0 or (is_equation and called is None) else f"{text} = {number:.6g}"
        for text, number, is_equation in zip(called or written, values, are_equations, strict=True)
    )
    return Combinations(tuple(compared), weights, values)


def _weights(names: CoefficientNames, contrast: Any) -> FloatArray:  # noqa: ANN401 - users pass anything
    """Return numbers that a user passed, a row for each combination."""
    try:
        rows = np.atleast_2d(np.asarray(contrast, dtype=np.float64))
    except (TypeError, ValueError):
        raise ValueError(
            f"contrast must be numbers of shape (d, {len(names)}), a column for each coefficient, or texts such as "
            f"{names.written(np.eye(1, len(names))[0], '')!r}, got {contrast!r}. To test features by name, use "
            'test_terms("wald", groups={"any name": [features]}).'
        ) from None
    if rows.ndim != 2 or rows.shape[1] != len(names):
        raise ValueError(
            f"contrast has shape {np.shape(contrast)}, expected (d, {len(names)}): a column for each of the "
            f"{len(names.classes)} x {len(names.terms)} coefficients, class by class."
        )
    if not np.isfinite(rows).all():
        raise ValueError("contrast holds a number that is not finite. Weights of coefficients are; 0 leaves one out.")
    return rows


def _values(value: npt.ArrayLike, n_combinations: int) -> FloatArray:
    """Return what combinations are compared with, a value for each."""
    try:
        values = np.broadcast_to(np.asarray(value, dtype=np.float64), n_combinations)
    except (TypeError, ValueError):
        values = np.full(n_combinations, np.nan)
    if not np.isfinite(values).all():
        raise ValueError(f"value must be a finite number, or one for each of {n_combinations} rows, got {value!r}.")
    return values
