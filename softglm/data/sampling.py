"""Which rows are drawn, where some have better chances than others."""

from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray, IntArray
from softglm.once import cached_property

Beside: TypeAlias = tuple[FloatArray | IntArray, FloatArray | None, FloatArray | None]

# In a sample, a row of weight counts as one of at least this share of the mean weight.
_LEAST_CHANCE = 0.1


@final
class PoissonSampling:
    """Poisson sampling with permanent random numbers: samples of any size, a larger one containing a smaller one.

    Each row is drawn on its own account, with a chance proportional to its score and its weight (Ohlsson 1995,
    Coordination of samples using permanent random numbers).

    Parameters
    ----------
    n_rows : int
    weights : array of shape (n,) or None
    scores : array of shape (n,) or None
        Positive, float32; None for ones.
    mean_weight : float or None, default=None
        That of all rows, where these are a part of them; None for their own.
    seed : int, default=0
        Of the random numbers, which parts of the rows do not share.
    """

    def __init__(
        self,
        n_rows: int,
        weights: FloatArray | None,
        scores: FloatArray | None,
        *,
        mean_weight: float | None = None,
        seed: int = 0,
    ) -> None:
        self._n_rows, self._weights, self._scores, self._seed = n_rows, weights, scores, seed
        self._mean_weight = mean_weight

    @cached_property
    def _sizes(self) -> FloatArray | None:
        """To what the chances are proportional, shape (n,); None for equal chances."""
        if self._weights is None:
            return self._scores
        sizes: npt.NDArray[Any] = np.empty(self._n_rows, dtype=np.float32)
        mean = self._weights.mean() if self._mean_weight is None else self._mean_weight
        np.divide(self._weights, mean, out=sizes, casting="same_kind")
        # Nobody is without a chance who counts at all, or would stand for too many.
        np.maximum(sizes, np.float32(_LEAST_CHANCE), out=sizes, where=self._weights > 0.0)
        if self._scores is not None:
            sizes *= self._scores
        return np.asarray(sizes)

    @cached_property
    def _luck(self) -> tuple[npt.NDArray[np.float32], float]:
        """The share of a size below which each row is drawn, shape (n,), and the sum of the sizes."""
        # A row is drawn if its random number is below its chance: its luck, the quotient, below the share of a size.
        luck = np.random.default_rng(self._seed).random(self._n_rows, dtype=np.float32)
        sizes = self._sizes
        if sizes is None:
            return luck, float(self._n_rows)
        hopeless = sizes == 0.0
        np.divide(luck, sizes, out=luck, where=~hopeless)
        luck[hopeless] = np.inf
        return luck, float(sizes.sum(dtype=np.float64))

    @property
    def total(self) -> float:
        """The sum of the sizes."""
        return self._luck[1]

    def draw(self, count: int) -> tuple[npt.NDArray[Any], FloatArray]:
        """Return the indices of about so many rows, and how many each stands for."""
        return self.draw_share(count / self.total)

    def draw_share(self, share: float) -> tuple[npt.NDArray[Any], FloatArray]:
        """Return the indices of rows, each drawn with a chance of this share of its size, and what they stand for."""
        luck, _ = self._luck
        chosen = np.flatnonzero(luck < np.float32(share))
        if self._sizes is None:
            return chosen, np.full(len(chosen), 1.0 / share)
        return chosen, 1.0 / np.minimum(self._sizes[chosen] * share, 1.0)


def beside_drawn(beside: Beside, chosen: npt.NDArray[np.intp], multiplicities: FloatArray) -> Beside:
    """Return what the chosen rows have beside their features, where each stands for so many.

    Parameters
    ----------
    beside : tuple
        The targets, weights and offset of all rows; None for weights of 1, and for no offset.
    chosen : array of shape (k,)
    multiplicities : array of shape (k,)
    """
    targets, weights, offset = beside
    return (
        targets[chosen],
        multiplicities if weights is None else weights[chosen] * multiplicities,
        None if offset is None else offset[chosen],
    )
