r"""How far a dual point nu = t + s (mu' - t), mu' = mu (1 + v), is from the means mu: bounds that hold for every row.

The distance is KL(nu || mu) = sum nu log(nu / mu), with nu / mu = 1 + d and d = s v + (1 - s) (t / mu - 1): small
numbers are small exactly. Of classes that were not observed nu / mu = s (1 + v), and as ((1 + v) log(1 + v) - v) / v^2
falls as v grows, it is for all of them at most what it is for the least v: so no logarithms are taken but of the class
that was observed.
"""

from abc import ABC, abstractmethod
from typing import TypeAlias, final

import numpy as np

from softglm.arrays import FloatArray, IntArray

Seen: TypeAlias = IntArray | FloatArray
"""Observed labels, shape (n,), or shares of the classes, shape (K, n)."""


def seen_in(targets: FloatArray | IntArray, n_classes: int) -> Seen:
    """Return labels, shape (n,), where targets are such, of two classes in any type; else shares, shape (K, n).

    Parameters
    ----------
    targets : array of shape (n,) or (q, n)
    n_classes : int
    """
    if targets.ndim == 1 and n_classes == 2 and not np.issubdtype(targets.dtype, np.integer):
        if not ((targets == 0.0) | (targets == 1.0)).all():
            return np.stack([1.0 - targets, targets])
        return targets.astype(np.int32)
    return targets if targets.ndim == 1 else np.asarray(targets, dtype=np.float64)


class Divergences(ABC):
    """Bounds on sum_i w_i KL(nu_i || mu_i) and on sum_ik w_i mu_ik log^2(nu_ik / mu_ik), for any s."""

    @staticmethod
    def of(mean: FloatArray, v: FloatArray, seen: Seen, weights: FloatArray) -> "Divergences":
        """Return them of rows that have any weight.

        Parameters
        ----------
        mean, v : arrays of shape (K, n)
            v > -1, of mean 0.
        seen : array of shape (n,) or (K, n)
            As `seen_in` returns it.
        weights : array of shape (n,)
        """
        if seen.ndim == 1:
            return _OfLabels(mean, v, np.asarray(seen, dtype=np.int32), weights)
        return _OfShares(mean, v, np.asarray(seen, dtype=np.float64), weights)

    @final
    def at(self, h: float) -> tuple[float, float]:
        """Return both for s = 1 - h, h below 1."""
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return self._at(h)

    @abstractmethod
    def _at(self, h: float) -> tuple[float, float]: ...


@final
class _OfLabels(Divergences):
    def __init__(self, mean: FloatArray, v: FloatArray, labels: IntArray, weights: FloatArray) -> None:
        rows, self._least = np.arange(mean.shape[1]), float(v.min(initial=0.0))
        self._own, self._own_v, self._weights = mean[labels, rows], v[labels, rows], weights
        self._squares = np.einsum("ki,ki,ki->i", mean, v, v) - self._own * self._own_v**2

    def _at(self, h: float) -> tuple[float, float]:
        own, own_v, least = self._own, self._own_v, self._least
        s, log_s, rest = 1.0 - h, float(np.log1p(-h)), 1.0 - own
        # The Taylor series, whose terms are all positive for v < 0, and its remainder at the most.
        bend = 1 / 2 - least / 6.0 + least * least / 3.0
        ratio = s * own_v + h * (rest / own) if h else own_v
        logs = np.log1p(ratio)
        apart = s * (log_s * (rest - own * own_v) - own * own_v + bend * self._squares) + own * (1.0 + ratio) * logs
        # log^2(1 + v) <= v^2 / (1 + v), and the square of a sum is at most twice that of both.
        squares = 2.0 * (log_s * log_s * rest + self._squares / (1.0 + least)) + own * logs * logs
        return float(apart @ self._weights), float(squares @ self._weights)


@final
class _OfShares(Divergences):
    def __init__(self, mean: FloatArray, v: FloatArray, shares: FloatArray, weights: FloatArray) -> None:
        self._mean, self._v, self._shares, self._weights = mean, v, shares, weights

    def _at(self, h: float) -> tuple[float, float]:
        ratio = (1.0 - h) * self._v + h * (self._shares / self._mean - 1.0) if h else self._v
        logs = np.log1p(ratio)
        by_logs = self._mean * logs
        apart, squares = (by_logs * (1.0 + ratio)).sum(axis=0), (by_logs * logs).sum(axis=0)
        return float(apart @ self._weights), float(squares @ self._weights)
