"""Rows in the memory of a device, in few large blocks: what a pass costs there is to be asked for it."""

from collections.abc import Iterator
from typing import Any, final

import numpy as np

from softglm.arrays import FloatArray, IntArray
from softglm.data import Block, Features, Rows, Sampling
from softglm.data.rows import Arrays, Statistic
from softglm.data.sampling import PoissonSampling, beside_drawn
from softglm.device.block import DeviceBlock
from softglm.device.tensor import Tensor

# A block with its eta and means has so many numbers: 1 GB in double precision.
_NUMBERS = 2**27


@final
class FeaturesOnDevice(Features):
    """A dense matrix on a device, of float32 or float64.

    Parameters
    ----------
    X : Tensor of shape (n, p)
    """

    def __init__(self, X: Tensor) -> None:
        self._X, self.shape, self.dtype = X, (X.shape[0], X.shape[1]), X.dtype

    @property
    def matrix(self) -> FloatArray:
        return np.asarray(self._X)

    def rows(
        self, targets: FloatArray | IntArray, weights: FloatArray | None = None, offset: FloatArray | None = None
    ) -> Rows:
        return RowsOnDevice(self._X, targets, weights, offset)


@final
class RowsOnDevice(Rows):
    """Rows of a matrix on a device; weights and offset go there, results of sums come back.

    Parameters
    ----------
    X : Tensor of shape (n, p)
    targets : array of shape (n,) or (n, q)
        Class codes (int32), or sufficient statistics.
    weights : array of shape (n,) or None, default=None
    offset : array of shape (n, q) or None, default=None
    """

    can_be_sampled = can_be_held = True
    is_sparse, outpaces_memory = False, True

    def __init__(
        self,
        X: Tensor,
        targets: FloatArray | IntArray,
        weights: FloatArray | None = None,
        offset: FloatArray | None = None,
    ) -> None:
        self._X, self._beside = X, (targets, weights, offset)
        self.n_rows, self.n_features = X.shape
        self.n_entries, self.has_offset, self.dtype = X.size, offset is not None, X.dtype
        n_parameters = int(targets.max(initial=0)) + 1 if targets.dtype.kind == "i" else targets[:1].size
        self._step = max(_NUMBERS // (self.n_features + 2 * n_parameters), 1)
        self._blocks: list[Block] = [
            DeviceBlock(X[rows], targets[rows], _there(X, weights, rows), _there(X, offset, rows))
            for rows in (slice(start, start + self._step) for start in range(0, self.n_rows, self._step))
        ]

    @property
    def longest_sum(self) -> int:
        return min(self._step, self.n_rows) + len(self._blocks)

    def map(self, statistic: Statistic) -> Iterator[Arrays]:
        return (tuple(np.asarray(part) for part in statistic(block)) for block in self._blocks)

    def sampling(self, score: Statistic | None = None) -> PoissonSampling:
        scores = None if score is None else self.concatenate(score)[0]
        return PoissonSampling(self.n_rows, self._beside[1], scores)

    def sample(self, count: int, sampling: Sampling | None) -> Rows:
        if 2 * count > self.n_rows or not isinstance(sampling, PoissonSampling):
            return self
        chosen, multiplicities = sampling.draw(count)
        if not len(chosen):
            return self
        part = RowsOnDevice(self._X[chosen], *beside_drawn(self._beside, chosen, multiplicities))
        part.multiplicity = float(multiplicities.max())
        return part


def _there(X: Tensor, values: FloatArray | None, rows: slice) -> Any:
    """Return numbers that belong to rows on the device of X: no arrays, but all that is asked of one."""
    return None if values is None else Tensor(X.here(values[rows]))
