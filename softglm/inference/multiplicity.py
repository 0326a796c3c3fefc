r"""Many tests at once: p-values, and intervals, that hold for all of them together.

Holm's p-values follow from the others alone. Those of the largest statistic use how the estimates vary together:

    P(max_j |T_j| > t),    T = A Z of normal Z, or of Student's t; A_j of length 1

With Z = R u, u uniform on the sphere in r dimensions, the largest is R m(u), m(u) = max_j |A_j u|, and R^2 is
chi-squared, or R^2 / r is F. So of each simulated direction the probability is known exactly, however small, and only
their mean is simulated. It is cut at the bounds that hold whatever the correlations are (Sidak 1967).

References
----------
S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.
T. Hothorn, F. Bretz and P. Westfall, "Simultaneous inference in general parametric models", Biometrical Journal 50,
2008. doi:10.1002/bimj.200810425
Z. Sidak, "Rectangular confidence regions for the means of multivariate normal distributions", Journal of the American
Statistical Association 62, 1967. doi:10.1080/01621459.1967.10482935
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np
from scipy import linalg, optimize, stats

from softglm.arrays import FloatArray
from softglm.inference.significance import sampling_distribution

# Directions that are simulated, and products of them with tests that are held at a time.
_DIRECTIONS, _HELD = 2**15, 2**22
# Singular values below this share of the largest are rounding.
_RANK_TOLERANCE = 1e-10


Adjustment: TypeAlias = Literal["holm", "max-t"]


@final
@dataclass(frozen=True, eq=False)
class Adjusted:
    """Tests and intervals that allow for their number.

    Attributes
    ----------
    p_value : array of shape (c, K)
    quantile : float, or array of shape (c, K)
        How many standard errors an interval reaches.
    error : float
        The largest standard error of the p-values, and of the level of the intervals, that simulation leaves.
    """

    p_value: FloatArray
    quantile: float | FloatArray
    error: float


def adjusted(
    how: Adjustment | None,
    z: FloatArray,
    root: FloatArray,
    *,
    degrees_of_freedom: float | FloatArray | None,
    level: float,
) -> Adjusted:
    """Return the p-values of c contrasts of K classes, and how far their intervals reach.

    Parameters
    ----------
    how : {"holm", "max-t"} or None
        By Holm, where intervals stay pointwise; by the joint distribution of the largest; or not at all.
    z : array of shape (c, K)
        Estimates over their standard errors; NaN where nothing is tested.
    root : array of shape (c, K, k)
        A factor of the covariance of the estimates.
    degrees_of_freedom : float, array of shape (c, K), or None
        Of z: None for the normal. An array where each has its own; for "max-t" one number.
    level : float
    """
    distribution = sampling_distribution(degrees_of_freedom)
    p_value = 2.0 * distribution.sf(np.abs(z))
    reach, tested = distribution.isf((1.0 - level) / 2.0), ~np.isnan(z)
    quantile = np.asarray(reach) if isinstance(degrees_of_freedom, np.ndarray) else float(reach)
    if how is None or not tested.any():
        return Adjusted(p_value, quantile, 0.0)
    if how == "holm":
        # Two classes have the same hypotheses.
        families = p_value.T if p_value.shape[1] == 2 else [p_value]
        return Adjusted(np.reshape(np.stack([holm(each) for each in families], axis=-1), z.shape), quantile, 0.0)
    assert not isinstance(degrees_of_freedom, np.ndarray)  # noqa: S101 - one for all
    joint = JointMaximum.of(root[tested], degrees_of_freedom)
    p_value[tested], errors = joint.p_value(z[tested], p_value[tested])
    quantile, error = joint.quantile(level)
    return Adjusted(p_value, quantile, max(float(errors.max()), error))


def holm(p_value: FloatArray) -> FloatArray:
    """Return Holm's adjusted p-values, in the same shape: NaN where nothing is tested, which counts as no test.

    Parameters
    ----------
    p_value : array of any shape
    """
    flat = p_value.ravel()
    tested = np.flatnonzero(~np.isnan(flat))
    order = tested[np.argsort(flat[tested], kind="stable")]
    adjusted = np.full(flat.shape, np.nan)
    multiples = flat[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(multiples), 1.0)
    return adjusted.reshape(p_value.shape)


@final
@dataclass(frozen=True, eq=False)
class JointMaximum:
    """The distribution of the largest of several statistics that vary together.

    Attributes
    ----------
    largest : array of shape (directions,)
        m(u) of the simulated directions.
    rank : int
        r, in how many dimensions they vary.
    n_tests : int
    degrees_of_freedom : float or None
        Of Student's t; None for the normal.
    """

    largest: FloatArray
    rank: int
    n_tests: int
    degrees_of_freedom: float | None

    @classmethod
    def of(cls, root: FloatArray, degrees_of_freedom: float | None) -> "JointMaximum":
        """Simulate it, from always the same random numbers.

        Parameters
        ----------
        root : array of shape (tests, k)
            A factor of the covariance of the estimates, no row of zeros.
        degrees_of_freedom : float or None
        """
        units = root / linalg.norm(root, axis=1, keepdims=True)
        vectors, singular, _ = linalg.svd(units, full_matrices=False)
        kept = singular > _RANK_TOLERANCE * singular[0]
        forms, rank = vectors[:, kept] * singular[kept], int(kept.sum())
        rng = np.random.default_rng(0)
        size = max(_HELD // max(len(forms), rank), 1)
        largest = []
        for first in range(0, _DIRECTIONS, size):
            directions = rng.standard_normal((rank, min(size, _DIRECTIONS - first)))
            directions /= linalg.norm(directions, axis=0)
            largest.append(np.abs(forms @ directions).max(axis=0))
        return cls(np.concatenate(largest), rank, len(forms), degrees_of_freedom)

    def p_value(self, statistic: FloatArray, pointwise: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return how often the largest exceeds each statistic, shape (tests,), and the standard errors of that.

        Parameters
        ----------
        statistic : array of shape (tests,)
            Estimates over their standard errors.
        pointwise : array of shape (tests,)
            Their own two-sided p-values.
        """
        found = np.array([self._mean_tail(abs(value)) for value in statistic])
        with np.errstate(divide="ignore"):
            most = -np.expm1(self.n_tests * np.log1p(-pointwise))
        return np.clip(found[:, 0], pointwise, most), found[:, 1]

    def quantile(self, level: float) -> tuple[float, float]:
        """Return what the largest does not exceed at a confidence level, and the standard error of that level."""
        tail = 1.0 - level
        least, most = (self._own_quantile(tail / share) for share in (1.0, self.n_tests))
        if self._mean_tail(least)[0] <= tail:
            return least, 0.0
        found = float(optimize.brentq(lambda t: self._mean_tail(t)[0] - tail, least, most + 1.0))
        return found, self._mean_tail(found)[1]

    def _own_quantile(self, tail: float) -> float:
        """Return the two-sided quantile of a single statistic."""
        freedom = self.degrees_of_freedom
        return float(stats.norm.isf(tail / 2.0) if freedom is None else stats.t.isf(tail / 2.0, freedom))

    def _mean_tail(self, t: float) -> tuple[float, float]:
        """Return P(max > t) and its standard error."""
        with np.errstate(divide="ignore", over="ignore"):
            squares = np.square(t / self.largest)
        r, freedom = self.rank, self.degrees_of_freedom
        tails = stats.chi2.sf(squares, r) if freedom is None else stats.f.sf(squares / r, r, freedom)
        return float(tails.mean()), float(tails.std() / np.sqrt(len(tails)))
