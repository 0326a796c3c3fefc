r"""Marginal effects of the columns of the model, and the gradients that their standard errors are made of.

With p = softmax(eta) of row i, zeta = Q' eta its s identifiable directions, eta_k = D_k' zeta for every class (D of
shape (K, s)), and gamma_j (s,) the coefficients of column j in those directions:

    d p / d x_j = G gamma_j,    G = dp / dzeta' = (diag(p) - p p') D        column j continuous
    p(x_j = 1) - p(x_j = 0)                                                 column j of zeros and ones

averaged over the rows with their weights, at their offsets. Both are smooth in the coordinates Z, in which
d zeta_c / d Z_lc = scales_lc f_l. Standard errors follow by the delta method from sums over the rows: of G_kc f_l, and
for continuous columns of T_kbc f_l, where T_k = d2 p_k / dzeta dzeta'. Those are summed once, for all columns.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import numpy as np

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block, Rows
from softglm.inference.classes import class_probabilities, every_class
from softglm.inference.column_averages import Change, means_with
from softglm.inference.estimate import Estimate
from softglm.inference.factors import Columns, Levels, Switch, survey
from softglm.inference.means import deviations_of, is_place_known, observed_rows, rows_at, weighted_means
from softglm.inference.relations import described, relations_of
from softglm.sums import Features, Predictor, Sum

# A column, its effect on each class, shape (K,), and the gradients of that in the coordinates, shape (K, P).
Effect: TypeAlias = tuple[int, FloatArray, FloatArray]
EffectKind: TypeAlias = Literal["average", "at-means"]


@final
@dataclass(frozen=True, eq=False)
class TermEffect:
    """An effect: of a term, perhaps between two levels, on each class, (K,), with standard errors and own df, (K,)."""

    term: str
    levels: Levels | None
    effect: FloatArray
    std_error: FloatArray
    df: FloatArray | None = None


# Of a term, its levels, its effects and their gradients, and of which classes they are known.
MakeEffect: TypeAlias = Callable[[str, Levels | None, FloatArray, FloatArray, BoolArray], TermEffect]


@final
@dataclass(frozen=True)
class Derivatives(Sum):
    """The first derivatives of the probabilities in the identifiable directions, and the second times the features.

    Attributes
    ----------
    predictor : Predictor
    features : Features
    directions : array of shape (K, s)
        D.
    """

    predictor: Predictor
    features: Features
    directions: FloatArray

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return sum w G, (K, s); sum w T_kbc f_l, (K, s (s + 1) / 2, r), upper triangles of T; and sum w, (1,)."""
        probability = class_probabilities(self.predictor.of(block))
        features = self.features.of(block)
        deviations = deviations_of(probability, self.directions)
        first, second = np.triu_indices(self.directions.shape[1])
        variance = np.zeros((len(first), len(block)))
        for share, deviation in zip(probability, deviations, strict=True):
            variance += share * deviation[first] * deviation[second]
        weighted = block.weighted(probability)
        bends = np.empty((len(probability), len(first), features.shape[1]))
        for share, deviation, bend in zip(weighted, deviations, bends, strict=True):
            # T_k = p_k ((D_k - D'p)(D_k - D'p)' - D'(diag(p) - p p')D)
            np.matmul(share * (deviation[first] * deviation[second] - variance), features, out=bend)
        weight = block.row_weights.sum(keepdims=True)
        return np.einsum("ki,kci->kc", weighted, deviations), bends, weight


@final
@dataclass(frozen=True)
class Switched(Sum):
    """The probabilities and their gradients where columns are switched on, added up.

    Attributes
    ----------
    predictor : Predictor
    features : Features
    directions : array of shape (K, s)
        D.
    switches : tuple of Switch
    """

    predictor: Predictor
    features: Features
    directions: FloatArray
    switches: tuple[Switch, ...]

    def __call__(self, block: Block) -> tuple[FloatArray, ...]:
        """Return sum w, (1,), and of each state of each switch in turn sum w p, (K,), and sum w G_kc f_l, (K, s, r)."""
        X = block.centred(np.zeros(block.X.shape[1]))
        eta = self.predictor.of(block)
        features = self.features.of(block)
        weight = block.row_weights.sum(keepdims=True)
        sums = [weight]
        for switch in self.switches:
            on = X[:, switch.columns]
            slopes, loadings = self.predictor.coef[switch.columns], self.features.loadings[switch.columns]
            eta_off, features_off = eta - slopes.T @ on.T, features - on @ loadings
            for state in switch.states:
                probability = class_probabilities(eta_off + (state @ slopes)[:, np.newaxis])
                deviations = deviations_of(probability, self.directions)
                weighted = block.weighted(probability)
                jacobians = weighted[:, np.newaxis] * deviations
                sums += [weighted.sum(axis=1), jacobians @ (features_off + state @ loadings)]
        return tuple(sums)


def effects_of_columns(
    estimate: Estimate,
    make: MakeEffect,
    features: Sequence[str],
    factors: Mapping[str, Sequence[int]],
    kind: EffectKind,
) -> tuple[list[TermEffect], tuple[str, ...]]:
    """Return the effects of the columns of X, in their order, but for the bases of factors; and which look related.

    Parameters
    ----------
    estimate : Estimate
    make : callable
    features : sequence of str, length p
    factors : mapping from str to sequences of int
        The columns that are the dummies of one factor. Where every row has one of them on, the first is the base. Where
        they are no dummies (scaled, say, or several on at once) each is treated by itself.
    kind : {"average", "at-means"}
    """
    rows = estimate.objective.rows
    groups = {name: np.array(columns, dtype=np.intp) for name, columns in factors.items()}
    varies, switches = survey(rows, groups)
    is_discrete = np.zeros_like(varies)
    known = varies & estimate.row_space.estimable(changes(estimate, switches))
    found: dict[int, TermEffect] = {}
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
    effects = [
        found.get(column, TermEffect(*names[column], nothing, nothing))
        for column in range(len(features))
        if column not in bases
    ]
    return effects, described(relations_of(observed_rows(estimate)), features)


def changes(estimate: Estimate, switches: Sequence[Switch]) -> FloatArray:
    """Return what a change of each column, against its base, does to [x - c; 1], shape (p, m)."""
    m, _ = estimate.objective.shape
    changes = np.eye(estimate.objective.rows.n_features, m)
    for switch in switches:
        if switch.base is not None:
            changes[switch.columns, switch.columns[switch.base]] -= 1.0
    return changes


def derivatives(estimate: Estimate, rows: Rows, columns: Columns) -> Iterator[Effect]:
    """Yield the mean of G gamma_j over the rows for each of the columns."""
    if len(columns) == 0:
        return
    jacobian, bends = derivative_means(estimate, rows)
    for column in columns:
        unit = np.zeros(rows.n_features)
        unit[column] = 1.0
        yield int(column), *along(estimate, unit, jacobian, bends)


def along(
    estimate: Estimate, slope: FloatArray, jacobian: FloatArray, bends: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the derivatives, (K,), along a line that moves the columns by slope, (p,), and their gradients, (K, P)."""
    coordinates, moved = estimate.coordinates, np.flatnonzero(slope)
    coef, _ = estimate.objective.split(estimate.parameters)
    gamma = slope[moved] @ coef[moved] @ coordinates.classes
    # gamma = sum_l F_l (scales Z)_l: the effect depends on Z through gamma, and through p at every row.
    direct = (slope[moved] @ coordinates.features[moved])[:, np.newaxis] * jacobian[:, np.newaxis]
    gradients = coordinates.scales * (direct + np.einsum("kbcl,b->klc", bends, gamma))
    return jacobian @ gamma, gradients.reshape(len(jacobian), -1)


def derivative_means(estimate: Estimate, rows: Rows) -> tuple[FloatArray, FloatArray]:
    """Return the means over the rows of G, shape (K, s), and of T_kbc f_l, shape (K, s, s, r)."""
    directions = every_class(estimate.coordinates.classes)
    r, s = estimate.coordinates.scales.shape
    first, second = np.triu_indices(s)
    jacobian, packed, weight = rows.sum(Derivatives(estimate.predictor, estimate.features, directions))
    bends = np.empty((len(jacobian), s, s, r))
    bends[:, first, second] = bends[:, second, first] = packed / weight
    return jacobian / weight, bends


def differences_of_limit(estimate: Estimate, switches: Sequence[Switch]) -> Iterator[Effect]:
    """Yield the same for the limit of a separated fit, over its rows: NaN where it leaves one of the two open."""
    for switch in switches:
        changes = [Change(switch.columns, state, is_move=False) for state in switch.states]
        probability, gradients, known = means_with(estimate, changes)
        probability[~known] = np.nan
        for column, on, gradients_on in zip(switch.columns, probability[1:], gradients[1:], strict=True):
            yield int(column), on - probability[0], gradients_on - gradients[0]


def differences(estimate: Estimate, rows: Rows, switches: Sequence[Switch]) -> Iterator[Effect]:
    """Yield the mean over the rows of p with each switched column on, less p in the base."""
    if not switches:
        return
    coordinates = estimate.coordinates
    directions = every_class(coordinates.classes)
    switched = Switched(estimate.predictor, estimate.features, directions, tuple(switches))
    weight, *sums = rows.sum(switched)
    means = (total / weight for total in sums)
    for switch in switches:
        base, base_gradients = next(means), next(means)
        for column in switch.columns:
            probability, gradients = next(means), next(means)
            moved = coordinates.scales * (gradients - base_gradients).swapaxes(1, 2)
            yield int(column), probability - base, moved.reshape(len(probability), -1)
