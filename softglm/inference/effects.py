"""Marginal effects: what a feature does to the probabilities, where the coefficients say what it does to their ratios.

Those of the columns of the model are those of `softglm.inference.column_effects`. Where a pipeline makes the columns of
a few inputs, effects are of those: along the line on which an input moves the columns, if that is the same in every
row; else by differences of what the pipeline makes of the input, moved or set.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.drawing import display
from softglm.inference.cells import cells_of, estimate_headings, notes_on_gaps
from softglm.inference.column_effects import (
    along,
    changes,
    derivative_means,
    derivatives,
    differences,
    differences_of_limit,
)
from softglm.inference.covariance import Covariance
from softglm.inference.estimate import Estimate
from softglm.inference.factors import Levels, are_dummies, dummy_settings, survey
from softglm.inference.inputs import Inputs, Setting, Variable
from softglm.inference.means import (
    Counterfactual,
    forms_of,
    is_place_known,
    observed_rows,
    rows_at,
    weighted_means,
)
from softglm.inference.relations import described, relations_of
from softglm.inference.significance import against_zero, half_widths
from softglm.inference.tables import Content, Table
from softglm.once import cached_property
from softglm.optional import pandas

if TYPE_CHECKING:
    import pandas as pd

# A quotient of differences is a derivative if over a share of the step it is the same, or differs by less than this of
# its standard error.
_SHARE, _SAME, _NEGLIGIBLE = 1 / 8, 0.02, 0.05
EffectKind: TypeAlias = Literal["average", "at-means"]
DiscreteKind: TypeAlias = Literal["factor", "column"]
_DERIVATIVE = "dP/dx"


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

    @property
    def contrasts(self) -> tuple[str, ...]:
        """What each effect is: "dP/dx", or "middle - low"."""
        return tuple(_DERIVATIVE if pair is None else " - ".join(pair) for pair in self.levels)

    @property
    def is_discrete(self) -> BoolArray:
        """Where the effect is a difference, not a derivative, shape (e,)."""
        return np.array([pair is not None for pair in self.levels], dtype=bool)

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
            )
            name = term if pair is None else f"{term} (from {pair[1]} to {pair[0]})"
            groups[name] = [[str(label), *of_class] for label, of_class in zip(self.classes, cells, strict=True)]
        where = "Average marginal effects" if self.kind == "average" else "Marginal effects at the means"
        return Content(
            estimate_headings(self.level, None if self.z is None else "z"),
            groups,
            title=f"{where}, on the probability of each class",
            notes=self.notes,
        )

    def plot(self, ax: Any = None, **options: Any) -> Any:  # noqa: ANN401 - axes of matplotlib, and what draws on them
        """Draw the effects with their intervals, a row for each: `softglm.plots.MarginalEffectDisplay`.

        Parameters
        ----------
        ax : Axes, array of Axes or None
            Where to; None makes a new figure.
        **options
            Of `MarginalEffectDisplay.from_effects`.

        Returns
        -------
        MarginalEffectDisplay
            With the figure, the axes and the numbers that are drawn. It needs matplotlib.
        """
        return display("MarginalEffectDisplay").from_effects(self, ax=ax, **options)

    def to_frame(self) -> "pd.DataFrame":
        """Return a tidy data frame of e K rows.

        Its columns are term, contrast, class, estimate, std_error, z, p_value, lower, upper. It needs pandas.
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
        return pd.DataFrame(columns)


@final
@dataclass(frozen=True, eq=False)
class _Row:
    """An effect: of a term, perhaps between two levels, on each class, (K,), with standard errors, (K,)."""

    term: str
    levels: Levels | None
    effect: FloatArray
    std_error: FloatArray


def marginal_effects(
    estimate: Estimate,
    covariance: Covariance,
    *,
    features: Sequence[str],
    classes: npt.NDArray[Any],
    factors: Mapping[str, Sequence[int]],
    distribution: Any,  # noqa: ANN401 - a frozen distribution of SciPy
    inputs: Inputs | None = None,
    kind: EffectKind = "average",
    discrete: DiscreteKind = "factor",
    level: float = 0.95,
) -> MarginalEffects:
    """Return the effect of each feature on the probability of each class, with delta-method standard errors.

    Parameters
    ----------
    estimate : Estimate
    covariance : Covariance
    features : sequence of str, length p
        The columns of the model.
    classes : array of shape (K,)
    factors : mapping from str to sequences of int
        The columns, of the inputs if those are given, that are the dummies of one factor. Where every row has one of
        them on, the first is the base. Where they are no dummies (scaled, say, or several on at once) each is treated
        by itself.
    distribution : frozen distribution of SciPy
        Of z: the normal, or a t.
    inputs : Inputs or None
        Whose effects they are, where they are known; None for those of the columns of the model.
    kind : {"average", "at-means"}, default="average"
        Averaged over the rows, with their weights and totals; or where all other columns have their weighted means. The
        offsets are as observed in both, and averaged over.
    discrete : {"factor", "column"}, default="factor"
        How a column of zeros and ones is switched on: with the other dummies of its factor off, against the base of the
        factor, as R's and Stata's margins do; or with all others as they are, as statsmodels does. Inputs have one
        value at a time, so that it makes no difference to them, but for those of `factors`.
    level : float, default=0.95

    Raises
    ------
    ValueError
        If `kind` or `discrete` is not one of these.
    """
    if kind not in {"average", "at-means"}:
        raise ValueError(f'kind must be "average" or "at-means", got {kind!r}.')
    if discrete not in {"factor", "column"}:
        raise ValueError(f'discrete must be "factor" or "column", got {discrete!r}.')

    def row(term: str, levels: Levels | None, effect: FloatArray, gradients: FloatArray, known: BoolArray) -> _Row:
        errors = np.where(known, covariance.std_errors(gradients), np.nan)
        return _Row(term, levels, np.where(known, effect, np.nan), errors)

    factors = factors if discrete == "factor" else {}
    if inputs is None:
        rows = _of_columns(estimate, row, features, factors, kind)
        notes = described(relations_of(observed_rows(estimate)), features)
    else:
        of_inputs = _InputEffects(estimate, row, inputs, factors, kind)
        rows = of_inputs.rows()
        notes = tuple(_reason(each) for each in inputs.variables if each.kind == "undetermined")
        notes += tuple(map(_without_derivative, of_inputs.without_derivative))
    effects = np.array([each.effect for each in rows]).reshape(-1, estimate.n_classes)
    std_errors = np.array([each.std_error for each in rows]).reshape(-1, estimate.n_classes)
    z, p_value = (None, None) if estimate.is_penalised else against_zero(effects, std_errors, distribution)
    reach = half_widths(std_errors, distribution, level)
    return MarginalEffects(
        estimate=effects,
        std_error=std_errors,
        z=z,
        p_value=p_value,
        lower=effects - reach,
        upper=effects + reach,
        terms=tuple(each.term for each in rows),
        levels=tuple(each.levels for each in rows),
        classes=np.asarray(classes),
        kind=kind,
        level=level,
        notes=(*notes, *notes_on_gaps(effects, std_errors)),
    )


def _reason(variable: Variable) -> str:
    """Return why an input has no effect."""
    name = variable.name
    return f"{name} has neither a derivative nor levels: {variable.reason}. See average_predictions({name!r}, values)."


def _without_derivative(name: str) -> str:
    """Return why a number has no effect, although it acts smoothly nearly everywhere."""
    return (
        f"{name} has no average derivative: it grows without bound at some of its values, as that of a root does at 0. "
        f"See average_predictions({name!r}, values)."
    )


# Of a term, its levels, its effects and their gradients, and of which classes they are known.
MakeRow: TypeAlias = Callable[[str, Levels | None, FloatArray, FloatArray, BoolArray], _Row]


def _of_columns(
    estimate: Estimate,
    make: MakeRow,
    features: Sequence[str],
    factors: Mapping[str, Sequence[int]],
    kind: EffectKind,
) -> list[_Row]:
    """Return the effects of the columns of X, in their order, but for the bases of factors."""
    rows = estimate.objective.rows
    groups = {name: np.array(columns, dtype=np.intp) for name, columns in factors.items()}
    varies, switches = survey(rows, groups)
    is_discrete = np.zeros_like(varies)
    known = varies & estimate.estimable_terms(changes(estimate, switches))
    found: dict[int, _Row] = {}
    nothing = np.full(estimate.n_classes, np.nan)
    there = rows
    if kind == "at-means":
        place = weighted_means(rows)
        there = rows_at(observed_rows(estimate), place)
        known &= is_place_known(estimate, place)
    names: dict[int, tuple[str, Levels | None]] = {column: (name, None) for column, name in enumerate(features)}
    bases = set()
    for switch in switches:
        is_discrete[switch.columns] = True
        levels = switch.levels(features)
        for column, pair in zip(switch.columns.tolist(), levels, strict=True):
            names[column] = switch.name or features[column], pair
        bases |= set() if switch.base is None else {int(switch.columns[switch.base])}
        known[switch.columns] &= bool(known[switch.columns].all())
    for column, effect, gradients in derivatives(estimate, there, np.flatnonzero(known & ~is_discrete)):
        found[column] = make(*names[column], effect, gradients, estimate.sees(gradients))
    switched = [switch for switch in switches if known[switch.columns].all()]
    switching = differences(estimate, there, switched)
    if kind == "average" and estimate.observed is not None:
        switching = differences_of_limit(estimate, switched)
    for column, effect, gradients in switching:
        found[column] = make(*names[column], effect, gradients, estimate.sees(gradients) & np.isfinite(effect))
    return [
        found.get(column, _Row(*names[column], nothing, nothing))
        for column in range(len(features))
        if column not in bases
    ]


@final
class _InputEffects:
    """The effects of inputs: of numbers derivatives, of switches and factors differences from their base.

    Parameters
    ----------
    estimate : Estimate
    make : callable
        Of a row.
    inputs : Inputs
    factors : mapping from name to inputs
        Switches of which one is on at a time.
    kind : {"average", "at-means"}
    """

    def __init__(
        self,
        estimate: Estimate,
        make: MakeRow,
        inputs: Inputs,
        factors: Mapping[str, Sequence[int]],
        kind: EffectKind,
    ) -> None:
        self._estimate, self._make, self._inputs = estimate, make, inputs
        self._factors = {
            name: tuple(positions) for name, positions in factors.items() if are_dummies(inputs, positions)
        }
        self._counterfactual = Counterfactual(estimate, inputs, None if kind == "average" else inputs.means())
        self.without_derivative: list[str] = []

    def rows(self) -> list[_Row]:
        """Return the effects in the order of the inputs."""
        rows: list[_Row] = []
        done: set[int] = set()
        for variable in self._inputs.variables:
            together = [name for name, members in self._factors.items() if variable.position in members]
            if variable.position in done:
                continue
            if together:
                rows += self._of_levels(
                    together[0], dummy_settings(self._inputs, together[0], self._factors[together[0]])
                )
                done |= set(self._factors[together[0]])
            elif variable.kind == "number":
                rows.append(self._of_number(variable))
            elif variable.kind == "undetermined":
                nothing = np.full(self._estimate.n_classes, np.nan)
                rows.append(_Row(variable.name, None, nothing, nothing))
            else:
                settings = [(each.name, {variable.position: each.value}) for each in variable.levels]
                rows += self._of_levels(variable.name, settings)
        return rows

    def _of_levels(self, name: str, settings: Sequence[tuple[str, Setting]]) -> Iterator[_Row]:
        """Yield the differences between each setting and the first."""
        (base, setting), *others = settings
        probability, gradients, is_base_known = self._counterfactual.mean(setting)
        for level, other in others:
            there, gradients_there, is_known = self._counterfactual.mean(other)
            known = np.full(len(there), is_known and is_base_known)
            yield self._make(name, (level, base), there - probability, gradients_there - gradients, known)

    def _of_number(self, variable: Variable) -> _Row:
        """Return the derivative: along a line where there is one, and else by a difference."""
        estimate = self._estimate
        if variable.slope is None:
            found, nearer = self._by_difference(variable), self._by_difference(variable, _SHARE)
            change = np.abs(nearer.effect - found.effect)
            allowed = np.fmax(_SAME * np.nanmax(np.abs(found.effect), initial=0.0), _NEGLIGIBLE * found.std_error)
            if not (change > allowed).any():
                return found
            self.without_derivative.append(variable.name)
            nothing = np.full(estimate.n_classes, np.nan)
            return _Row(variable.name, None, nothing, nothing)
        jacobian, bends, is_known = self._means
        effect, gradients = along(estimate, variable.slope, jacobian, bends)
        is_known &= bool(estimate.estimable_terms(forms_of(estimate, variable.slope[np.newaxis], 0.0)).all())
        return self._make(variable.name, None, effect, gradients, estimate.sees(gradients) & is_known)

    def _by_difference(self, variable: Variable, share: float = 1.0) -> _Row:
        """Return the quotient of a difference, over the step of a number or a share of it."""
        variable = replace(variable, step=share * variable.step)
        shifted = self._inputs.shifted(variable, self._counterfactual.setting({}))
        effect, gradients, is_known = self._counterfactual.slope(shifted, variable.step)
        return self._make(variable.name, None, effect, gradients, self._estimate.sees(gradients) & is_known)

    @cached_property
    def _means(self) -> tuple[FloatArray, FloatArray, bool]:
        """What derivatives along lines are made of, and whether they are known where they are taken."""
        if self._counterfactual.place is None:
            return *derivative_means(self._estimate, self._estimate.objective.rows), True
        transformed = self._inputs.transformed(self._counterfactual.place)
        rows = self._counterfactual.rows(transformed)
        return *derivative_means(self._estimate, rows), self._counterfactual.is_known(transformed)
