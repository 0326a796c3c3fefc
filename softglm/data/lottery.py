"""Which rows are drawn, where some have better chances than others."""

from typing import Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray


@final
class Lottery:
    """Draws of different sizes with the same random numbers, every time: a larger one contains a smaller one.

    Parameters
    ----------
    n_rows : int
    scores : array of shape (n,) or None
        To which the chances are proportional, float32; None for equal chances.
    """

    def __init__(self, n_rows: int, scores: FloatArray | None) -> None:
        self._scores = scores
        # A row is drawn if its random number is below its chance: its luck, the quotient, below the share of a score.
        self._luck = np.random.default_rng(0).random(n_rows, dtype=np.float32)
        self._total = float(n_rows)
        if scores is not None:
            hopeless = scores == 0.0
            np.divide(self._luck, scores, out=self._luck, where=~hopeless)
            self._luck[hopeless] = np.inf
            self._total = float(scores.sum(dtype=np.float64))

    def draw(self, count: int) -> tuple[npt.NDArray[Any], FloatArray]:
        """Return the indices of about so many rows, and how many each stands for."""
        share = count / self._total
        chosen = np.flatnonzero(self._luck < np.float32(share))
        if self._scores is None:
            return chosen, np.full(len(chosen), 1.0 / share)
        return chosen, 1.0 / np.minimum(self._scores[chosen] * share, 1.0)
