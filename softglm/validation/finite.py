"""Numbers that can be summed: finite, and so are the sums of their squares."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

# A weight times the square of a value, summed over the rows, then stays within the range of float64.
LEAST, MOST = 1e-100, 1e100
# Entries at a time.
_PIECE = 2**16


def as_float(number: Any) -> float:
    """Return a real number of any type as a float, infinite where it is beyond the range of those."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def check_numbers(values: Any, what: str) -> None:
    """Raise unless values, dense or sparse, are numbers whose squares can be summed."""
    entries = _entries(values)
    if entries.dtype.kind not in "biuf":
        raise ValueError(f"{what} holds values of dtype {entries.dtype}, expected numbers. Convert them to float64.")
    if not are_numbers(values):
        most = max(float(entries.max()), -float(entries.min()))
        raise ValueError(
            f"{what} has values up to {most:.3g}, expected at most {MOST:g}, so that squares are finite. Rescale."
        )


def are_numbers(values: Any) -> bool:
    """Tell whether values, dense or sparse, are finite, and so are sums of their squares."""
    entries = _entries(values)
    step = max(len(entries) * _PIECE // max(entries.size, 1), 1)
    pieces = (entries[start : start + step] for start in range(0, len(entries), step))
    return entries.dtype.kind in "biuf" and all(map(_are_within, pieces))


def _are_within(piece: npt.NDArray[Any]) -> bool:
    """Tell whether no entry is beyond MOST; what is not a number fails every comparison."""
    # The sum of squares takes one pass, and most often tells.
    is_simple = piece.dtype in (np.float64, np.float32) and piece.flags.c_contiguous
    if is_simple and float(np.vdot(piece, piece)) <= MOST:
        return True
    return float(piece.min(initial=0)) >= -MOST and float(piece.max(initial=0)) <= MOST


def _entries(values: Any) -> npt.NDArray[Any]:
    entries: npt.NDArray[Any] = values.data if sparse.issparse(values) else values  # type: ignore[attr-defined]
    return entries
