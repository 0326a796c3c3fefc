"""Tests: a statistic, its degrees of freedom, and how rarely it is so large by chance.

A quadratic form b' V^+ b of q estimates is chi-squared with q degrees of freedom where V is known. Where the estimates
are referred to Student's t with v degrees of freedom, since V is estimated from few clusters or rows, the form over q
is referred to F(q, v): for a single estimate that is its t squared, and the same p-value.

A single estimate b with standard error s is tested by b / s; its interval is b -+ s times a quantile of that ratio.
"""

import html
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, final

import numpy as np
import numpy.typing as npt
from scipy import linalg, stats

from softglm.arrays import FloatArray
from softglm.inference.cells import p_text

# Singular values of the factor of a covariance below this share of the largest are rounding.
_RANK_TOLERANCE = 1e-10
# Of more degrees of freedom F and chi-squared have the same p-values to rounding, and SciPy only those of the latter.
_INFINITE = 1e12


class _Outcome(ABC):
    """What tests have in common, whatever distribution their statistics have: one line for a report."""

    statistic: float
    df: int
    p_value: float
    n_restrictions: int | None

    @property
    @abstractmethod
    def name(self) -> str:
        """The statistic with its degrees of freedom, as reports write it."""

    def __str__(self) -> str:
        """Return one line for a report."""
        if not self.df:
            if not self.n_restrictions:
                return f"{self.name}: nothing to test"
            return f"no test: too few clusters, or too little rank, to test {self.n_restrictions} restrictions at once"
        line = f"{self.name} = {self.statistic:.4g}, {p_text(self.p_value)}"
        if self.n_restrictions is None or self.df >= self.n_restrictions:
            return line
        return f"{line} (the covariance has room for {self.df} of {self.n_restrictions} restrictions)"

    def _repr_html_(self) -> str:
        return html.escape(str(self))


@final
@dataclass(frozen=True)
class ChiSquaredTest(_Outcome):
    """A test whose statistic is chi-squared under the hypothesis.

    Attributes
    ----------
    statistic : float
        At least 0; NaN where nothing that can be estimated is tested.
    df : int
        Its degrees of freedom; 0 where there is nothing to test.
    p_value : float
        By the survival function; NaN where there is nothing to test.
    n_restrictions : int or None
        How many independent restrictions were asked about; a covariance of few clusters has room for fewer, `df`.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> print(result.likelihood_ratio)
    chi2(4) = 198.4, p < 0.0001
    """

    statistic: float
    df: int
    p_value: float
    n_restrictions: int | None = None

    @property
    def df_denominator(self) -> None:
        """None: no second degrees of freedom."""
        return

    @property
    def name(self) -> str:
        """The statistic with its degrees of freedom, as reports write it."""
        return f"chi2({self.df})"


@final
@dataclass(frozen=True)
class FTest(_Outcome):
    """A test whose statistic has an F distribution under the hypothesis.

    Attributes
    ----------
    statistic : float
        The quadratic form over `df`, at least 0; NaN where nothing that can be estimated is tested.
    df : int
        The degrees of freedom of the numerator; 0 where there is nothing to test.
    df_denominator : float
        Those of the denominator, of the t distribution of the coefficients.
    p_value : float
        By the survival function; NaN where there is nothing to test.
    n_restrictions : int or None
        How many independent restrictions were asked about; a covariance of few clusters has room for fewer, `df`.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, distribution="t")
    >>> print(result.wald_test([0, 1, 0, 0, 0, 0]))
    F(1, 172) = 49.17, p < 0.0001
    """

    statistic: float
    df: int
    df_denominator: float
    p_value: float
    n_restrictions: int | None = None

    @property
    def name(self) -> str:
        """The statistic with its degrees of freedom, as reports write it."""
        return f"F({self.df}, {self.df_denominator:g})"


Test: TypeAlias = ChiSquaredTest | FTest


def chi_squared_test(statistic: float, df: int, n_restrictions: int | None = None) -> ChiSquaredTest:
    """Return the test of a statistic that is chi-squared with df degrees of freedom; of nothing there is no p-value."""
    # Of equal likelihoods rounding may make a small negative difference, NaN stays.
    statistic = 0.0 if statistic < 0.0 else float(statistic)
    p_value = float(stats.chi2.sf(statistic, df)) if df > 0 else float("nan")
    return ChiSquaredTest(statistic, int(df), p_value, n_restrictions)


def f_test(statistic: float, df: int, df_denominator: float, n_restrictions: int) -> FTest:
    """Return the test of a statistic that is F; with infinitely many degrees of freedom in the denominator too."""
    if df_denominator > _INFINITE:
        p_value = stats.chi2.sf(statistic * df, df)
    else:
        p_value = stats.f.sf(statistic, df, df_denominator)
    return FTest(statistic, df, df_denominator, float(p_value), n_restrictions)


def nothing_to_test(degrees_of_freedom: float | None = None) -> Test:
    """Return the test of a hypothesis of which nothing can be estimated: all of it missing."""
    nan = float("nan")
    return ChiSquaredTest(nan, 0, nan, 0) if degrees_of_freedom is None else FTest(nan, 0, degrees_of_freedom, nan, 0)


def wald(root: FloatArray, difference: FloatArray, degrees_of_freedom: float | None = None) -> Test:
    """Return the test that independent estimates do not differ from a hypothesis: b' V^+ b.

    Parameters
    ----------
    root : array of shape (d, k)
        L of V = L L', whose rank is that of V. (The singular values of V would be the squares of those of L.) The
        estimates are orthonormal in the metric of the model, see `Estimate.independent`: where V has less rank, the
        statistic depends on the metric, and so on nothing that the user chose.
    difference : array of shape (d,)
        b.
    degrees_of_freedom : float or None, default=None
        Of Student's t distribution of one estimate; None for the normal.
    """
    if not root.size:
        return nothing_to_test(degrees_of_freedom)
    vectors, singular, _ = linalg.svd(root, full_matrices=False)
    kept = singular > _RANK_TOLERANCE * max(singular.max(initial=0.0), np.finfo(np.float64).tiny)
    form, rank = float(np.sum((vectors[:, kept].T @ difference / singular[kept]) ** 2)), int(kept.sum())
    if not rank:
        return nothing_to_test(degrees_of_freedom)
    return wald_of(form, rank, len(difference), degrees_of_freedom)


def wald_of(form: float, rank: int, n_restrictions: int, degrees_of_freedom: float | None) -> Test:
    """Return the test of a quadratic form of a rank, of so many restrictions."""
    if degrees_of_freedom is None:
        return chi_squared_test(form, rank, n_restrictions)
    return f_test(form / rank, rank, degrees_of_freedom, n_restrictions)


def sampling_distribution(degrees_of_freedom: float | FloatArray | None) -> Any:  # noqa: ANN401 - a frozen distribution of scipy.stats
    """Return the distribution of an estimate over its standard error: normal, or Student's t."""
    return stats.norm() if degrees_of_freedom is None else stats.t(degrees_of_freedom)


def half_widths(
    std_error: npt.NDArray[np.floating[Any]],
    distribution: Any,  # noqa: ANN401 - a frozen distribution of scipy.stats
    level: float,
) -> FloatArray:
    """Return how far Wald intervals reach to either side of estimates, in the shape of their standard errors."""
    # What has no error has no degrees of freedom of its own either, and is an interval of one point.
    return np.where(std_error == 0.0, 0.0, distribution.isf((1.0 - level) / 2.0) * std_error)


class _Tested(Protocol):
    """A table of estimates, which may have tests."""

    @property
    def z(self) -> FloatArray | None: ...
    @property
    def df(self) -> FloatArray | None: ...
    @property
    def degrees_of_freedom(self) -> float | None: ...


def statistic_name(table: _Tested) -> str | None:
    """Return what an estimate over its standard error is called, by its distribution; None where it is no test."""
    if table.z is None:
        return None
    return "z" if table.df is None and table.degrees_of_freedom is None else "t"


def against_zero(
    estimate: FloatArray,
    std_error: FloatArray,
    distribution: Any,  # noqa: ANN401 - a frozen distribution of scipy.stats
) -> tuple[FloatArray, FloatArray]:
    """Return estimates over their standard errors, and the two-sided p-values of those, in the same shape."""
    # An estimate of exactly 0 with a standard error of 0 is a constraint, not a test.
    z = np.divide(estimate, std_error, out=np.full_like(estimate, np.nan), where=std_error > 0.0)
    # The survival function keeps its digits where 1 - cdf is 0.
    return z, np.asarray(2.0 * distribution.sf(np.abs(z)))
