"""Linear features of centred rows."""

from dataclasses import dataclass
from typing import final

import numpy as np

from softglm.arrays import FloatArray
from softglm.data import Block


@final
@dataclass(frozen=True)
class Features:
    """F'[x - c; 1] of each row x; without the 1 where F has no row for it.

    Attributes
    ----------
    center : array of shape (p,)
        c.
    loadings : array of shape (m, r), or (m,) for a diagonal matrix
        F.
    """

    center: FloatArray
    loadings: FloatArray

    def of(self, block: Block) -> FloatArray:
        """Return the features of the rows of a block, shape (rows, r)."""
        return self.of_centred(block.centred(self.center))

    def of_centred(self, centred: FloatArray) -> FloatArray:
        """Return the features of rows x - c, shape (rows, p), in their precision."""
        p, loadings = centred.shape[1], self.loadings.astype(centred.dtype, copy=False)
        if loadings.ndim == 1:
            scaled = np.empty_like(centred, shape=(len(centred), len(loadings)))
            np.multiply(centred, loadings[:p], out=scaled[:, :p])
            scaled[:, p:] = loadings[p:]
            return scaled
        transformed = centred @ loadings[:p]
        transformed += loadings[p:].sum(axis=0)
        return transformed
