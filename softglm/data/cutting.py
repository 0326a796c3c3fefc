"""How rows are cut into blocks, and the blocks into parts: sums depend on it to the last bit, so places cut alike."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray, IntArray
from softglm.tuning import Tuning

# A block of a sparse matrix may be made dense up to this many entries; with more features than this none ever is.
_MAX_DENSE_ENTRIES, _MAX_DENSE_FEATURES = 2**22, 8192


def rows_per_block(
    shape: tuple[int, int],
    n_entries: int,
    targets: FloatArray | IntArray,
    dtype: npt.DTypeLike,
    tuning: Tuning,
    *,
    is_sparse: bool,
) -> int:
    """Return of how many rows a block is made.

    Parameters
    ----------
    shape : tuple of int
        (n, p).
    n_entries : int
        Of them so many are stored.
    targets : array of shape (n,) or (n, q)
        See `Block`.
    dtype : dtype
        That of the entries.
    tuning : Tuning
    is_sparse : bool
    """
    n_rows, n_features = shape
    is_coded = targets.ndim == 1 and targets.dtype.kind == "i"
    n_parameters = int(targets.max(initial=0)) + 1 if is_coded else targets[:1].size
    numbers = tuning.cached_single_numbers if dtype == np.float32 else tuning.cached_numbers
    fitting = numbers // (n_features + 2 * n_parameters)
    enough = max(tuning.least_rows, min(fitting, tuning.most_rows))
    entries_per_row = n_entries / max(n_rows, 1)
    rows = max(enough, int(n_features * min(tuning.entries_per_feature / max(entries_per_row, 1.0), 1.0)))
    if is_sparse and n_features <= _MAX_DENSE_FEATURES:
        # Second moments and Hessians fill in the zeros of one block at a time.
        return min(rows, max(_MAX_DENSE_ENTRIES // max(n_features, 1), 1))
    return rows


def parts_of(n_blocks: int, tuning: Tuning) -> list[slice]:
    """Return which blocks of a long pass are summed together, before the sums of these parts are."""
    ends = [n_blocks * part // tuning.n_parts for part in range(tuning.n_parts + 1)]
    return [slice(start, end) for start, end in pairwise(ends) if start < end]
