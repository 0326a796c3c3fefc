"""Sample weights."""

from numbers import Real
from typing import Any

import numpy as np

from softglm.arrays import FloatArray
from softglm.validation.entries import finite_values
from softglm.validation.finite import as_float, check_numbers


def read_weights(sample_weight: Any, n_rows: int) -> FloatArray | None:
    """Return the sample weights, shape (n,), or None for ones."""
    weights = read_weights_of_part(sample_weight, n_rows)
    if weights is not None:
        check_some_weight(float(weights.sum()))
    return weights


def check_some_weight(total: float) -> None:
    """Raise if weights sum to nothing."""
    if not total > 0.0:
        raise ValueError("sample_weight is zero for every row, so that none counts. Give some row a weight.")


def read_weights_of_part(sample_weight: Any, n_rows: int) -> FloatArray | None:
    """Return the sample weights of some rows, which may all be 0 beside others that are not."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, Real):
        sample_weight = np.full(n_rows, as_float(sample_weight))
    weights = finite_values(sample_weight, "sample_weight")
    if weights.shape != (n_rows,):
        raise ValueError(
            f"sample_weight has shape {weights.shape}, expected ({n_rows},): one weight for each row of X."
        )
    if (weights < 0.0).any():
        raise ValueError(
            f"sample_weight has negative values, the least is {weights.min():g}. A weight says how often a row counts: "
            "it must be at least 0."
        )
    check_numbers(weights, "sample_weight")
    return np.asarray(weights)
