r"""Contrasts of mean probabilities: differences, ratios and odds ratios between levels, values, or tables of rows.

    difference  P - P'            ratio  log P - log P'           odds ratio  logit P - logit P'

On these scales their standard errors follow by the delta method, from the gradients of `softglm.inference.means`, and
their intervals are symmetric. That of a difference is cut at -1 and 1, which costs no coverage; those of ratios are
exponentials.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt
from scipy import linalg

from softglm.arrays import FloatArray
from softglm.drawing import Drawing, drawn
from softglm.inference.cells import cells_of, estimate_headings, notes_on_gaps, notes_on_t, shown_value
from softglm.inference.comparisons import Compared, Pairs, Question, compared
from softglm.inference.factors import BASE
from softglm.inference.facts import Facts, own_df
from softglm.inference.groups import Groups
from softglm.inference.means import log_odds_of
from softglm.inference.multiplicity import Adjustment, adjusted, notes_on_adjusted
from softglm.inference.names import Name
from softglm.inference.significance import against_zero, sampling_distribution, statistic_name
from softglm.inference.tables import Content, Table
from softglm.optional import pandas

if TYPE_CHECKING:
    import pandas as pd

ContrastKind: TypeAlias = Literal["difference", "ratio", "odds_ratio"]

_TITLES = {"difference": "Differences of probabilities", "ratio": "Ratios of probabilities"}
_TITLES |= {"odds_ratio": "Odds ratios, of each class against all others, of probabilities"}
# Of the standard errors of coordinates, what is rounding of those of probabilities that are 0 or 1.
_ROUNDING = 1e-14
# Contrasts that are printed.
_MOST_CONTRASTS = 30


@final
@dataclass(frozen=True, eq=False, repr=False)
class Contrasts(Table):
    """How the probability of each class differs between levels, values or tables of rows.

    Attributes
    ----------
    term : str
        What differs: the variable, or "rows".
    contrasts : tuple of str, length c
        Between what: "high - low", "high / low"; or by how much it is moved, "+1".
    by : str or None
        What tells groups of rows apart: a column, or "group" where labels were given.
    groups : tuple of length c
        The value in the rows of each contrast; None without groups.
    classes : array of shape (K,)
        Sorted.
    kind : {"difference", "ratio", "odds_ratio"}
        Of the probabilities; of their odds, those of a class against all others.
    where : str
        Over which rows they are averaged, or at which place they are.
    estimate, std_error : arrays of shape (c, K)
        NaN where the data do not determine them; a ratio to a probability of 0 is infinite, without an error.
    z, p_value : arrays of shape (c, K), or None
        Of no difference, or of a ratio of 1, by its logarithm: two-sided, as `adjust` says. None with a penalty.
    lower, upper : arrays of shape (c, K)
        Ends of intervals: pointwise, or with "max-t" simultaneous.
    adjust : {"holm", "max-t"} or None
        What allows for the number of tests.
    level : float
        Of the intervals.
    root : array of shape (c K, k)
        A factor of `covariance`.
    quantile : float, or array of shape (c, K) with `df`
        How many standard errors the intervals reach, on their scale.
    simulation_error : float
        The largest standard error of the p-values, and of the level, that simulation leaves; 0 without.
    degrees_of_freedom : float or None
        Of Student's t distribution of all of them; None for the normal, and where each has its own. Of "max-t" under
        CR2 the least of theirs.
    df : array of shape (c, K), or None
        Of the t distribution of each, with CR2; None where there is one for all.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> print(result.contrasts("x0", [13, 14], adjust="max-t"))
    Differences of probabilities averaged over the rows
    <BLANKLINE>
                 estimate  std. error      z  p-value     2.5%    97.5%
    -------------------------------------------------------------------
    x0: 14 - 13
      0            0.5235      0.0762   6.87  <0.0001   0.3454   0.7015
      1           -0.3276      0.0579  -5.66  <0.0001  -0.4628  -0.1925
      2           -0.1958      0.0671  -2.92   0.0097  -0.3526  -0.0390
    p-values and intervals hold for all 3 together, by the joint
    distribution of the largest statistic: 2.335 standard errors; simulated,
    p-values to 8e-05.

    The mean over the rows with x1 less by half, as ratios to the mean over the rows as they are:

    >>> print(result.contrasts((X, X * [1.0, 0.5]), kind="ratio").estimate.round(3))
    [[1.31  1.187 0.342]]
    """

    term: str
    contrasts: tuple[str, ...]
    by: str | None
    groups: tuple[Any, ...]
    classes: npt.NDArray[Any]
    kind: ContrastKind
    where: str
    estimate: FloatArray
    std_error: FloatArray
    z: FloatArray | None
    p_value: FloatArray | None
    lower: FloatArray
    upper: FloatArray
    adjust: Adjustment | None
    level: float
    root: FloatArray
    quantile: float | FloatArray
    simulation_error: float
    degrees_of_freedom: float | None = None
    df: FloatArray | None = None

    @property
    def covariance(self) -> FloatArray:
        """The covariance of all estimates, (c K, c K), contrast by contrast and class by class; NaN where they are."""
        return self.root @ self.root.T

    def _content(self) -> Content:
        return self._first(len(self.contrasts))

    def _excerpt(self) -> Content:
        return self._first(_MOST_CONTRASTS)

    def _first(self, most: int) -> Content:
        groups = {}
        for row, (contrast, group) in enumerate(zip(self.contrasts[:most], self.groups[:most], strict=True)):
            cells = cells_of(
                estimate=self.estimate[row],
                std_error=self.std_error[row],
                z=None if self.z is None else self.z[row],
                p_value=None if self.p_value is None else self.p_value[row],
                lower=self.lower[row],
                upper=self.upper[row],
                df=None if self.df is None else self.df[row],
            )
            name = f"{self.term}: {contrast}"
            name += "" if self.by is None else f", {self.by} = {shown_value(group)}"
            groups[name] = [[str(label), *of_class] for label, of_class in zip(self.classes, cells, strict=True)]
        more = len(self.contrasts) - len(groups)
        notes = [f"... and {more:,} more contrasts: see to_frame()"] if more else []
        return Content(
            estimate_headings(self.level, statistic_name(self), has_df=self.df is not None),
            groups,
            title=f"{_TITLES[self.kind]} {self.where}",
            notes=[
                *notes,
                *notes_on_gaps(self.estimate, self.std_error),
                *notes_on_t(None if self.p_value is None else self.degrees_of_freedom),
                *notes_on_adjusted(self.adjust, self.p_value, self.quantile, self.simulation_error),
            ],
        )

    @drawn
    def plot(self) -> Drawing:
        """Draw the contrasts with their intervals, a row for each: `softglm.plots.ContrastDisplay`."""
        return Drawing("ContrastDisplay", "from_contrasts", self)

    def to_frame(self) -> "pd.DataFrame":
        """Return a tidy data frame of c K rows.

        Its columns are term, contrast, group (with `by`), class, estimate, std_error, z, p_value, lower, upper; with
        df, where each has its own. It needs pandas.
        """
        pd = pandas()
        c, K = self.estimate.shape
        columns: dict[str, Any] = {"term": self.term, "contrast": np.repeat(np.array(self.contrasts, dtype=object), K)}
        if self.by is not None:
            columns["group"] = [group for group in self.groups for _ in range(K)]
        columns["class"] = np.tile(self.classes, c)
        for name in ("estimate", "std_error", "z", "p_value", "lower", "upper"):
            values = getattr(self, name)
            columns[name] = np.full(c * K, np.nan) if values is None else values.ravel()
            if name == "z" and self.df is not None:
                columns["df"] = self.df.ravel()
        return pd.DataFrame(columns)


def contrasts(
    self: Facts,
    variable: Any,  # noqa: ANN401 - names, or whatever tables users have
    values: Any = None,  # noqa: ANN401
    kind: ContrastKind = "difference",
    at: Literal["average", "means"] | Mapping[Name, Any] = "average",
    *,
    by: Any = None,  # noqa: ANN401
    pairs: Pairs = "reference",
    adjust: Adjustment | None = None,
    groups: Groups | None = None,
    base: str = BASE,
    offset: tuple[Any, Any] | None = None,
) -> Contrasts:
    """Compare probabilities between levels of a factor, values of a number, or two tables of rows.

    Parameters
    ----------
    variable : name or position, or several; or two tables
        As `average_predictions` takes columns, or the name of a group. Or a pair of tables of rows, as `predict`
        takes them: the mean over the second is compared with that over the first.
    values : list, number, "sd" or "iqr", default=None
        Between what: a list, as `average_predictions` takes it, of two values or more. A number is what to add to
        that of every row, 1 by default of a number without levels; "sd" adds a standard deviation (of divisor n);
        "iqr" is from the 25th to the 75th percentile. By default all levels of what has some.
    kind : {"difference", "ratio", "odds_ratio"}
        Of the probabilities of each class, or of their odds against all other classes.
    at : {"average", "means"} or dict from column to value, default="average"
        As `average_predictions` takes it: contrasts are of averages over the rows, or at one place.
    by : name, or array-like of shape (n,), default=None
        Groups to average over: the rows with each value of a column, or with each of these labels. At one place a
        column, which is set to each of its values. With ``by=variable`` contrasts are for those who have it, and
        those who have not.
    pairs : {"reference", "pairwise"}
        Each level, or value, with the first (marginaleffects' default, and emmeans' trt.vs.ctrl), or with each
        before it.
    adjust : {"holm", "max-t"}, default=None
        Allow for the number of tests, all that the table has: p-values by Holm; or p-values and intervals by the
        distribution of the largest statistic, which uses how they are correlated. It is simulated, always from the
        same random numbers, and the table says how precise that is. (Of two classes Holm counts one.)
    groups : dict from name to columns, default=None
        As `average_predictions` takes them.
    base : str, default="(base)"
        The name of the level of such a group that has no column.
    offset : pair of array-likes, default=None
        Of two tables, if the model was fitted with one.

    Returns
    -------
    Contrasts
        A row for each pair, in each group; a column for each class.

    Raises
    ------
    ValueError
        As `average_predictions` does; if there is nothing to compare; for `adjust`, if the fit is penalised.
    """
    if adjust is not None:
        self._validity.require_tests("Adjusted tests")
    question = Question(variable, values, at, by, groups, base, offset)
    between = compared(self.estimate, self._columns, question, self.sample.read_rows)
    for name, value, allowed in (
        ("kind", kind, tuple(_TITLES)),
        ("pairs", pairs, ("reference", "pairwise")),
        ("adjust", adjust, (None, "holm", "max-t")),
    ):
        if value not in allowed:
            raise ValueError(f"{name} must be one of {list(allowed)}, got {value!r}.")
    return _contrasts_of(self, between, kind, pairs, adjust)


def _contrasts_of(
    facts: Facts, compared: Compared, kind: ContrastKind, pairs: Pairs, adjust: Adjustment | None
) -> Contrasts:
    """Return the contrasts of what is compared, with delta-method standard errors."""
    v, K = len(compared.states), len(facts.classes)
    first, second = np.triu_indices(v, 1) if pairs == "pairwise" else (np.zeros(v - 1, dtype=int), np.arange(1, v))
    values, slopes = _on_scale(compared, kind)
    with np.errstate(invalid="ignore"):
        change = (values[:, second] - values[:, first]).reshape(-1, K)
    forms = (slopes[:, second] - slopes[:, first]).reshape(*change.shape, -1)
    factor = facts.covariance.factor(forms)
    factor[~np.isfinite(change)] = np.nan
    errors: FloatArray = np.sqrt(np.square(factor).sum(axis=2))
    errors[errors <= _ROUNDING * linalg.norm(facts.covariance.root)] = 0.0
    z, _ = against_zero(change, errors, sampling_distribution(facts.degrees_of_freedom))
    df, freedom = own_df(facts, forms), facts.degrees_of_freedom
    if df is not None:
        df[np.isnan(z)] = np.nan
        if adjust == "max-t":  # their joint distribution has one number: with the least it promises nothing too good
            freedom = float(np.nanmin(df, initial=facts.covariance.n_clusters[0] - 1.0))
            df = None
    tests = adjusted(adjust, z, factor, degrees_of_freedom=freedom if df is None else df, level=facts.level)
    reach = np.where(errors == 0.0, 0.0, tests.quantile * errors)  # what has no error has no degrees of freedom
    estimate, scale, lower, upper = _intervals(change, reach, kind)
    return Contrasts(
        term=compared.term,
        contrasts=tuple(_names(compared, first, second, kind)) * len(compared.groups),
        by=compared.by,
        groups=tuple(group for group in compared.groups for _ in first),
        classes=facts.classes,
        kind=kind,
        where=compared.where,
        estimate=estimate,
        std_error=scale * errors,
        z=z if facts.is_tested else None,
        p_value=tests.p_value if facts.is_tested else None,
        lower=lower,
        upper=upper,
        adjust=adjust,
        level=facts.level,
        root=(scale[..., np.newaxis] * factor).reshape(estimate.size, -1),
        quantile=tests.quantile,
        simulation_error=tests.error,
        degrees_of_freedom=freedom if df is None else None,
        df=df,
    )


def _intervals(
    change: FloatArray, reach: FloatArray, kind: ContrastKind
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return estimates, what their standard errors are multiplied by, and the ends of their intervals."""
    if kind == "difference":
        return change, np.ones_like(change), np.maximum(change - reach, -1.0), np.minimum(change + reach, 1.0)
    with np.errstate(over="ignore"):
        estimate = np.exp(change)
        return estimate, estimate, np.exp(change - reach), np.exp(change + reach)


def _on_scale(compared: Compared, kind: ContrastKind) -> tuple[FloatArray, FloatArray]:
    """Return what is subtracted, shape (G, v, K), and its gradients, (G, v, K, P): NaN where it is not determined."""
    probability, gradients, known = compared.means
    determined = np.where(known, 1.0, np.nan)[..., np.newaxis]
    if kind == "difference":
        return determined * probability, gradients
    if kind == "odds_ratio":
        _, log_odds, slopes = log_odds_of(probability, gradients)
        return determined * log_odds, slopes
    with np.errstate(divide="ignore"):
        logarithms = np.log(probability)
    size = probability[..., np.newaxis]
    return determined * logarithms, np.divide(gradients, size, out=np.zeros_like(gradients), where=size > 0.0)


def _names(
    compared: Compared, first: npt.NDArray[np.int_], second: npt.NDArray[np.int_], kind: ContrastKind
) -> Iterator[str]:
    """Yield between what each contrast is."""
    sign = "-" if kind == "difference" else "/"
    for one, other in zip(first.tolist(), second.tolist(), strict=True):
        states = compared.states
        yield states[other] if compared.is_moved else f"{states[other]} {sign} {states[one]}"
