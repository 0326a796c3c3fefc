"""Identities of the sums, against formulas written out row by row: no model, no fit."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from problems import SMALL_BLOCKS
from scipy import sparse

import softglm
from softglm.data import RowsInMemory
from softglm.data.block import make_block
from softglm.families import Bernoulli, Categorical, Gaussian, Poisson
from softglm.sums import (
    CentredColumns,
    CentredCross,
    ClassesBelow,
    Combinations,
    ContrastForms,
    CrossMoments,
    Distances,
    Evaluation,
    EvaluationAndInformation,
    Features,
    Information,
    InterceptEvaluation,
    InterceptProduct,
    KroneckerFactors,
    LargestLeverage,
    LargestMove,
    LargestSizes,
    Losses,
    LowestMargins,
    MostOpposed,
    Observations,
    Offsets,
    RowWeights,
    SecondMoments,
    Squares,
    SquaresAbout,
    Sum,
    Totals,
    WeightedTotals,
)
from softglm.sums.distinct import DistinctRows

# Sums of a hundred terms of order 1, in another order.
ROUNDING = {"rtol": 1e-12, "atol": 1e-12}
# The same in single precision.
SINGLE = {"rtol": 1e-4, "atol": 1e-3}
N, P = 53, 4
FAMILIES = {"Bernoulli": Bernoulli(), "Categorical": Categorical(3), "Poisson": Poisson(), "Gaussian": Gaussian()}


@dataclass(frozen=True)
class Given:
    """Arrays of rows, and what they are of; class codes where q > 1."""

    X: np.ndarray
    targets: np.ndarray
    weights: np.ndarray | None
    offset: np.ndarray | None
    family: object

    def rows(self, kind=np.asarray, **tuning):
        return RowsInMemory(kind(self.X), self.targets, self.weights, self.offset, **tuning)

    def times(self, repeats):
        """The same rows, each so often; what is given for a row stays as it is."""
        parts = (self.X, self.targets, self.weights, self.offset)
        return Given(*(None if part is None else np.repeat(part, repeats, axis=0) for part in parts), self.family)

    @property
    def statistics(self):
        return np.identity(3)[self.targets] if self.family.n_parameters > 1 else self.targets[:, np.newaxis]

    @property
    def w(self):
        return np.ones(len(self.X)) if self.weights is None else self.weights

    @property
    def eta(self):
        offset = 0.0 if self.offset is None else self.offset
        return self.X @ coef_of(self.family) + INTERCEPT[: self.family.n_parameters] + offset


RNG = np.random.default_rng(0)
COEF, INTERCEPT, CENTER = RNG.normal(size=(P, 3)), RNG.normal(size=3), RNG.normal(size=P)
LOADINGS, SLOPES = RNG.normal(size=(P + 1, 2)), RNG.normal(size=(P, 3))


def coef_of(family):
    return COEF[:, : family.n_parameters]


def given(name, *, weighted, has_offset):
    """Rows half of whose entries are 0, some of weight 0."""
    rng, family = np.random.default_rng(1), FAMILIES[name]
    X = rng.normal(size=(N, P)) * (rng.random((N, P)) < 0.5)
    targets = {
        "Bernoulli": rng.random(N).round(),
        "Categorical": rng.integers(0, 3, N).astype(np.int32),
        "Poisson": rng.poisson(2.0, N).astype(float),
        "Gaussian": rng.normal(size=N),
    }[name]
    weights = rng.exponential(size=N) * (np.arange(N) % 5 > 0) if weighted else None
    return Given(X, targets, weights, rng.normal(size=(N, family.n_parameters)) if has_offset else None, family)


@pytest.fixture(params=[(name, weighted, offset) for name in FAMILIES for weighted in (0, 1) for offset in (0, 1)])
def data(request):
    name, weighted, has_offset = request.param
    return given(name, weighted=weighted, has_offset=has_offset)


def information_of(family, features=None):
    at = coef_of(family), INTERCEPT[: family.n_parameters]
    return Information(family, *at, Features(CENTER, LOADINGS) if features is None else features)


def summed(family):
    """Every sum that adds."""
    at = coef_of(family), INTERCEPT[: family.n_parameters]
    full = SecondMoments(CENTER, 1)
    return [
        Evaluation(family, *at),
        information_of(family),
        information_of(family, Features(CENTER, np.linspace(0.5, 2.0, P + 1))),
        EvaluationAndInformation(information_of(family)),
        InterceptEvaluation(family, *at),
        InterceptProduct(family, *at, np.arange(1.0, family.n_parameters + 1.0)),
        Losses(family, *several(family)),
        CrossMoments(family.n_parameters),
        CentredCross(CENTER, family.n_parameters),
        full,
        SecondMoments(CENTER, 0),
        SecondMoments(CENTER, 1, is_full=False),
        KroneckerFactors(family, *at, full),
        KroneckerFactors(family, *at, SecondMoments(CENTER, 1, is_full=False)),
        WeightedTotals(),
    ]


def several(family):
    """Coefficients and intercepts of three fits."""
    scales, q = np.array([1.0, -0.5, 30.0]), family.n_parameters
    return scales[:, np.newaxis, np.newaxis] * coef_of(family), scales[:, np.newaxis] * INTERCEPT[:q]


def largest(family):
    """Every sum of which the maximum is taken."""
    q = family.n_parameters
    return [
        LargestLeverage(CENTER, SLOPES, INTERCEPT),
        LargestMove(coef_of(family), INTERCEPT[:q]),
        LargestSizes(),
        MostOpposed(family, coef_of(family), INTERCEPT[:q]),
    ]


def joined(family, *, has_offset):
    """Every sum that is joined along the rows."""
    each = [
        RowWeights(),
        Combinations(COEF),
        Distances(SLOPES, INTERCEPT),
        CentredColumns(CENTER, 1),
        Observations(),
        *([Offsets()] if has_offset else []),
    ]
    return [*each, ClassesBelow(Features(CENTER, LOADINGS), BOTH, 3, 1e-9)] if family.n_parameters == 3 else each


# A cone in two features and two free classes.
BOTH = np.random.default_rng(2).normal(size=(2, 2, 2))


def same(one, other, tolerance=ROUNDING):
    assert len(one) == len(other)
    for part, counterpart in zip(one, other, strict=True):
        np.testing.assert_allclose(part, counterpart, **tolerance)


def unpacked(triangles, size):
    """Symmetric matrices of packed upper triangles, shape (d, size, size)."""
    whole = np.zeros((len(triangles), size, size))
    rows, columns = np.triu_indices(size)
    whole[:, rows, columns] = whole[:, columns, rows] = triangles
    return whole


def test_an_evaluation_is_the_sum_of_normalizers_and_of_means(data):
    family, w, eta = data.family, data.w, data.eta.T
    value, cross, mean = data.rows().sum(Evaluation(family, coef_of(family), INTERCEPT[: family.n_parameters]))
    weighted = w * family.mean(eta)
    np.testing.assert_allclose(value, [w @ family.log_normalizer(eta)], **ROUNDING)
    np.testing.assert_allclose(cross, data.X.T @ weighted.T, **ROUNDING)
    np.testing.assert_allclose(mean, weighted.sum(axis=1), **ROUNDING)


def test_the_information_is_that_of_every_row_in_its_features(data):
    family = data.family
    (triangles,) = data.rows().sum(information_of(family))
    standard = np.column_stack([data.X - CENTER, np.ones(N)]) @ LOADINGS
    directions = family.curvature_directions
    grams = unpacked(triangles, 2)
    total = sum(np.kron(gram, np.outer(along, along)) for gram, along in zip(grams, directions, strict=True))
    information = np.moveaxis(family.fisher_information(data.eta.T), -1, 0)
    rows = zip(data.w, standard, information, strict=True)
    np.testing.assert_allclose(total, sum(w * np.kron(np.outer(z, z), of) for w, z, of in rows), **ROUNDING)


@pytest.mark.parametrize("cached", [1, 2**16])
def test_losses_are_those_of_each_fit(data, monkeypatch, cached):
    monkeypatch.setattr(softglm.sums.losses, "_CACHED", cached)
    family, offset = data.family, 0.0 if data.offset is None else data.offset
    (losses,) = data.rows().sum(Losses(family, *several(family)))
    for loss, coef, intercept in zip(losses, *several(family), strict=True):
        eta = data.X @ coef + intercept + offset
        expected = data.w @ (family.log_normalizer(eta.T) - (data.statistics * eta).sum(axis=1))
        np.testing.assert_allclose(loss, expected, **ROUNDING)


def test_both_in_one_pass_have_the_bits_of_two(data):
    information = information_of(data.family)
    evaluation = Evaluation(data.family, information.coef, information.intercept)
    for rows in (data.rows(), data.rows(tuning=SMALL_BLOCKS), data.rows(sparse.csr_array)):
        grams, *sums = rows.sum(EvaluationAndInformation(information))
        np.testing.assert_array_equal(grams, rows.sum(information)[0])
        for one, other in zip(sums, rows.sum(evaluation), strict=True):
            np.testing.assert_array_equal(one, other)


def test_what_intercepts_need_is_part_of_an_evaluation(data):
    family = data.family
    at = family, coef_of(family), INTERCEPT[: family.n_parameters]
    value, mean, information = data.rows().sum(InterceptEvaluation(*at))
    expected, _, means = data.rows().sum(Evaluation(*at))
    same((value, mean), (expected, means))
    np.testing.assert_allclose(information, family.fisher_information(data.eta.T) @ data.w, **ROUNDING)


def test_a_product_with_the_information_of_intercepts_is_that(data):
    family, q = data.family, data.family.n_parameters
    at, direction = (family, coef_of(family), INTERCEPT[:q]), np.arange(1.0, q + 1.0)
    (product,) = data.rows().sum(InterceptProduct(*at, direction))
    *_, information = data.rows().sum(InterceptEvaluation(*at))
    np.testing.assert_allclose(product, information @ direction, **ROUNDING)


def test_of_many_classes_only_the_diagonal_of_the_information_is_summed():
    family, rng = Categorical(300), np.random.default_rng(0)
    rows = RowsInMemory(rng.normal(size=(40, 2)), rng.integers(300, size=40).astype(np.int32), rng.random(40))
    at = family, rng.normal(size=(2, 300)), rng.normal(size=300)
    *_, diagonal = rows.sum(InterceptEvaluation(*at))
    factor, _ = rows.sum(KroneckerFactors(*at, SecondMoments(np.zeros(2), 1)))
    (full,) = rows.sum(lambda block: (family.total_information(family.mean(block.predictor(*at[1:])), block.weights),))
    np.testing.assert_allclose(diagonal, full.diagonal(), **ROUNDING)
    np.testing.assert_allclose(factor, full.diagonal(), **ROUNDING)


def test_cross_moments_are_those_of_targets_rows_and_offsets(data):
    q = data.family.n_parameters
    sums, cross, squares, offset, offset_term, offset_square = data.rows().sum(CrossMoments(q))
    known = np.zeros((N, q)) if data.offset is None else data.offset
    values = data.w[:, np.newaxis] * np.column_stack([data.statistics, np.ones(N)])
    same(
        (sums, cross, offset, offset_term),
        (values.sum(axis=0), data.X.T @ values, data.w @ known, [data.w @ (data.statistics * known).sum(axis=1)]),
    )
    same((squares, offset_square), (data.w @ data.X**2, [data.w @ (known**2).max(axis=1)]))
    (about,) = data.rows().sum(CentredCross(CENTER, q))
    np.testing.assert_allclose(about, (data.X - CENTER).T @ values[:, :-1], **ROUNDING)


@pytest.mark.parametrize("n_constants", [0, 1])
def test_second_moments_are_those_about_the_center_and_their_diagonal(data, n_constants):
    moments, total = data.rows().sum(SecondMoments(CENTER, n_constants))
    squares, weight = data.rows().sum(SecondMoments(CENTER, n_constants, is_full=False))
    standard = np.column_stack([data.X - CENTER, np.ones((N, n_constants))])
    np.testing.assert_allclose(moments, standard.T @ (data.w[:, np.newaxis] * standard), **ROUNDING)
    np.testing.assert_allclose(squares, moments.diagonal(), **ROUNDING)
    np.testing.assert_allclose([*total, *weight], [data.w.sum()] * 2, **ROUNDING)


@pytest.mark.parametrize("is_full", [True, False])
@pytest.mark.parametrize("value", [0.1, 1e6 / 3.0])
def test_a_constant_column_has_no_second_moments_but_for_rounding(is_full, value):
    X = np.column_stack([np.random.default_rng(0).normal(size=N), np.full(N, value)])
    rows = RowsInMemory(X, np.zeros(N))
    center = rows.sum(WeightedTotals())[1] / N
    moments, _ = rows.sum(SecondMoments(center, 1, is_full=is_full))
    assert not moments[1].any()
    assert moments[0].any()


def test_kronecker_factors_are_the_information_and_the_moments_by_its_trace(data):
    family = data.family
    at = family, coef_of(family), INTERCEPT[: family.n_parameters]
    information, moments = data.rows().sum(KroneckerFactors(*at, SecondMoments(CENTER, 1)))
    each = family.fisher_information(data.eta.T)
    standard = np.column_stack([data.X - CENTER, np.ones(N)])
    np.testing.assert_allclose(information, each @ data.w, **ROUNDING)
    traces = data.w * np.trace(each)
    np.testing.assert_allclose(moments, standard.T @ (traces[:, np.newaxis] * standard), **ROUNDING)


def test_squares_and_totals_are_whatever_the_weights(data):
    rows = data.rows()
    np.testing.assert_allclose(rows.sum(Squares())[0], np.square(data.X).sum(axis=0), **ROUNDING)
    np.testing.assert_allclose(rows.sum(Totals())[0], data.X.sum(axis=0), **ROUNDING)
    about = np.square(data.X - CENTER).sum(axis=0) / N
    np.testing.assert_allclose(rows.sum(SquaresAbout(CENTER, N))[0], about, **ROUNDING)


def test_the_largest_leverage_and_the_largest_sizes_are_of_rows_of_any_weight():
    data = given("Gaussian", weighted=True, has_offset=False)
    X = data.X.copy()
    X[data.weights == 0.0] *= 1e9
    rows, counted = RowsInMemory(X, data.targets, data.weights), X[data.weights > 0.0]
    leverages = np.square((counted - CENTER) @ SLOPES + INTERCEPT).sum(axis=1)
    np.testing.assert_allclose(rows.max(LargestLeverage(CENTER, SLOPES, INTERCEPT))[0], [leverages.max()], **ROUNDING)
    np.testing.assert_array_equal(rows.max(LargestSizes())[0], np.abs(counted).max(axis=0))
    for kind in (LargestLeverage(CENTER, SLOPES, INTERCEPT), LargestSizes()):
        none = RowsInMemory(X, data.targets, np.zeros(N)).max(kind)[0]
        np.testing.assert_array_equal(none, np.zeros_like(none))


def test_the_largest_move_is_of_any_row_and_class(data):
    q = data.family.n_parameters
    moves = data.X @ coef_of(data.family) + INTERCEPT[:q]
    largest_move = data.rows().max(LargestMove(coef_of(data.family), INTERCEPT[:q]))[0]
    np.testing.assert_allclose(largest_move.ravel(), [np.abs(moves).max()], **ROUNDING)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_in_single_precision_come_back_in_double(data, dtype):
    family = data.family
    coef, intercept = coef_of(family).astype(dtype), INTERCEPT[: family.n_parameters].astype(dtype)
    information = Information(family, coef, intercept, Features(CENTER, LOADINGS))
    sums = data.rows(lambda X: X.astype(dtype)).sum(EvaluationAndInformation(information))
    assert {part.dtype for part in sums} == {np.dtype(np.float64)}
    same(sums, data.rows().sum(EvaluationAndInformation(information_of(family))), SINGLE)


def test_many_blocks_are_one(data):
    family = data.family
    whole, blocks = data.rows(), data.rows(tuning=SMALL_BLOCKS)
    assert len(list(whole.map(RowWeights()))) == 1 < len(list(blocks.map(RowWeights())))
    for kind in [*summed(family), Squares(), SquaresAbout(CENTER, N), Totals()]:
        same(blocks.sum(kind), whole.sum(kind))
    for kind in largest(family):
        same(blocks.max(kind), whole.max(kind))
    for kind in joined(family, has_offset=data.offset is not None):
        same(blocks.concatenate(kind), whole.concatenate(kind))


def test_sparse_rows_are_dense_ones(data):
    family = data.family
    dense, stored = data.rows(), data.rows(sparse.csr_array, tuning=SMALL_BLOCKS)
    for kind in [*summed(family), SquaresAbout(CENTER, N), Totals()]:
        same(stored.sum(kind), dense.sum(kind))
    for kind in largest(family):
        same(stored.max(kind), dense.max(kind))
    for kind in joined(family, has_offset=data.offset is not None):
        if not isinstance(kind, CentredColumns):  # sparse rows are never held
            same(stored.concatenate(kind), dense.concatenate(kind))


@pytest.mark.parametrize("has_offset", [False, True])
@pytest.mark.parametrize("name", FAMILIES)
def test_weights_are_rows_that_often(name, has_offset):
    data = given(name, weighted=False, has_offset=has_offset)
    often = np.arange(N) % 3  # none, once, twice
    weighted = RowsInMemory(data.X, data.targets, often.astype(float), data.offset)
    repeated = data.times(often).rows()
    for kind in summed(data.family):
        same(weighted.sum(kind), repeated.sum(kind))
    q = data.family.n_parameters
    for kind in (
        LargestLeverage(CENTER, SLOPES, INTERCEPT),
        LargestSizes(),
        MostOpposed(data.family, coef_of(data.family), INTERCEPT[:q]),
    ):
        same(weighted.max(kind), repeated.max(kind))


def test_what_is_returned_is_fresh_and_the_rows_are_as_they_were(data):
    copies = [None if part is None else part.copy() for part in (data.X, data.targets, data.weights, data.offset)]
    rows = data.rows()
    for kind in [*summed(data.family), *largest(data.family), *joined(data.family, has_offset=rows.has_offset)]:
        for part in next(rows.map(kind)):
            assert not np.shares_memory(part, CENTER)
            part[...] = 0
    for part, copy in zip((data.X, data.targets, data.weights, data.offset), copies, strict=True):
        np.testing.assert_array_equal(part, copy)


def test_every_sum_is_one():
    for family in FAMILIES.values():
        assert all(isinstance(kind, Sum) for kind in summed(family) + largest(family))


# Two rows, x = 2 of the first class and x = 3 of the second: along coef (0, b), with intercepts (0, a).
TWO_ROWS = np.array([[2.0], [3.0]])
MARGINS = {"separated": (2.0, -5.0, -1.0), "one is opposed": (2.0, -3.0, 1.0), "both are": (-2.0, 5.0, 1.0)}


@pytest.mark.parametrize(("slope", "intercept", "expected"), MARGINS.values(), ids=MARGINS)
def test_of_two_rows_the_worst_margin_is_told(slope, intercept, expected):
    coded = RowsInMemory(TWO_ROWS, np.array([0, 1], dtype=np.int32))
    two = MostOpposed(Categorical(2), np.array([[0.0, slope]]), np.array([0.0, intercept]))
    np.testing.assert_allclose(coded.max(two)[0], [expected], **ROUNDING)
    alone = RowsInMemory(TWO_ROWS, np.array([0.0, 1.0]))
    one = MostOpposed(Bernoulli(), np.array([[slope]]), np.array([intercept]))
    np.testing.assert_allclose(alone.max(one)[0], [expected], **ROUNDING)


def test_a_margin_of_nothing_but_rounding_opposes():
    rows = RowsInMemory(TWO_ROWS, np.array([0.0, 1.0]))
    opposed = rows.max(MostOpposed(Bernoulli(), np.array([[1.0]]), np.array([-2.0])))[0]
    # The first row is at 0, to rounding.
    assert 0.0 < opposed[0] < 1e-14


FEATURES = Features(np.zeros(1), np.identity(2))


def lowest_of_two(count, at_most=np.inf, *, slope=2.0, weights=None):
    """At eta = slope x - 5, of the features [x; 1] scaled to length 1."""
    rows = RowsInMemory(TWO_ROWS, np.array([0.0, 1.0]), weights)
    gamma = np.array([[slope], [-5.0]])
    margins, keys, kinds = rows.concatenate(LowestMargins(Bernoulli(), FEATURES, gamma, count, at_most, None, 0.0))
    order = np.argsort(keys)
    directions = np.where(kinds[order] == 0, 1.0, -1.0)[:, np.newaxis]
    places, forms = rows.concatenate(ContrastForms(FEATURES, keys[order], directions, None))
    return margins, forms[:, np.argsort(order[places])]


def test_the_lowest_margins_of_two_rows_come_first_and_with_their_forms():
    values, forms = lowest_of_two(2)
    # eta is -1 at x = 2, of the class 0, and 1 at x = 3, of the class 1: both on the right side, by 1.
    np.testing.assert_allclose(values, [1.0 / np.sqrt(10.0), 1.0 / np.sqrt(5.0)], **ROUNDING)
    np.testing.assert_allclose(forms.T @ [2.0, -5.0], values, **ROUNDING)
    # At eta = x - 5 the second is opposed.
    values, forms = lowest_of_two(2, slope=1.0)
    np.testing.assert_allclose(values, [-2.0 / np.sqrt(10.0), 3.0 / np.sqrt(5.0)], **ROUNDING)
    np.testing.assert_allclose(forms.T @ [1.0, -5.0], values, **ROUNDING)


def test_no_more_margins_are_told_than_asked_for_nor_any_above_the_limit_or_of_no_weight():
    values, forms = lowest_of_two(2)
    np.testing.assert_array_equal(lowest_of_two(1)[0], values[:1])
    np.testing.assert_array_equal(lowest_of_two(2, float(values.mean()))[0], values[:1])
    none, no_forms = lowest_of_two(2, -10.0)
    assert none.shape == (0,)
    assert no_forms.shape == (len(forms), 0)
    np.testing.assert_array_equal(lowest_of_two(2, weights=np.array([1.0, 0.0]))[0], values[1:])


def by_pairs_of_classes(data, gamma):
    """Every margin at gamma, of distinct rows and pairs of classes, up and down; inf for what no weight opposes."""
    family, s = data.family, gamma.shape[1]
    directions = family.curvature_directions[:, family.n_parameters - s :]
    directions = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    standard = np.column_stack([data.X - CENTER, np.ones(N)]) @ LOADINGS
    standard /= np.linalg.norm(standard, axis=1, keepdims=True)
    along = directions @ (standard @ gamma).T
    targets = data.statistics.T
    active = np.concatenate([family.can_fall(targets), family.can_rise(targets)]) & (data.w > 0.0)
    margins = np.where(active, np.concatenate([along, -along]), np.inf)
    # Copies of a row are one.
    copy_of = np.unique(data.X, axis=0, return_inverse=True)[1].ravel()
    return np.stack([margins[:, copy_of == row].min(axis=1) for row in range(copy_of.max() + 1)])


@pytest.mark.parametrize("count", [1, 7, 10_000])
@pytest.mark.parametrize("at_most", [-0.1, 0.3, np.inf])
def test_the_lowest_margins_are_those_of_all_pairs_of_classes(data, count, at_most):
    s = data.family.identifiable_directions.shape[1]
    gamma = np.random.default_rng(3).normal(size=(2, s))
    everything = np.sort(by_pairs_of_classes(data, gamma), axis=None)
    expected = everything[everything <= min(at_most, np.finfo(np.float64).max)][:count]
    statistic = LowestMargins(data.family, Features(CENTER, LOADINGS), gamma, count, at_most, None, 0.0)
    for rows in (data.rows(), data.rows(sparse.csr_array)):
        margins, *_ = rows.concatenate(statistic)
        np.testing.assert_allclose(margins, expected, atol=1e-14)
    blocks, *_ = data.rows(tuning=SMALL_BLOCKS).concatenate(statistic)
    np.testing.assert_allclose(np.sort(blocks)[:count], expected, atol=1e-14)


def test_what_no_column_sees_is_left_out_a_few_columns_and_rows_at_a_time(monkeypatch):
    data = given("Categorical", weighted=True, has_offset=False)
    s = data.family.identifiable_directions.shape[1]
    # The margins between classes 1 and 2 do not see it: neither has what class 0, the pivot, lacks.
    span = np.array([[[1.0]] * s, [[0.0]] * s])
    statistic = LowestMargins(
        data.family, Features(CENTER, LOADINGS), span[:, :, 0], 10_000, np.inf, np.moveaxis(span, 1, 0), 1e-12
    )
    margins, keys, kinds = data.rows().concatenate(statistic)
    expected = by_pairs_of_classes(data, span[:, :, 0])
    np.testing.assert_allclose(
        margins, np.sort(expected[np.isfinite(expected) & (np.abs(expected) > 1e-12)]), atol=1e-14
    )
    monkeypatch.setattr("softglm.sums.margins._ENTRIES", 5)
    for part, again in zip((margins, keys, kinds), data.rows().concatenate(statistic), strict=True):
        np.testing.assert_array_equal(part, again)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_copies_of_a_row_are_one_wherever_they_are(kind):
    rng = np.random.default_rng(0)
    distinct = np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0], [1.0, 1e-300], [2.0**-52, 1.0], [1.0 + 2.0**-52, 0.0]])
    X = distinct[rng.integers(len(distinct), size=200)]
    found = DistinctRows.of(make_block(kind(X), np.zeros(len(X)), None, None), np.zeros(2))
    # 0 and -0 are one.
    assert len(found.keys) == len(set(found.keys.tolist())) == len(distinct) - 1
    chosen = X[:, 0] == 1.0
    np.testing.assert_array_equal(
        np.unique(found.centred[found.with_any(chosen)], axis=0), np.unique(X[chosen] + 0.0, axis=0)
    )
    alone = DistinctRows(distinct[2:3])
    assert alone.keys[0] in found.keys


def test_rows_that_share_a_key_by_chance_remain_two(monkeypatch):
    monkeypatch.setattr("softglm.sums.distinct._keys", lambda rows: np.zeros(len(rows), dtype=np.uint64))
    rows = np.array([[1.0], [2.0], [1.0]])
    found = DistinctRows(rows)
    np.testing.assert_array_equal(found.centred, rows)
    np.testing.assert_array_equal(found.with_any(np.array([False, True, True])), [1, 2])


def test_ones_and_zeros_have_keys_of_their_own():
    rows = np.array(list(product([0.0, 1.0], repeat=12)))
    assert len(DistinctRows(rows).keys) == len(set(DistinctRows(rows).keys.tolist())) == 2**12
