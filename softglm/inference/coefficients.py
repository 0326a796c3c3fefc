"""The coefficient table: estimates with standard errors, tests against zero and intervals, per contrast of classes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.drawing import Drawing, drawn
from softglm.inference.cells import cells_of, estimate_headings, notes_on_t
from softglm.inference.coding import Coding
from softglm.inference.covariance import Covariance
from softglm.inference.significance import against_zero, half_widths, sampling_distribution, statistic_name
from softglm.inference.tables import Content, Table
from softglm.optional import pandas

if TYPE_CHECKING:
    import pandas as pd

# Of an estimate at infinity that may as well have the other sign, and of its exponential.
EITHER_SIGN, EITHER_END = "\u00b1inf", "0 or inf"


@final
@dataclass(frozen=True, eq=False, repr=False)
class Coefficients(Table):
    """Log odds of every class against the base class, one row per class, one column per term.

    Attributes
    ----------
    classes : array of shape (K - 1,)
        Without the base class.
    reference : object
        The base class.
    terms : tuple of str
        "Intercept" first, if there is one.
    estimate, std_error, lower, upper : array of shape (K - 1, n_terms)
        In nats. NaN where the data do not determine the coefficient. An estimate at infinity has no standard error, and
        the sign of one direction that separates. Nor has, with CR2, one about which a cluster alone knows.
    z, p_value : array of shape (K - 1, n_terms), or None
        Estimate over standard error, or of `Inference.profiled` the signed root of the likelihood ratio; and its
        two-sided p-value. None for a penalised fit, whose estimates are biased towards zero by design.
    is_estimable : bool array of shape (K - 1, n_terms)
        Whether the data determine the coefficient.
    may_go_either_way : bool array of shape (K - 1, n_terms)
        Whether another direction that separates has the opposite sign.
    level : float
        Of the interval.
    df : array of shape (K - 1, n_terms), or None
        Of the t distribution of each; None where there is one for all.
    degrees_of_freedom : float or None
        Of the t distribution of all of them; None for the normal, and where each has its own.
    units : dict from str to str
        What a unit of a term is, where a scaler in a pipeline made it: "SD of age". Pictures say so.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> print(result.coefficients)
                 estimate  std. error      z  p-value    2.5%   97.5%
    -----------------------------------------------------------------
    1 vs 0
      Intercept    66.32        9.48    6.99  <0.0001  47.73   84.91
      x0           -5.088       0.726  -7.01  <0.0001  -6.510  -3.666
      x1            0.055       0.335   0.17   0.8687  -0.602   0.713
    2 vs 0
      Intercept    25.94        7.18    3.61   0.0003  11.86   40.02
      x0           -2.174       0.540  -4.02  <0.0001  -3.233  -1.115
      x1            1.210       0.263   4.61  <0.0001   0.695   1.724
    """

    classes: npt.NDArray[Any]
    reference: Any
    terms: tuple[str, ...]
    estimate: FloatArray
    std_error: FloatArray
    z: FloatArray | None
    p_value: FloatArray | None
    lower: FloatArray
    upper: FloatArray
    is_estimable: BoolArray
    may_go_either_way: BoolArray
    level: float
    df: FloatArray | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    degrees_of_freedom: float | None = None

    def _content(self) -> Content:
        return coefficient_content(self)

    def odds_ratios(self) -> "OddsRatios":
        """Return exp(estimate): how the odds of a class against the base change with one unit of a term.

        Stata calls them relative-risk ratios where there are three classes and more. Their standard errors are the
        delta method's, their intervals the exponentials of those of the coefficients.
        """
        with np.errstate(over="ignore"):
            ratio = np.exp(self.estimate)
            return OddsRatios(
                self.classes,
                self.reference,
                self.terms,
                ratio,
                ratio * self.std_error,
                np.exp(self.lower),
                np.exp(self.upper),
                self.z,
                self.p_value,
                self.may_go_either_way,
                self.level,
                self.df,
                self.units,
                self.degrees_of_freedom,
            )

    @drawn
    def plot(self) -> Drawing:
        """Draw the coefficients with their intervals, a row for each term: `softglm.plots.CoefficientDisplay`."""
        return Drawing("CoefficientDisplay", "from_coefficients", self)

    def to_frame(self) -> "pd.DataFrame":
        """Return a tidy data frame, one row per class and term. It needs pandas.

        Its columns: class, term, estimate, std_error, z, p_value, lower, upper; with df, where each has its own.
        """
        return _frame_of(self, "estimate", self.estimate)


@final
@dataclass(frozen=True, eq=False, repr=False)
class OddsRatios(Table):
    """Odds ratios (for three classes and more, relative-risk ratios) against the base class.

    Attributes
    ----------
    classes : array of shape (K - 1,)
        Without the base class.
    reference : object
        The base class.
    terms : tuple of str
        "Intercept" first, if there is one.
    ratio, std_error, lower, upper : array of shape (K - 1, n_terms)
        By what the odds of the class against the base are multiplied.
    z, p_value : array of shape (K - 1, n_terms), or None
        Those of the coefficients: of a ratio of 1. None for a penalised fit.
    may_go_either_way : bool array of shape (K - 1, n_terms)
        Whether a ratio of 0 or infinity may as well be the other.
    level : float
        Of the interval.
    df : array of shape (K - 1, n_terms), or None
        Of the t distribution of each; None where there is one for all.
    degrees_of_freedom : float or None
        As in `Coefficients`.
    units : dict from str to str
        As in `Coefficients`.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> print(result.coefficients.odds_ratios())
    Odds ratios, with z and p-value of their logarithms
    <BLANKLINE>
                    ratio  std. error      z  p-value          2.5%     97.5%
    -------------------------------------------------------------------------
    1 vs 0
      Intercept  6.33e+28    6.01e+29   6.99  <0.0001      5.36e+20  7.49e+36
      x0          0.00617     0.00448  -7.01  <0.0001       0.00149   0.02558
      x1          1.057       0.354     0.17   0.8687       0.548     2.039
    2 vs 0
      Intercept  1.84e+11    1.32e+12   3.61   0.0003  141185.2      2.40e+17
      x0          0.1137      0.0615   -4.02  <0.0001       0.0394    0.3280
      x1          3.352       0.880     4.61  <0.0001       2.004     5.608
    """

    classes: npt.NDArray[Any]
    reference: Any
    terms: tuple[str, ...]
    ratio: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    z: FloatArray | None
    p_value: FloatArray | None
    may_go_either_way: BoolArray
    level: float
    df: FloatArray | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    degrees_of_freedom: float | None = None

    def _content(self) -> Content:
        statistic = statistic_name(self)
        title = "Odds ratios" + (f", with {statistic} and p-value of their logarithms" if statistic else "")
        return Content(_headings(self, "ratio"), ratio_rows(self), title=title, notes=_notes(self))

    @drawn
    def plot(self) -> Drawing:
        """Draw the odds ratios with their intervals, on a logarithmic axis: `softglm.plots.CoefficientDisplay`."""
        return Drawing("CoefficientDisplay", "from_coefficients", self)

    def to_frame(self) -> "pd.DataFrame":
        """Return a tidy data frame with the columns class, term, ratio, std_error, z, p_value, lower, upper.

        With df, where each has its own. It needs pandas.
        """
        return _frame_of(self, "ratio", self.ratio)


@final
@dataclass(frozen=True, eq=False, repr=False)
class Symmetric(Table):
    """The fit in sum-to-zero coding: every class on an equal footing.

    Attributes
    ----------
    coefficients : Coefficients
        A row for each of the K classes; without a base class.
    covariance_matrix : array of shape (K n_terms, K n_terms)
        Class by class; singular, since the coefficients of a term sum to zero.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> result.symmetric().coefficients.estimate.round(3).tolist()
    [[-30.752, 2.421, -0.422], [35.566, -2.667, -0.366], [-4.813, 0.247, 0.788]]
    """

    coefficients: Coefficients
    covariance_matrix: FloatArray

    @drawn
    def plot(self) -> Drawing:
        """Draw the coefficients of every class with their intervals: `softglm.plots.CoefficientDisplay`."""
        return Drawing("CoefficientDisplay", "from_coefficients", self.coefficients)

    def _content(self) -> Content:
        return coefficient_content(self.coefficients)


def coefficient_table(
    coding: Coding,
    covariance: Covariance,
    *,
    classes: npt.NDArray[Any],
    reference: Any,  # noqa: ANN401 - a class is what the user's labels are
    terms: tuple[str, ...],
    degrees_of_freedom: float | None,
    own_df: FloatArray | None,
    level: float,
    is_tested: bool,
    units: Mapping[str, str],
) -> Coefficients:
    """Return the table of the coefficients in a coding.

    Parameters
    ----------
    coding : Coding
    covariance : Covariance
    classes, reference, terms, level, units
        As in `Coefficients`.
    degrees_of_freedom : float or None
        Of Student's t distribution of an estimate over its standard error; None for the normal.
    own_df : array of shape (c, n_terms), or None
        In place of it, where each coefficient has its own.
    is_tested : bool
        Whether z and p-values mean anything.
    """
    std_error = coding.std_errors(covariance)
    estimate = np.where(coding.is_estimable, coding.estimates, np.nan)
    distribution = sampling_distribution(degrees_of_freedom if own_df is None else own_df)
    reach = half_widths(std_error, distribution, level)
    z, p_value = against_zero(estimate, std_error, distribution) if is_tested else (None, None)
    return Coefficients(
        classes=classes,
        reference=reference,
        terms=terms,
        estimate=estimate,
        std_error=std_error,
        z=z,
        p_value=p_value,
        lower=estimate - reach,
        upper=estimate + reach,
        is_estimable=coding.is_estimable,
        may_go_either_way=coding.may_go_either_way,
        level=level,
        df=None if own_df is None else np.where(np.isnan(std_error), np.nan, own_df),
        units=units,
        degrees_of_freedom=degrees_of_freedom if own_df is None else None,
    )


def coefficient_content(table: Coefficients) -> Content:
    """Return the table of coefficients by itself."""
    return Content(_headings(table, "estimate"), coefficient_rows(table), notes=_notes(table))


def coefficient_rows(table: Coefficients) -> dict[str, list[list[str]]]:
    """Return, for each contrast of classes, a row for each term: its name and the formatted cells."""
    return _rows_of(table, table.estimate, EITHER_SIGN)


def ratio_rows(table: OddsRatios) -> dict[str, list[list[str]]]:
    """Return the same of odds ratios."""
    return _rows_of(table, table.ratio, EITHER_END)


def _rows_of(table: Coefficients | OddsRatios, values: FloatArray, either: str) -> dict[str, list[list[str]]]:
    """Return the rows of values, shape (classes, terms), which are `either` where they may be at the other end."""
    groups = {}
    for row, label in enumerate(table.classes):
        cells = cells_of(
            estimate=values[row],
            std_error=table.std_error[row],
            z=None if table.z is None else table.z[row],
            p_value=None if table.p_value is None else table.p_value[row],
            lower=table.lower[row],
            upper=table.upper[row],
            df=None if table.df is None else table.df[row],
        )
        for column in np.flatnonzero(table.may_go_either_way[row]):
            cells[column][0] = either
        name = str(label) if table.reference is None else f"{label} vs {table.reference}"
        groups[name] = [[term, *of_term] for term, of_term in zip(table.terms, cells, strict=True)]
    return groups


def _headings(table: Coefficients | OddsRatios, name: str) -> list[str]:
    return estimate_headings(table.level, statistic_name(table), name, has_df=table.df is not None)


def _notes(table: Coefficients | OddsRatios) -> list[str]:
    return [] if table.z is None else notes_on_t(table.degrees_of_freedom)


def _frame_of(table: Coefficients | OddsRatios, name: str, values: FloatArray) -> "pd.DataFrame":
    """Return a frame with one row per class and term, in which the values have this name."""
    pd = pandas()
    blank = np.full_like(values, np.nan)
    columns = {
        name: values,
        "std_error": table.std_error,
        "z": blank if table.z is None else table.z,
        **({} if table.df is None else {"df": table.df}),
        "p_value": blank if table.p_value is None else table.p_value,
        "lower": table.lower,
        "upper": table.upper,
    }
    return pd.DataFrame(
        {
            "class": np.repeat(table.classes, len(table.terms)),
            "term": np.tile(np.asarray(table.terms, dtype=object), len(table.classes)),
            **{title: column.ravel() for title, column in columns.items()},
        }
    )
