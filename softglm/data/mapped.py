"""Arrays that are files mapped into memory: as near as others where they fit into it, and else as far as the disk."""

import mmap
import os
from functools import cache

import numpy as np

from softglm.arrays import Matrix
from softglm.data.block import is_sparse

# Of a byte, in nanoseconds, from a disk that reads 2 GB in a second.
_READING = 0.5
# A file of more than this share of the memory will not stay in it until the next pass.
_SHARE = 0.5


def reading_price(X: Matrix) -> float:
    """Return what it costs to read a matrix once more: nothing, unless it is mapped and too large for the memory."""
    entries = X.data if is_sparse(X) else X
    n_bytes = int(entries.nbytes)
    is_far = n_bytes > _SHARE * physical_memory() and _is_mapped(entries)
    return _READING * n_bytes if is_far else 0.0


@cache
def physical_memory() -> float:
    """Return how many bytes of memory this machine has; infinity where it does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return float("inf")


def _is_mapped(array: object) -> bool:
    """Tell whether the memory of an array is that of a mapped file."""
    while isinstance(array, np.ndarray):
        array = array.base
    owner = array.obj if isinstance(array, memoryview) else array
    return isinstance(owner, mmap.mmap)
