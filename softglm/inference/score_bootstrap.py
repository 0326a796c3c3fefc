r"""The wild bootstrap of scores: how rarely chance alone makes the scores of a few clusters so large.

Under a hypothesis R b = r the best fit there leaves every cluster a score S_g, and the efficient scores of what is
restricted, c_g = R H^-1 S_g, H the curvature there, add up to little but chance. They are not: clusters that had other
residuals might as well have had others still, v_g S_g with random v_g of mean 0 and variance 1. So the statistic

    W(v) = (sum_g v_g c_g)' (sum_g v_g^2 c_g c_g')^-1 (sum_g v_g c_g)

at v = 1 is compared with itself at random v. Nothing is fitted but the hypothesis, which is imposed. (Scores recentred
about their mean, as Stata's boottest has them, make G W / (G - W) of it, which is in the same order.)

- Rademacher: v is 1 or -1. Of G clusters there are 2^G such v; where they are no more than the draws asked for, all of
  them are looked at, and nothing is random. W(v) = W(-v), so that no p-value is below 2^(1 - G).
- Webb: plus or minus the root of 1/2, 1 or 3/2: 6^G of them, for very few clusters.

The sample itself counts as one of the draws: then, were v_g S_g for all v as probable as S_g, the p-value would be
right in any sample.

References
----------
P. Kline and A. Santos, "A score based approach to wild bootstrap inference", Journal of Econometric Methods 1, 2012.
doi:10.1515/2156-6674.1006
M. D. Webb, "Reworking wild bootstrap-based inference for clustered errors", Canadian Journal of Economics 56, 2023.
doi:10.1111/caje.12661
"""

import html
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.inference.cells import p_text
from softglm.inference.clusters import cluster_scores
from softglm.inference.constrained import constrained_fit
from softglm.inference.estimate import Estimate, estimate_at
from softglm.inference.score_sums import Codes

WeightKind: TypeAlias = Literal["rademacher", "webb"]

# Numbers that are held at a time.
_HELD = 2**20
# Singular values below this share of the largest are rounding; so are differences of statistics.
_RANK_TOLERANCE, _TIE = 1e-10, 1e-9
_WEBB = np.sqrt([0.5, 1.0, 1.5])


@final
@dataclass(frozen=True)
class BootstrapTest:
    """A test by the wild bootstrap of the scores of clusters.

    Attributes
    ----------
    statistic : float
        W: the score statistic in the metric of the scores of the clusters, at most their number.
    n_restrictions : int
        How many independent restrictions were tested.
    p_value : float
        The share of the draws, the sample among them, of which W is no less.
    n_clusters : int
        Those of the covariance.
    n_draws : int
        How many draws were looked at, beside the sample; 2^G if all of them were.
    is_exhaustive : bool
        Whether every sign of every cluster was looked at, and nothing is random.
    weights : {"rademacher", "webb"}
        What the scores of the clusters were multiplied by.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X, batches = X[:, :2], np.arange(178) % 8
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, covariance="cluster", clusters=batches)
    >>> print(result.bootstrap_test("x1"))
    W(2) = 7.175, p = 0.0156 (wild score bootstrap: all 256 signs of 8 clusters; none is below 0.007812)
    """

    statistic: float
    n_restrictions: int
    p_value: float
    n_clusters: int
    n_draws: int
    is_exhaustive: bool
    weights: WeightKind

    @property
    def p_error(self) -> float:
        """The standard error of the p-value, of which chance is the draws; 0 if all of them were looked at."""
        return 0.0 if self.is_exhaustive else math.sqrt(self.p_value * (1.0 - self.p_value) / self.n_draws)

    def __str__(self) -> str:
        """Return one line for a report."""
        p = p_text(self.p_value)
        if self.is_exhaustive:
            how = f"all {self.n_draws:,} signs of {self.n_clusters} clusters; none is below {2.0 / self.n_draws:.4g}"
        else:
            p = f"{p} +- {self.p_error:.4f}"
            how = f"{self.n_draws:,} draws of {self.weights.capitalize()} weights, {self.n_clusters} clusters"
        return f"W({self.n_restrictions}) = {self.statistic:.4g}, {p} (wild score bootstrap: {how})"

    def _repr_html_(self) -> str:
        return html.escape(str(self))


def score_bootstrap(
    estimate: Estimate,
    clusters: Codes | None,
    forms: FloatArray,
    values: FloatArray,
    *,
    draws: int,
    weights: WeightKind,
    seed: int,
) -> BootstrapTest:
    """Return the test that linear forms of the coordinates, whose estimates differ by `values`, do not.

    Parameters
    ----------
    estimate : Estimate
        Without a penalty, and with nothing at infinity.
    clusters : array of shape (n, ways), or None
        A number for the cluster of each row.
    forms : array of shape (d, P)
    values : array of shape (d,)
    draws : int
        B.
    weights : {"rademacher", "webb"}
    seed : int

    Raises
    ------
    ValueError
        If there are no clusters in one way, they are too few for so many restrictions, there is nothing to test, or an
        option is none.
    """
    _check(draws, weights)
    codes = _in_one_way(clusters)
    n_clusters = int(codes.max()) + 1
    forms, values = estimate.independent(forms, values)
    if not len(forms):
        raise ValueError(
            "There is nothing to test: no coefficient that the restrictions name can be estimated, since columns of X "
            "are constant or collinear. Drop those columns, or name other terms."
        )
    units = _orthonormal(_efficient_scores(estimate, codes, n_clusters, forms, values))
    rank = units.shape[1]
    if rank >= n_clusters:
        raise ValueError(
            f"{len(forms)} restrictions are too many for the scores of {n_clusters} clusters, which would meet any of "
            "so many. Test fewer at once."
        )
    observed = _statistics(np.ones((1, n_clusters)), units)[0]
    is_exhaustive = weights == "rademacher" and 2**n_clusters <= draws
    drawn = _every_sign(n_clusters, _rows(units)) if is_exhaustive else _drawn(n_clusters, draws, weights, seed, units)
    n_above = sum(int(np.count_nonzero(_statistics(v, units) >= observed * (1.0 - _TIE))) for v in drawn)
    p_value = n_above / 2 ** (n_clusters - 1) if is_exhaustive else (n_above + 1) / (draws + 1)
    n_draws = 2**n_clusters if is_exhaustive else draws
    return BootstrapTest(float(observed), rank, p_value, n_clusters, n_draws, is_exhaustive, weights)


def _check(draws: int, weights: str) -> None:
    if weights not in {"rademacher", "webb"}:
        raise ValueError(f'weights must be "rademacher" or "webb", got {weights!r}.')
    if not (isinstance(draws, int | np.integer) and draws > 0):
        raise ValueError(f"draws must be a positive whole number, as 9999 is, got {draws!r}.")


def _in_one_way(clusters: Codes | None) -> Codes:
    if clusters is None:
        raise ValueError(
            'bootstrap_test multiplies the scores of clusters, and there are none: infer with covariance="CR2" or '
            '"cluster" and clusters; of independent rows, clusters=range(n).'
        )
    if clusters.shape[1] > 1:
        raise ValueError(
            f"bootstrap_test is for clusters in one way, got {clusters.shape[1]}. Infer with the coarser, or the one "
            "with fewer clusters."
        )
    return np.asarray(np.unique(clusters[:, 0], return_inverse=True)[1])


def _efficient_scores(
    estimate: Estimate, codes: Codes, n_clusters: int, forms: FloatArray, values: FloatArray
) -> FloatArray:
    """Return R H^-1 S_g at the best fit under the hypothesis, shape (G, d)."""
    reduced = constrained_fit(estimate, forms, -values)
    there = estimate_at(estimate.objective, reduced.parameters, estimate.coordinates)
    return np.asarray(cluster_scores(there, codes, n_clusters) @ there.solve(forms.T))


def _orthonormal(scores: FloatArray) -> FloatArray:
    """Return an orthonormal basis of the columns, shape (G, rank), which is all that W sees of them."""
    vectors, singular, _ = linalg.svd(scores, full_matrices=False)
    return np.asarray(vectors[:, singular > _RANK_TOLERANCE * singular.max(initial=np.finfo(np.float64).tiny)])


def _statistics(v: FloatArray, units: FloatArray) -> FloatArray:
    """Return W of v, shape (draws, G)."""
    sums = v @ units
    if (v**2 == 1.0).all():  # the metric stays the same
        return np.asarray(np.square(sums).sum(axis=1))
    n_clusters, rank = units.shape
    squares = (units[:, :, np.newaxis] * units[:, np.newaxis]).reshape(n_clusters, rank * rank)
    metrics = (v**2 @ squares).reshape(-1, rank, rank)
    return np.asarray((sums * np.linalg.solve(metrics, sums[:, :, np.newaxis])[:, :, 0]).sum(axis=1))


def _rows(units: FloatArray) -> int:
    """Return how many draws are looked at together."""
    n_clusters, rank = units.shape
    return int(max(_HELD // (n_clusters + rank * rank), 1))


def _every_sign(n_clusters: int, step: int) -> Iterator[FloatArray]:
    """Yield the signs of all clusters but the first, whose is 1: the opposite ones have the same W."""
    powers, last = np.arange(n_clusters), 2 ** (n_clusters - 1)
    for first in range(0, last, step):
        numbers = 2 * np.arange(first, min(first + step, last))[:, np.newaxis]
        yield np.asarray(1.0 - 2.0 * (numbers >> powers & 1), dtype=np.float64)


def _drawn(n_clusters: int, draws: int, weights: WeightKind, seed: int, units: FloatArray) -> Iterator[FloatArray]:
    rng, step = np.random.default_rng(seed), _rows(units)
    for first in range(0, draws, step):
        shape = (min(step, draws - first), n_clusters)
        signs = np.asarray(2.0 * rng.integers(2, size=shape) - 1.0, dtype=np.float64)
        yield signs if weights == "rademacher" else np.asarray(signs * rng.choice(_WEBB, size=shape))
