"""The offset: a known part of eta, in the coding of the model."""

from numbers import Real
from typing import Any

import numpy as np

from softglm.arrays import FloatArray
from softglm.validation.entries import finite_values
from softglm.validation.finite import as_float, check_numbers
from softglm.validation.labels import Labels, columns_by_class


def read_offset(offset: Any, n_rows: int, classes: Labels) -> FloatArray | None:
    """Return the offset in the coding of the model: (n, K), or (n, 1) for two classes; None if there is none."""
    if offset is None:
        return None
    if isinstance(offset, Real):
        offset = np.full(n_rows if len(classes) == 2 else (n_rows, len(classes)), as_float(offset))
    values = finite_values(offset, "offset")
    check_numbers(values, "offset")
    binary = len(classes) == 2
    if binary and values.shape in ((n_rows,), (n_rows, 1)):
        return np.asarray(values.reshape(n_rows, 1))
    if values.shape != (n_rows, len(classes)):
        expected = f"({n_rows},) or ({n_rows}, 2)" if binary else f"({n_rows}, {len(classes)})"
        raise ValueError(
            f"offset has shape {values.shape}, expected {expected}: the known part of eta, a column for each of the "
            f"classes {classes[:10].tolist()}."
        )
    values = columns_by_class(offset, values, classes, "offset")
    return values[:, 1:] - values[:, :1] if binary else values


def read_offset_to_predict(offset: Any, n_rows: int, classes: Labels, *, is_required: bool) -> FloatArray | None:
    """Return the offset of rows to predict, which a model that was fitted with one requires."""
    if offset is None and is_required:
        raise ValueError(
            "The model was fitted with an offset and none was given. Pass the offset of these rows, or offset=0 to "
            "leave it out."
        )
    return read_offset(offset, n_rows, classes)
