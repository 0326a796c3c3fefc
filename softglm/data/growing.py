"""Blocks that grow: rows are added to them one after the other, and what was added is not held beside them."""

from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from softglm.data.block import Block, is_sparse, make_block


@final
class _GrowingArray:
    """Rows of an array, in memory that the system lengthens where it is, as it does large pieces."""

    def __init__(self, like: npt.NDArray[Any]) -> None:
        self._dtype, self._shape, self._bytes = like.dtype, like.shape[1:], bytearray()

    def append(self, values: npt.NDArray[Any]) -> None:
        self._bytes += np.ascontiguousarray(values).data.cast("B") if values.size else b""

    @property
    def values(self) -> npt.NDArray[Any]:
        return np.frombuffer(self._bytes, dtype=self._dtype).reshape(-1, *self._shape)


@final
class GrowingBlock:
    """A block of all rows of the blocks that were added to it, which are alike: dense or sparse, with an offset or not.

    Many small blocks are not gathered first and then copied: they would take their memory twice, and leave gaps in it.
    """

    def __init__(self) -> None:
        self._arrays: dict[str, _GrowingArray] = {}
        self._sparse: list[Any] = []

    def append(self, block: Block) -> None:
        """Add rows."""
        parts = {"targets": block.targets, "weights": block.row_weights, "offset": block.offset}
        if is_sparse(block.X):
            self._sparse.append(block.X)
        else:
            parts["X"] = block.X
        for name, values in parts.items():
            if values is not None:
                if name not in self._arrays:
                    self._arrays[name] = _GrowingArray(values)
                self._arrays[name].append(values)

    @property
    def block(self) -> Block:
        """All of them, of which at least one was added; nothing can be added after that."""
        arrays = {name: array.values for name, array in self._arrays.items()}
        X = sparse.csr_array(sparse.vstack(self._sparse)) if self._sparse else arrays["X"]
        return make_block(X, arrays["targets"], arrays["weights"], arrays.get("offset"))
