"""Predicted probabilities against how often a class occurred."""

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt
from scipy import stats

from softglm.arrays import BoolArray, FloatArray

Strategy: TypeAlias = Literal["quantile", "uniform"]


@final
@dataclass(frozen=True, eq=False)
class ReliabilityBins:
    """What happened in the bins of one class; empty bins are left out.

    Attributes
    ----------
    predicted, observed : array of shape (b,)
        The mean probability, and the share of rows that are of the class.
    lower, upper : array of shape (b,)
        Wilson's interval for the latter.
    n_rows : int array of shape (b,)
    """

    predicted: FloatArray
    observed: FloatArray
    lower: FloatArray
    upper: FloatArray
    n_rows: npt.NDArray[np.intp]


def reliability_bins(
    probability: FloatArray, hits: FloatArray | BoolArray, n_bins: int, strategy: Strategy, level: float
) -> ReliabilityBins:
    """Return what happened in the bins of one class.

    Parameters
    ----------
    probability : array of shape (n,)
        Of the class, as predicted.
    hits : array of shape (n,)
        Whether it occurred: 0 or 1.
    n_bins : int
        The most bins.
    strategy : {"quantile", "uniform"}
        Bins of (nearly) as many rows each, or of the same width.
    level : float
        Of the intervals.

    References
    ----------
    .. [1] Wilson, Journal of the American Statistical Association 22 (1927), doi:10.1080/01621459.1927.10502953.
    """
    shares = np.linspace(0.0, 1.0, n_bins + 1)
    edges = np.unique(np.quantile(probability, shares)) if strategy == "quantile" else shares
    places = np.searchsorted(edges[1:-1], probability, side="left")
    n_rows = np.bincount(places, minlength=max(len(edges) - 1, 1))
    filled = n_rows > 0
    n = n_rows[filled]
    predicted = np.bincount(places, probability, minlength=len(n_rows))[filled] / n
    observed = np.bincount(places, hits, minlength=len(n_rows))[filled] / n
    z = stats.norm.isf((1.0 - level) / 2.0)
    centre = (observed + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(observed * (1 - observed) / n + z**2 / (4 * n**2))
    return ReliabilityBins(predicted, observed, np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0), n)
