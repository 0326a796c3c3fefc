"""Linear combinations of coefficients, with standard errors, tests and intervals.

    R b -+ quantile s,    z = (R b - r) / s,    s^2 = diag(R V R')

of estimates b of covariance V, R with a row for each combination, and r what they are compared with.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.drawing import Drawing, drawn
from softglm.inference.cells import cells_of, estimate_headings, notes_on_gaps, notes_on_t
from softglm.inference.coding import combined
from softglm.inference.coefficients import EITHER_END, EITHER_SIGN
from softglm.inference.combinations import Contrast, read_combinations
from softglm.inference.facts import Facts
from softglm.inference.multiplicity import Adjustment, adjusted, notes_on_adjusted
from softglm.inference.significance import against_zero, sampling_distribution, statistic_name
from softglm.inference.tables import Content, Table
from softglm.optional import pandas

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(frozen=True, eq=False, repr=False)
class LinearCombinations(Table):
    """Linear combinations of the coefficients, or their exponentials.

    Attributes
    ----------
    names : tuple of str, length d
        The combinations, as they were stated.
    reference : object
        The base class.
    estimate, std_error, lower, upper : arrays of shape (d,)
        In nats, or as odds ratios. NaN where the data do not determine the combination; without a standard error where
        a coefficient has none.
    value : array of shape (d,)
        What they are compared with.
    z, p_value : arrays of shape (d,), or None
        Of the difference from `value`, over its standard error: two-sided, as `adjust` says. None for a penalised fit.
    degrees_of_freedom : float or None
        Of the t distribution that z is held against, where all have the same; None for the normal.
    df : array of shape (d,), or None
        Of the t distribution of each; None where there is one for all.
    may_go_either_way : bool array of shape (d,)
        Whether an infinite one may as well have the opposite sign.
    adjust : {"holm", "max-t"} or None
        What allows for the number of tests.
    level : float
        Of the intervals.
    root : array of shape (d, k)
        A factor of `covariance`.
    quantile : float, or array of shape (d,)
        How many standard errors the intervals reach, on their scale.
    simulation_error : float
        The largest standard error of the p-values, and of the level, that simulation leaves; 0 without.
    are_odds_ratios : bool
        Whether these are the exponentials; z and p-values are those of the combinations.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> found = result.linear_combinations(["[1]x0 - [2]x0", "([1]x1 + [2]x1) / 2 = 1"])
    >>> print(found)
    Linear combinations of coefficients, base class: 0
    <BLANKLINE>
                             estimate  std. error      z  p-value    2.5%   97.5%
    -----------------------------------------------------------------------------
    [1]x0 - [2]x0              -2.914       0.578  -5.04  <0.0001  -4.046  -1.782
    ([1]x1 + [2]x1) / 2 = 1     0.633       0.269  -1.37   0.1715   0.106   1.159
    >>> found.odds_ratios().estimate.round(3).tolist()
    [0.054, 1.882]
    """

    names: tuple[str, ...]
    reference: Any
    estimate: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    value: FloatArray
    z: FloatArray | None
    p_value: FloatArray | None
    degrees_of_freedom: float | None
    df: FloatArray | None
    may_go_either_way: BoolArray
    adjust: Adjustment | None
    level: float
    root: FloatArray
    quantile: float | FloatArray
    simulation_error: float
    are_odds_ratios: bool = False

    @property
    def covariance(self) -> FloatArray:
        """The covariance of the estimates, (d, d); NaN where they have no standard error."""
        with np.errstate(over="ignore"):
            return self.root @ self.root.T

    def odds_ratios(self) -> "LinearCombinations":
        """Return exp(estimate): by what odds are multiplied where the combination is added to the log odds.

        Standard errors are the delta method's, intervals the exponentials of those of the combinations.
        """
        if self.are_odds_ratios:
            return self
        with np.errstate(over="ignore"):
            ratio = np.exp(self.estimate)
            return replace(
                self,
                estimate=ratio,
                std_error=ratio * self.std_error,
                lower=np.exp(self.lower),
                upper=np.exp(self.upper),
                value=np.exp(self.value),
                root=ratio[:, np.newaxis] * self.root,
                are_odds_ratios=True,
            )

    @drawn
    def plot(self) -> Drawing:
        """Draw the combinations with their intervals, a row for each: `softglm.plots.CombinationDisplay`."""
        return Drawing("CombinationDisplay", "from_combinations", self)

    def to_frame(self) -> "pd.DataFrame":
        """Return a data frame of d rows. It needs pandas.

        Its columns: combination, estimate, std_error, value, z, p_value, lower, upper; with df, where each has its own.
        """
        blank = np.full(len(self.names), np.nan)
        return pandas().DataFrame(
            {
                "combination": np.array(self.names, dtype=object),
                "estimate": self.estimate,
                "std_error": self.std_error,
                "value": self.value,
                "z": blank if self.z is None else self.z,
                **({} if self.df is None else {"df": self.df}),
                "p_value": blank if self.p_value is None else self.p_value,
                "lower": self.lower,
                "upper": self.upper,
            }
        )

    @property
    def _title(self) -> str:
        if not self.are_odds_ratios:
            return "Linear combinations of coefficients"
        return (
            "Odds ratios"
            if self.z is None
            else f"Odds ratios, with {statistic_name(self)} and p-value of their logarithms"
        )

    def _content(self) -> Content:
        cells = cells_of(
            estimate=self.estimate,
            std_error=self.std_error,
            z=self.z,
            p_value=self.p_value,
            lower=self.lower,
            upper=self.upper,
            df=self.df,
        )
        for place in np.flatnonzero(self.may_go_either_way):
            cells[place][0] = EITHER_END if self.are_odds_ratios else EITHER_SIGN
        heading = "ratio" if self.are_odds_ratios else "estimate"
        # A ratio of 0 has no error, as its logarithm is infinite.
        gaps = np.where(self.estimate == 0.0, np.inf, self.estimate) if self.are_odds_ratios else self.estimate
        return Content(
            estimate_headings(self.level, statistic_name(self), heading, has_df=self.df is not None),
            {"": [[name, *row] for name, row in zip(self.names, cells, strict=True)]},
            title=f"{self._title}, base class: {self.reference}",
            notes=[
                *notes_on_gaps(gaps, self.std_error),
                *notes_on_t(None if self.p_value is None else self.degrees_of_freedom),
                *notes_on_adjusted(self.adjust, self.p_value, self.quantile, self.simulation_error),
            ],
        )


def linear_combinations(
    self: Facts, contrast: Contrast, value: npt.ArrayLike = 0.0, *, adjust: Adjustment | None = None
) -> LinearCombinations:
    """Return linear combinations of the coefficients with standard errors, tests and intervals.

    As Stata's lincom, multcomp's glht, marginaleffects' hypotheses and statsmodels' t_test do.

    Parameters
    ----------
    contrast : text, list of texts, dict, or array of shape (d, (K - 1) n_terms)
        Texts are sums of coefficients, which are called ``[class]term`` (of two classes ``term`` will do; those of the
        base class are 0), with numbers before * and behind /, and brackets: "[general]write - [vocational]write". An
        equation such as "[general]write = [vocational]write + 1" says what the combination, its left side less its
        right, is compared with. A term whose name reads in two ways stands between backquotes. An array has the
        weights of the coefficients class by class, as `covariance_matrix` has them, a row for each combination. A dict
        gives texts, or rows, names of their own.
    value : array of shape (d,), default=0
        What they are compared with, where no equation says it.
    adjust : {"holm", "max-t"}, default=None
        Allow for their number: p-values by Holm; or p-values and intervals by the joint distribution of the largest
        statistic, simulated always from the same random numbers. Under CR2 that takes the least degrees of freedom.

    Returns
    -------
    LinearCombinations
        A row for each.

    Raises
    ------
    ValueError
        If the shape is wrong, or a name unknown; for a value or `adjust`, if the fit is penalised.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> print(result.linear_combinations({"x0, 1 vs 2": "[1]x0 - [2]x0", "sum": "[1]x0 + [2]x0"}, adjust="holm"))
    Linear combinations of coefficients, base class: 0
    <BLANKLINE>
                estimate  std. error      z  p-value    2.5%   97.5%
    ----------------------------------------------------------------
    x0, 1 vs 2    -2.914       0.578  -5.04  <0.0001  -4.046  -1.782
    sum           -7.26        1.14   -6.36  <0.0001  -9.50   -5.02
    p-values hold for all 2 together, by Holm; each interval for itself.
    """
    if adjust not in {None, "holm", "max-t"}:
        raise ValueError(f'adjust must be None, "holm" or "max-t", got {adjust!r}.')
    stated = read_combinations(self._names, contrast, value)
    if adjust is not None or stated.value.any():
        self._validity.require_tests("Adjusted tests, and those against other values than 0,")
    coding = combined(self.estimate, self.separated, self.base, stated.weights)
    std_error = coding.std_errors(self.covariance)
    estimate = np.where(coding.is_estimable, coding.estimates, np.nan)
    root = self.covariance.factor(coding.linear_map)
    root[np.isnan(std_error)] = np.nan
    own_df = self._own_degrees_of_freedom(coding)
    df = self.degrees_of_freedom if own_df is None else own_df
    z, _ = against_zero(estimate - stated.value, std_error, sampling_distribution(df))
    tests = adjusted(adjust, z, root, degrees_of_freedom=df, level=self.level)
    return LinearCombinations(
        names=stated.names,
        reference=self.reference,
        estimate=estimate,
        std_error=std_error,
        lower=estimate - tests.quantile * std_error,
        upper=estimate + tests.quantile * std_error,
        value=stated.value,
        z=z if self.is_tested else None,
        p_value=tests.p_value if self.is_tested else None,
        degrees_of_freedom=self.degrees_of_freedom if own_df is None else None,
        df=None if own_df is None else np.where(np.isnan(std_error), np.nan, own_df),
        may_go_either_way=coding.may_go_either_way,
        adjust=adjust,
        level=self.level,
        root=root,
        quantile=tests.quantile,
        simulation_error=tests.error,
    )
