r"""Rubin's rules: one estimate, with what imputation leaves uncertain, of the estimates of m imputed data sets.

With q_i the estimates and U_i their covariances,

    q = mean q_i,   U = mean U_i (within),   B = the covariance of the q_i, over m - 1 (between)
    T = U + (1 + 1/m) B                                 the covariance of q
    r = (1 + 1/m) B / U,   lambda = (1 + 1/m) B / T     of one estimate: increase, and share, of variance
    nu_m = (m - 1) / lambda^2,   nu_o = (nu + 1) / (nu + 3) nu (1 - lambda),   1 / df = 1 / nu_m + 1 / nu_o
    fraction of missing information = (r + 2 / (df + 3)) / (r + 1)

nu being the degrees of freedom of an estimate from complete data. B of many estimates has rank m - 1, so that a test of
k of them (D1) takes it to be proportional to U, r = (1 + 1/m) tr(B U^-1) / k, and q' U^-1 q / (k (1 + r)) to be
F(k, v), v by Li, Raghunathan & Rubin, or for finite nu by Reiter.

References
----------
D. B. Rubin, "Multiple Imputation for Nonresponse in Surveys", Wiley, 1987. doi:10.1002/9780470316696
J. Barnard and D. B. Rubin, "Small-sample degrees of freedom with multiple imputation", Biometrika 86, 1999.
doi:10.1093/biomet/86.4.948
K. H. Li, T. E. Raghunathan and D. B. Rubin, "Large-sample significance levels from multiply imputed data using
moment-based statistics and an F reference distribution", Journal of the American Statistical Association 86, 1991.
doi:10.1080/01621459.1991.10475152
J. P. Reiter, "Small-sample degrees of freedom for multi-component significance tests with multiple imputation for
missing data", Biometrika 94, 2007. doi:10.1093/biomet/asm028
"""

from dataclasses import dataclass
from typing import final

import numpy as np
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.inference.lengths import unit_rows
from softglm.inference.significance import FTest, f_test

# Eigenvalues of a matrix with unit diagonal below this are rounding.
_RANK_TOLERANCE = 1e-10


@final
@dataclass(frozen=True, eq=False)
class Moments:
    """The moments of the estimates of m imputed data sets.

    Attributes
    ----------
    n_imputations : int
        m.
    estimate : array of shape (k,)
    within, between : array of shape (k, k)
        U and B.
    """

    n_imputations: int
    estimate: FloatArray
    within: FloatArray
    between: FloatArray

    @property
    def total(self) -> FloatArray:
        """T, shape (k, k)."""
        return np.asarray(self.within + self.added)

    @property
    def added(self) -> FloatArray:
        """(1 + 1/m) B, shape (k, k)."""
        return np.asarray((1.0 + 1.0 / self.n_imputations) * self.between)

    @property
    def increase(self) -> FloatArray:
        """The relative increase in variance of each estimate, shape (k,)."""
        return np.asarray(np.diag(self.added) / np.diag(self.within))

    def degrees_of_freedom(self, complete: FloatArray) -> FloatArray:
        """Return those of each estimate, shape (k,), given those from complete data, which may be infinite."""
        share = self.increase / (1.0 + self.increase)
        return barnard_rubin(self.n_imputations, share, complete)

    def missing_information(self, degrees_of_freedom: FloatArray) -> FloatArray:
        """Return the fraction of missing information about each estimate, shape (k,), of so many degrees of freedom."""
        return np.asarray((self.increase + 2.0 / (degrees_of_freedom + 3.0)) / (self.increase + 1.0))

    def test(self, contrast: FloatArray, values: FloatArray, complete: float) -> FTest:
        """Return D1, the test that combinations of the estimates have given values.

        Parameters
        ----------
        contrast : array of shape (d, k)
        values : array of shape (d,)
        complete : float
            The degrees of freedom of such a test from complete data; inf for chi-squared.

        Returns
        -------
        FTest
            Of one restriction the square of its t, with the degrees of freedom of that.
        """
        asked = np.linalg.matrix_rank(unit_rows(contrast)[0], tol=_RANK_TOLERANCE)
        within = contrast @ self.within @ contrast.T
        lengths = np.sqrt(np.diag(within))
        eigenvalues, vectors = linalg.eigh(within / np.outer(lengths, lengths))
        kept = eigenvalues > _RANK_TOLERANCE * len(eigenvalues)
        whitening = (vectors[:, kept] / np.sqrt(eigenvalues[kept])).T / lengths
        k, m = len(whitening), self.n_imputations
        increase = float(np.trace(whitening @ contrast @ self.added @ contrast.T @ whitening.T)) / k
        distance = whitening @ (contrast @ self.estimate - values)
        statistic = float(distance @ distance) / (k * (1.0 + increase))
        return f_test(statistic, k, denominator(m, k, increase, complete), int(asked))


def moments_of(estimates: FloatArray, covariances: FloatArray) -> Moments:
    """Return the moments of estimates, shape (m, k), with covariances, (m, k, k)."""
    centred = estimates - estimates.mean(axis=0)
    m = len(estimates)
    return Moments(m, estimates.mean(axis=0), covariances.mean(axis=0), centred.T @ centred / (m - 1))


def barnard_rubin(m: int, share: FloatArray, complete: FloatArray) -> FloatArray:
    """Return degrees of freedom, given the share of variance that imputation adds and those from complete data."""
    with np.errstate(divide="ignore", invalid="ignore"):
        by_imputation = np.asarray((m - 1.0) / np.square(share))
        # (nu + 1) / (nu + 3) is 1 for infinite nu.
        observed = (1.0 - 2.0 / (complete + 3.0)) * complete * (1.0 - share)
        return np.asarray(1.0 / (1.0 / by_imputation + 1.0 / observed))


def denominator(m: int, k: int, increase: float, complete: float) -> float:
    """Return the second degrees of freedom of D1 of k estimates, whose variances increase so much on average.

    Parameters
    ----------
    m, k : int
    increase : float
        r.
    complete : float
        nu; may be infinite.
    """
    share = increase / (1.0 + increase)
    if k == 1:
        return float(barnard_rubin(m, np.array(share), np.array(complete)))
    t = k * (m - 1.0)
    if np.isfinite(complete):
        reiter = _reiter(t, increase, complete)
        if reiter is not None:
            return reiter
        observed = (complete + 1.0) / (complete + 3.0) * complete * (1.0 - share)
        # Too few imputations for his expansion: as Barnard and Rubin put two degrees of freedom together.
        return 1.0 / (1.0 / _large_sample(t, k, increase) + 1.0 / observed)
    return _large_sample(t, k, increase)


def _large_sample(t: float, k: int, increase: float) -> float:
    """Return Li, Raghunathan & Rubin's degrees of freedom."""
    if increase == 0.0:
        return float("inf")
    if t > 4.0:
        return 4.0 + (t - 4.0) * (1.0 + (1.0 - 2.0 / t) / increase) ** 2
    return t * (1.0 + 1.0 / k) * (1.0 + 1.0 / increase) ** 2 / 2.0


def _reiter(t: float, increase: float, complete: float) -> float | None:
    """Return Reiter's degrees of freedom; None where his expansion has none, for too few imputations."""
    if t <= 4.0:
        return None
    a = increase * t / (t - 2.0)
    observed = (complete + 1.0) / (complete + 3.0) * complete
    one, two, share = observed - 2.0 * (1.0 + a), observed - 4.0 * (1.0 + a), a / (1.0 + a)
    if not (one > 0.0 and two > 0.0):
        return None
    first = share**2 * one / two + 8.0 * a * share * one / two**2 + 4.0 * a * share / two
    second = 4.0 * a**2 / (one * two) + 16.0 * a**2 * one / two**3 + 8.0 * a**2 / two**2
    return 4.0 + 1.0 / (1.0 / two + (first + second) / (t - 4.0))
