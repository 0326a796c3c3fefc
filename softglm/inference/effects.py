"""Marginal effects: what a feature does to the probabilities, where the coefficients say what it does to their ratios.

They are those of the columns of the model, `softglm.inference.column_effects`; or, where a pipeline makes these of a
few inputs, of the inputs, `softglm.inference.input_effects`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.drawing import Drawing, drawn
from softglm.inference.cells import cells_of, estimate_headings, notes_on_gaps, notes_on_t
from softglm.inference.column_effects import EffectKind, TermEffect, effects_of_columns
from softglm.inference.deviations import quartiles, standard_deviation
from softglm.inference.estimate import Estimate
from softglm.inference.factors import Levels
from softglm.inference.facts import Facts, own_df
from softglm.inference.groups import GroupedColumns, Groups
from softglm.inference.input_effects import effects_of_inputs
from softglm.inference.significance import against_zero, half_widths, sampling_distribution, statistic_name
from softglm.inference.subjects import subject_of
from softglm.inference.tables import Content, Table
from softglm.optional import pandas
from softglm.sums import RowWeights

if TYPE_CHECKING:
    import pandas as pd

DiscreteKind: TypeAlias = Literal["factor", "column"]
EffectUnit: TypeAlias = Literal["unit", "sd", "iqr"]
_DERIVATIVE = "dP/dx"
# Of what effects are per, as titles say it.
UNITS = {"unit": "", "sd": " per standard deviation", "iqr": " per interquartile range"}


@final
@dataclass(frozen=True, repr=False)
class MarginalEffects(Table):
    """What a unit of each feature, or changing its level, adds to the probability of each class.

    After a pipeline the features are the columns that it takes, where it could be found out how the columns of the
    model depend on them: all that is made of an input (its square, its products, its dummies) moves with it. Of a
    model without one they are the columns of X, each moved alone.

    Attributes
    ----------
    estimate, std_error : arrays of shape (e, K)
        A row for each effect. NaN where the data do not say: of columns that do not vary, or that others determine; of
        what depends on infinite coefficients. With CR2 what hangs on a coefficient that one cluster alone knows has an
        estimate only.
    z, p_value : arrays of shape (e, K), or None
        Of no effect, two-sided; None with a penalty, which biases towards it.
    lower, upper : arrays of shape (e, K)
        At the confidence `level`.
    terms : tuple of str, length e
        The feature of each effect; a factor has several.
    levels : tuple of (str, str) or None, length e
        Of a difference: the level, and the one it is compared with. None for a derivative.
    classes : array of shape (K,)
        Sorted.
    kind : {"average", "at-means"}
        Averaged over the rows, or at the mean row.
    level : float
        Of the intervals.
    notes : tuple of str
        What a reader has to know: why an effect is missing, and which columns look like functions of others.
    per : {"unit", "sd", "iqr"}
        What derivatives are times: one unit, a standard deviation of the feature, or its interquartile range.
    degrees_of_freedom : float or None
        Of Student's t distribution of all of them; None for the normal, and where each has its own.
    df : array of shape (e, K), or None
        Of the t distribution of each, with CR2; None where there is one for all.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> print(result.marginal_effects())
    Average marginal effects, on the probability of each class
    <BLANKLINE>
         estimate  std. error       z  p-value     2.5%    97.5%
    ------------------------------------------------------------
    x0
      0    0.2916      0.0183   15.92  <0.0001   0.2557   0.3275
      1   -0.3118      0.0134  -23.23  <0.0001  -0.3381  -0.2855
      2    0.0201      0.0237    0.85   0.3950  -0.0263   0.0666
    x1
      0   -0.0815      0.0171   -4.78  <0.0001  -0.1149  -0.0480
      1   -0.0632      0.0176   -3.60   0.0003  -0.0977  -0.0288
      2    0.1447      0.0149    9.72  <0.0001   0.1155   0.1739
    """

    estimate: FloatArray
    std_error: FloatArray
    z: FloatArray | None
    p_value: FloatArray | None
    lower: FloatArray
    upper: FloatArray
    terms: tuple[str, ...]
    levels: tuple[Levels | None, ...]
    classes: npt.NDArray[Any]
    kind: EffectKind
    level: float
    notes: tuple[str, ...] = ()
    per: EffectUnit = "unit"
    degrees_of_freedom: float | None = None
    df: FloatArray | None = None

    @property
    def contrasts(self) -> tuple[str, ...]:
        """What each effect is: "dP/dx", "dP/dx per SD" or "middle - low"."""
        derivative = _DERIVATIVE if self.per == "unit" else f"{_DERIVATIVE} per {self.per.upper()}"
        return tuple(derivative if pair is None else " - ".join(pair) for pair in self.levels)

    @property
    def is_discrete(self) -> BoolArray:
        """Where the effect is a difference, not a derivative, shape (e,)."""
        return np.array([pair is not None for pair in self.levels], dtype=bool)

    @property
    def of_what(self) -> str:
        """What effects are per, as titles say it; of factors among them it is no unit."""
        unit = UNITS[self.per]
        return f", of numbers{unit}" if unit and self.is_discrete.any() else unit

    def _content(self) -> Content:
        groups = {}
        for j, (term, pair) in enumerate(zip(self.terms, self.levels, strict=True)):
            cells = cells_of(
                estimate=self.estimate[j],
                std_error=self.std_error[j],
                z=None if self.z is None else self.z[j],
                p_value=None if self.p_value is None else self.p_value[j],
                lower=self.lower[j],
                upper=self.upper[j],
                df=None if self.df is None else self.df[j],
            )
            name = term if pair is None else f"{term} (from {pair[1]} to {pair[0]})"
            groups[name] = [[str(label), *of_class] for label, of_class in zip(self.classes, cells, strict=True)]
        where = "Average marginal effects" if self.kind == "average" else "Marginal effects at the means"
        return Content(
            estimate_headings(self.level, statistic_name(self), has_df=self.df is not None),
            groups,
            title=f"{where}{self.of_what}, on the probability of each class",
            notes=(*self.notes, *([] if self.z is None else notes_on_t(self.degrees_of_freedom))),
        )

    @drawn
    def plot(self) -> Drawing:
        """Draw the effects with their intervals, a row for each: `softglm.plots.MarginalEffectDisplay`."""
        return Drawing("MarginalEffectDisplay", "from_effects", self)

    def to_frame(self) -> "pd.DataFrame":
        """Return a tidy data frame of e K rows.

        Its columns are term, contrast, class, estimate, std_error, z, p_value, lower, upper; with df, where each has
        its own. It needs pandas.
        """
        pd = pandas()
        e, K = self.estimate.shape
        columns = {
            "term": np.repeat(np.array(self.terms, dtype=object), K),
            "contrast": np.repeat(np.array(self.contrasts, dtype=object), K),
            "class": np.tile(self.classes, e),
        }
        for name in ("estimate", "std_error", "z", "p_value", "lower", "upper"):
            values = getattr(self, name)
            columns[name] = np.full(e * K, np.nan) if values is None else values.ravel()
            if name == "z" and self.df is not None:
                columns["df"] = self.df.ravel()
        return pd.DataFrame(columns)


def marginal_effects(
    self: Facts,
    kind: EffectKind = "average",
    discrete: DiscreteKind = "factor",
    groups: Groups | None = None,
    *,
    per: EffectUnit = "unit",
) -> MarginalEffects:
    """Return what a unit of each feature, or changing its level, adds to the probability of each class.

    After a pipeline the features are the columns that it takes, and all that it makes of one moves with it: numbers
    have derivatives, factors and columns of zeros and ones differences from their base. Where it could not be found
    out how the columns of the model depend on them, they are those of the model, each moved alone.

    Parameters
    ----------
    kind : {"average", "at-means"}
        Averaged over the rows, at their offsets; or where numbers have their weighted means, and the columns of
        the model that are made of factors theirs.
    discrete : {"factor", "column"}
        Columns of zeros and ones are switched: the dummies of one factor together, against their base (as R's and
        Stata's margins do), or each by itself (as statsmodels does with dummy=True). A factor that a pipeline
        encodes has one level at a time, and is compared with its base in both.
    groups : dict from name to columns, default=None
        Columns of zeros and ones that are the dummies of one factor, as `test_terms` takes them.
    per : {"unit", "sd", "iqr"}
        What the effects of numbers are per, which makes features of different units comparable: one unit, a (weighted)
        standard deviation, or an interquartile range. It is still the slope that counts; for what a step does,
        `contrasts` takes it.

    Returns
    -------
    MarginalEffects
        A row for each number, and for each level of a factor but its base; a column for each class.

    Raises
    ------
    ValueError
        If `kind`, `discrete` or `per` is not one of these, or there is no such column.
    """
    if per not in UNITS:
        raise ValueError(f"per must be one of {list(UNITS)}, got {per!r}.")
    if kind not in {"average", "at-means"}:
        raise ValueError(f'kind must be "average" or "at-means", got {kind!r}.')
    if discrete not in {"factor", "column"}:
        raise ValueError(f'discrete must be "factor" or "column", got {discrete!r}.')
    estimate, inputs = self.estimate, self._columns.known_inputs

    def make(
        term: str, levels: Levels | None, effect: FloatArray, gradients: FloatArray, known: BoolArray
    ) -> TermEffect:
        errors = np.where(known, self.covariance.std_errors(gradients), np.nan)
        own = own_df(self, gradients)
        df = None if own is None else np.where(np.isnan(errors), np.nan, own)
        return TermEffect(term, levels, np.where(known, effect, np.nan), errors, df)

    factors = self._columns.of_inputs(groups)
    together = factors if discrete == "factor" else {}
    if inputs is None:
        found, notes = effects_of_columns(estimate, make, self.features, together, kind)
    else:
        found, notes = effects_of_inputs(estimate, make, inputs, together, kind)
    sizes = _sizes(estimate, self._columns, found, per)
    effects = sizes * np.array([each.effect for each in found]).reshape(-1, estimate.n_classes)
    std_errors = sizes * np.array([each.std_error for each in found]).reshape(-1, estimate.n_classes)
    df = _own_df(self, found)
    distribution = self._distribution if df is None else sampling_distribution(df)
    z, p_value = against_zero(effects, std_errors, distribution) if self.is_tested else (None, None)
    reach = half_widths(std_errors, distribution, self.level)
    return MarginalEffects(
        estimate=effects,
        std_error=std_errors,
        z=z,
        p_value=p_value,
        lower=effects - reach,
        upper=effects + reach,
        terms=tuple(each.term for each in found),
        levels=tuple(each.levels for each in found),
        classes=self.classes,
        kind=kind,
        level=self.level,
        notes=(*notes, *notes_on_gaps(effects, std_errors)),
        per=per,
        degrees_of_freedom=self.degrees_of_freedom if df is None else None,
        df=df,
    )


def _own_df(facts: Facts, effects: Sequence[TermEffect]) -> FloatArray | None:
    """Return the degrees of freedom of each effect, shape (e, K), where they have their own: NaN of what is missing."""
    if facts.covariance.few_clusters is None or facts.degrees_of_freedom is None:
        return None
    nothing = np.full(facts.estimate.n_classes, np.nan)
    return np.array([nothing if each.df is None else each.df for each in effects]).reshape(-1, len(nothing))


def _sizes(estimate: Estimate, columns: GroupedColumns, effects: Sequence[TermEffect], per: EffectUnit) -> FloatArray:
    """Return what each effect is times, shape (e, 1): 1 of differences; NaN of a number that hardly varies."""
    sizes = np.ones((len(effects), 1))
    if per == "unit":
        return sizes
    (weights,) = estimate.objective.rows.concatenate(RowWeights())
    weights = weights[weights > 0.0]
    for place, effect in enumerate(effects):
        if effect.levels is None:
            number = subject_of([effect.term], estimate=estimate, columns=columns).number
            sizes[place] = np.nan if number is None else _spread(number, weights, per)
    return sizes


def _spread(number: FloatArray, weights: FloatArray, per: EffectUnit) -> float:
    known = ~np.isnan(number)
    if per == "sd":
        return standard_deviation(number[known], weights[known])
    low, high = quartiles(number[known], weights[known])
    return high - low or float("nan")
