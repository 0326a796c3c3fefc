r"""Marginal effects: what a feature does to the probabilities, where the coefficients say what it does to their ratios.

With p = softmax(eta) of row i, zeta = Q' eta its s identifiable directions, eta_k = D_k' zeta for every class (D of
shape (K, s)), and gamma_j (s,) the coefficients of column j in those directions:

    d p / d x_j = G gamma_j,    G = dp / dzeta' = (diag(p) - p p') D        column j continuous
    p(x_j = 1) - p(x_j = 0)                                                 column j of zeros and ones

averaged over the rows with their weights, at their offsets. Both are smooth in the coordinates Z, in which
d zeta_c / d Z_lc = scales_lc f_l. Standard errors follow by the delta method from sums over the rows: of G_kc f_l, and
for continuous columns of T_kbc f_l, where T_k = d2 p_k / dzeta dzeta'. Those are summed once, for all columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block, DenseBlock, Rows, RowsInMemory
from softglm.data.rows import Statistic
from softglm.inference import summary
from softglm.inference.classes import class_probabilities, every_class
from softglm.inference.estimate import Estimate

if TYPE_CHECKING:
    import pandas as pd

EffectKind: TypeAlias = Literal["average", "at-means"]
DiscreteKind: TypeAlias = Literal["factor", "column"]
Columns: TypeAlias = npt.NDArray[np.intp]
# The share of a gradient outside the range of the information that is rounding.
_UNSEEN = 1e-4
# A column, its effect on each class, shape (K,), and the gradients of that in the coordinates, shape (K, P).
Effect: TypeAlias = tuple[int, FloatArray, FloatArray]


@final
@dataclass(frozen=True, repr=False)
class MarginalEffects:
    """What a unit of each column, or switching it on, adds to the probability of each class.

    Columns are those that the model sees: what a pipeline makes of one feature (its square, its product with another)
    does not move with it.

    Attributes
    ----------
    estimate, std_error : arrays of shape (p, K)
        NaN where the data do not say: of columns that do not vary, or that others determine; of what depends on
        infinite coefficients. 0 for the base of a factor that is a column of its own.
    z, p_value : arrays of shape (p, K), or None
        Of no effect, two-sided; None with a penalty, which biases towards it.
    lower, upper : arrays of shape (p, K)
        At the confidence `level`.
    is_discrete : array of shape (p,)
        Where the effect is a difference, not a derivative.
    features : tuple of str, length p
        The names of the columns.
    classes : array of shape (K,)
        Sorted.
    kind : {"average", "at-means"}
        Averaged over the rows, or at the mean row.
    level : float
        Of the intervals.

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
    is_discrete: BoolArray
    features: tuple[str, ...]
    classes: npt.NDArray[Any]
    kind: EffectKind
    level: float

    def __str__(self) -> str:
        """Return a table: for each column, a row for each class."""
        is_tested = self.z is not None
        groups = {}
        for j, feature in enumerate(self.features):
            cells = summary.cells_of(
                estimate=self.estimate[j],
                std_error=self.std_error[j],
                z=None if self.z is None else self.z[j],
                p_value=None if self.p_value is None else self.p_value[j],
                lower=self.lower[j],
                upper=self.upper[j],
            )
            name = f"{feature} (from 0 to 1)" if self.is_discrete[j] else feature
            groups[name] = [[str(label), *of_class] for label, of_class in zip(self.classes, cells, strict=True)]
        where = "Average marginal effects" if self.kind == "average" else "Marginal effects at the means"
        table = summary.aligned(summary.estimate_headings(self.level, "z" if is_tested else None), groups)
        return "\n".join([f"{where}, on the probability of each class", "", *table])

    __repr__ = __str__

    def to_frame(self) -> "pd.DataFrame":
        """Return a tidy data frame of p K rows: term, class, estimate, std_error, z, p_value, lower, upper.

        It needs pandas.
        """
        import pandas as pd

        p, K = self.estimate.shape
        columns = {"term": np.repeat(self.features, K), "class": np.tile(self.classes, p)}
        for name in ("estimate", "std_error", "z", "p_value", "lower", "upper"):
            values = getattr(self, name)
            columns[name] = np.full(p * K, np.nan) if values is None else values.ravel()
        return pd.DataFrame(columns)


@final
@dataclass(frozen=True)
class _Switch:
    """Columns of zeros and ones of which at most one is on; each is compared with the base.

    Attributes
    ----------
    columns : array of shape (g,)
    base : int or None
        The position of the column that is on in the base; None where all are off.
    """

    columns: Columns
    base: int | None

    @property
    def states(self) -> FloatArray:
        """What the columns are in the base, and then with each of them on, shape (1 + g, g)."""
        on = np.identity(len(self.columns))
        off = np.zeros_like(on[:1]) if self.base is None else on[self.base : self.base + 1]
        return np.concatenate([off, on])


@final
class _RowsAt(Rows):
    """The same rows, with features at one place: only their offsets still differ.

    Parameters
    ----------
    rows : Rows
    place : array of shape (p,)
    """

    def __init__(self, rows: Rows, place: FloatArray) -> None:
        self._rows, self._place = rows, place
        self.n_rows, self.n_features, self.has_offset = rows.n_rows, rows.n_features, rows.has_offset

    def map(self, statistic: Statistic) -> Iterator[tuple[npt.NDArray[Any], ...]]:
        """Yield the statistic of each block, as `Rows.map` does."""

        def there(block: Block) -> tuple[npt.NDArray[Any], ...]:
            X = np.tile(self._place, (len(block), 1))
            return statistic(DenseBlock(X, block.targets, block.weights, block.offset))

        return self._rows.map(there)


def marginal_effects(
    estimate: Estimate,
    covariance: FloatArray,
    *,
    features: Sequence[str],
    classes: npt.NDArray[Any],
    factors: Mapping[str, Sequence[int]],
    distribution: Any,  # noqa: ANN401 - a frozen distribution of SciPy
    kind: EffectKind = "average",
    discrete: DiscreteKind = "factor",
    level: float = 0.95,
) -> MarginalEffects:
    """Return the effect of each column on the probability of each class, with delta-method standard errors.

    Parameters
    ----------
    estimate : Estimate
    covariance : array of shape (P, P)
        Of the coordinates.
    features : sequence of str, length p
    classes : array of shape (K,)
    factors : mapping from str to sequences of int
        The columns that are the dummies of one factor. Where every row has one of them on, the first is the base, whose
        effect is 0. Where they are no dummies (scaled, say, or several on at once) each is treated by itself.
    distribution : frozen distribution of SciPy
        Of z: the normal, or a t.
    kind : {"average", "at-means"}, default="average"
        Averaged over the rows, with their weights and totals; or where all other columns have their weighted means. The
        offsets are as observed in both, and averaged over.
    discrete : {"factor", "column"}, default="factor"
        How a column of zeros and ones is switched on: with the other dummies of its factor off, against the base of the
        factor, as R's and Stata's margins do; or with all others as they are, as statsmodels does.
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
    rows = estimate.objective.rows
    groups = [np.array(columns, dtype=np.intp) for columns in factors.values()] if discrete == "factor" else []
    varies, switches = _survey(rows, groups)
    is_discrete = np.zeros_like(varies)
    for switch in switches:
        is_discrete[switch.columns] = True
    known = varies & estimate.estimable_terms(_changes(estimate, switches))
    if estimate.is_singular:
        # The limit of a separated fit is known at the rows as they are, and nowhere else.
        known &= (kind == "average") & ~is_discrete
    there = rows if kind == "average" else rows_at(rows, weighted_means(rows))
    effects, std_errors = np.full((2, rows.n_features, estimate.n_classes), np.nan)
    for found in (
        _derivatives(estimate, there, np.flatnonzero(known & ~is_discrete)),
        _differences(estimate, there, [switch for switch in switches if known[switch.columns].all()]),
    ):
        for column, effect, gradients in found:
            effects[column] = np.where(_is_determined(estimate, gradients), effect, np.nan)
            variances = np.einsum("kp,kp->k", gradients @ covariance, gradients)
            std_errors[column] = np.sqrt(np.maximum(variances, 0.0))
    std_errors[np.isnan(effects)] = np.nan
    z = np.divide(effects, std_errors, out=np.full_like(effects, np.nan), where=std_errors > 0.0)
    half_width = distribution.isf((1.0 - level) / 2.0) * std_errors
    return MarginalEffects(
        estimate=effects,
        std_error=std_errors,
        z=None if estimate.is_penalised else z,
        p_value=None if estimate.is_penalised else 2.0 * distribution.sf(np.abs(z)),
        lower=effects - half_width,
        upper=effects + half_width,
        is_discrete=is_discrete,
        features=tuple(features),
        classes=np.asarray(classes),
        kind=kind,
        level=level,
    )


def _survey(rows: Rows, groups: Sequence[Columns]) -> tuple[BoolArray, list[_Switch]]:
    """Tell which columns vary over the rows of any weight, shape (p,), and which are switched, together or alone."""

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        X = block.centred(np.zeros(rows.n_features))
        if block.weights is not None:
            X = X[block.weights > 0.0]
        is_number = (X != 0.0) & (X != 1.0)
        n_on = [X[:, group].sum(axis=1) for group in groups]
        return (
            X.max(axis=0, initial=-np.inf),
            (-X).max(axis=0, initial=-np.inf),
            is_number.max(axis=0, initial=False).astype(np.float64),
            np.array([on.max(initial=0.0) for on in n_on]),
            np.array([-on.min(initial=1.0) for on in n_on]),
        )

    most, minus_least, is_number, most_on, minus_least_on = rows.max(statistic)
    varies = most > -minus_least
    is_dummy = varies & (is_number == 0.0)
    alone, switches = is_dummy.copy(), []
    for group, at_most, minus_at_least in zip(groups, most_on, minus_least_on, strict=True):
        # A level that does not occur is no alternative.
        columns = group[varies[group]]
        if is_dummy[columns].all() and at_most <= 1.0 and len(columns) > 0:
            switches.append(_Switch(columns, 0 if minus_at_least < 0.0 else None))
            alone[columns] = False
    return varies, switches + [_Switch(np.array([column]), None) for column in np.flatnonzero(alone)]


def _changes(estimate: Estimate, switches: Sequence[_Switch]) -> FloatArray:
    """Return what a change of each column, against its base, does to [x - c; 1], shape (p, m)."""
    m, _ = estimate.objective.shape
    changes = np.eye(estimate.objective.rows.n_features, m)
    for switch in switches:
        if switch.base is not None:
            changes[switch.columns, switch.columns[switch.base]] -= 1.0
    return changes


def _is_determined(estimate: Estimate, gradients: FloatArray) -> BoolArray:
    """Tell which effects, of gradients (K, P), depend on nothing that the information of a limit cannot see, (K,)."""
    if not estimate.is_singular:
        return np.ones(len(gradients), dtype=bool)
    unseen = gradients - estimate.solve(estimate.curvature @ gradients.T).T
    return np.asarray(np.linalg.norm(unseen, axis=1) <= _UNSEEN * np.linalg.norm(gradients, axis=1))


def weighted_means(rows: Rows) -> FloatArray:
    """Return the weighted means of the features, shape (p,)."""

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        ones = block.weighted(np.ones((1, len(block))))
        return ones.sum(axis=1), block.cross(ones)[:, 0]

    weight, x = rows.sum(statistic)
    return np.asarray(x / weight)


def rows_at(rows: Rows, place: FloatArray) -> Rows:
    """Return the rows with their features at one place, (p,); without offsets they are all alike, and one is enough."""
    if rows.has_offset:
        return _RowsAt(rows, place)
    return RowsInMemory(place[np.newaxis], np.zeros(1, dtype=np.int32))


def _derivatives(estimate: Estimate, rows: Rows, columns: Columns) -> Iterator[Effect]:
    """Yield the mean of G gamma_j over the rows for each of the columns."""
    if len(columns) == 0:
        return
    jacobian, bends = _derivative_means(estimate, rows)
    coordinates = estimate.coordinates
    coef, _ = estimate.objective.split(estimate.parameters)
    for column in columns:
        gamma = coef[column] @ coordinates.classes
        # gamma_j = sum_l F_jl (scales Z)_l: the effect depends on Z through gamma_j, and through p at every row.
        direct = coordinates.features[column][:, np.newaxis] * jacobian[:, np.newaxis]
        gradients = coordinates.scales * (direct + np.einsum("kbcl,b->klc", bends, gamma))
        yield int(column), jacobian @ gamma, gradients.reshape(len(jacobian), -1)


def _derivative_means(estimate: Estimate, rows: Rows) -> tuple[FloatArray, FloatArray]:
    """Return the means over the rows of G, shape (K, s), and of T_kbc f_l, shape (K, s, s, r)."""
    objective, coordinates = estimate.objective, estimate.coordinates
    coef, intercept = objective.uncentred(estimate.parameters)
    directions = every_class(coordinates.classes)
    r, s = coordinates.scales.shape
    first, second = np.triu_indices(s)

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        probability = class_probabilities(block.predictor(coef, intercept))
        features = coordinates.features_of(block.centred(objective.moments.center))
        deviations = deviations_of(probability, directions)
        variance = np.zeros((len(first), len(block)))
        for share, deviation in zip(probability, deviations, strict=True):
            variance += share * deviation[first] * deviation[second]
        weighted = block.weighted(probability)
        bends = np.empty((len(probability), len(first), r))
        for share, deviation, bend in zip(weighted, deviations, bends, strict=True):
            # T_k = p_k ((D_k - D'p)(D_k - D'p)' - D'(diag(p) - p p')D)
            np.matmul(share * (deviation[first] * deviation[second] - variance), features, out=bend)
        weight = block.weighted(np.ones(len(block))).sum(keepdims=True)
        return np.einsum("ki,kci->kc", weighted, deviations), bends, weight

    jacobian, packed, weight = rows.sum(statistic)
    bends = np.empty((len(jacobian), s, s, r))
    bends[:, first, second] = bends[:, second, first] = packed / weight
    return jacobian / weight, bends


def _differences(estimate: Estimate, rows: Rows, switches: Sequence[_Switch]) -> Iterator[Effect]:
    """Yield the mean over the rows of p with each switched column on, less p in the base."""
    if not switches:
        return
    objective, coordinates = estimate.objective, estimate.coordinates
    coef, intercept = objective.uncentred(estimate.parameters)
    directions = every_class(coordinates.classes)

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        X = block.centred(np.zeros(rows.n_features))
        eta = block.predictor(coef, intercept)
        features = coordinates.features_of(block.centred(objective.moments.center))
        weight = block.weighted(np.ones(len(block))).sum(keepdims=True)
        sums = [weight]
        for switch in switches:
            on = X[:, switch.columns]
            slopes, loadings = coef[switch.columns], coordinates.features[switch.columns]
            eta_off, features_off = eta - slopes.T @ on.T, features - on @ loadings
            for state in switch.states:
                probability = class_probabilities(eta_off + (state @ slopes)[:, np.newaxis])
                deviations = deviations_of(probability, directions)
                weighted = block.weighted(probability)
                jacobians = weighted[:, np.newaxis] * deviations
                sums += [weighted.sum(axis=1), jacobians @ (features_off + state @ loadings)]
        return tuple(sums)

    weight, *sums = rows.sum(statistic)
    means = (total / weight for total in sums)
    for switch in switches:
        base, base_gradients = next(means), next(means)
        for column in switch.columns:
            probability, gradients = next(means), next(means)
            moved = coordinates.scales * (gradients - base_gradients).swapaxes(1, 2)
            yield int(column), probability - base, moved.reshape(len(probability), -1)


def deviations_of(probability: FloatArray, directions: FloatArray) -> FloatArray:
    """Return D_k - D'p, shape (K, s, rows), of p, shape (K, rows): p_k times them is G_k."""
    return np.asarray(directions[:, :, np.newaxis] - directions.T @ probability)
