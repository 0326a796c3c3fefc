"""Clusters of rows, of one kind or two: a code for each label."""

from typing import Any

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.validation.labels import missing_labels


def read_clusters(clusters: Any, sampled: FloatArray | None, n_rows: int) -> npt.NDArray[np.intp]:
    """Return a code for each row and each way, shape (n, ways)."""
    # NumPy would make the string "nan" of a NaN among strings.
    labels = np.asarray(clusters, dtype=object if isinstance(clusters, list | tuple) else None)
    if labels.ndim == 1:
        labels = labels[:, np.newaxis]
    if labels.ndim != 2 or len(labels) != n_rows or labels.shape[1] not in {1, 2}:
        raise ValueError(
            f"clusters has shape {np.shape(clusters)}, expected ({n_rows},) or ({n_rows}, 2): one label for each row, "
            "in one or two ways."
        )
    missing = missing_labels(labels).any(axis=1)
    if missing.any():
        raise ValueError(
            f"clusters has missing labels in {missing.sum()} rows, the first at row {missing.argmax()}. Give every row "
            "a cluster, or leave those rows out of the fit."
        )
    codes = np.column_stack([_codes_of(column) for column in labels.T])
    if sampled is not None and not sampled.all():
        # Rows of weight 0 add nothing; nor shall their clusters count.
        codes[sampled == 0.0] = codes[np.flatnonzero(sampled)[0]]
    for column in codes.T:
        if len(np.unique(column)) < 2:
            raise ValueError("clusters has a single cluster, expected at least 2: nothing varies between one.")
    return codes


def _codes_of(labels: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return a number for each label, of any type."""
    if labels.dtype != object:
        return np.unique(labels, return_inverse=True)[1]
    known: dict[Any, int] = {}
    return np.array([known.setdefault(label, len(known)) for label in labels.tolist()], dtype=np.intp)
