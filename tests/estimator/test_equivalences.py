"""One model said in two ways: the same coefficients."""

import numpy as np
import problems
import pytest
from scipy import sparse

from softglm import SoftmaxGLM

# Both ways are solved to a relative gap of about 1e-16: their coefficients differ by its root.
SAME = 1e-8


def assert_same_model(one, other):
    assert one.converged_
    assert other.converged_
    assert_close(one.coef_, other.coef_)
    assert_close(one.intercept_, other.intercept_)


def assert_close(ours, others):
    assert np.allclose(ours, others, rtol=0.0, atol=SAME * (1.0 + abs(others).max()))


def repeated(times, *arrays):
    return tuple(np.repeat(array, times, axis=0) for array in arrays)


FACTORS = pytest.mark.parametrize("class_weight", [None, {0: 2.0, 1: 0.5}, "balanced"], ids=str)
CLASSES = pytest.mark.parametrize(
    "make", [problems.two_classes, problems.overlapping, problems.wide], ids=lambda make: make.__name__
)


@FACTORS
@CLASSES
def test_a_row_of_weight_two_is_two_rows(make, class_weight):
    data = make()
    times = 1 + np.arange(len(data.y)) % 3
    model = SoftmaxGLM(class_weight=class_weight)
    weighted = model.fit(data.X, data.y, sample_weight=times)
    whole = SoftmaxGLM(class_weight=class_weight).fit(*repeated(times, data.X, data.y))
    assert_same_model(weighted, whole)
    assert weighted.alpha_ == pytest.approx(whole.alpha_)
    for name in ("loss_", "deviance_", "null_deviance_"):
        assert getattr(weighted, name) == pytest.approx(getattr(whole, name), rel=SAME)
    assert weighted.score(data.X, data.y, sample_weight=times) == pytest.approx(
        whole.score(*repeated(times, data.X, data.y))
    )


@FACTORS
@CLASSES
def test_a_row_of_weight_zero_is_no_row(make, class_weight):
    data = make()
    kept = np.arange(len(data.y)) % 5 > 0
    # However far out it lies.
    X = np.where(kept[:, np.newaxis], data.X, 1e6)
    zero = SoftmaxGLM(class_weight=class_weight).fit(X, data.y, sample_weight=kept)
    assert_same_model(zero, SoftmaxGLM(class_weight=class_weight).fit(data.X[kept], data.y[kept]))


def test_weights_matter_only_relative_to_each_other_once_alpha_is_given():
    data = problems.weighted()
    one = SoftmaxGLM(alpha=0.01).fit(data.X, data.y, sample_weight=data.weights)
    other = SoftmaxGLM(alpha=0.01).fit(data.X, data.y, sample_weight=1e6 * data.weights)
    assert_same_model(one, other)


@CLASSES
def test_an_intercept_is_a_constant_column_whose_coefficient_is_free(make):
    data = make()
    # The penalty on the coefficient of a column of size s shrinks like 1/s^2.
    size = 1e6
    model = SoftmaxGLM(alpha=0.01).fit(data.X, data.y)
    column = SoftmaxGLM(alpha=0.01, fit_intercept=False).fit(
        np.column_stack([data.X, np.full(len(data.y), size)]), data.y
    )
    intercept = model.intercept_ - model.intercept_.mean() if len(model.classes_) > 2 else model.intercept_
    assert_close(column.coef_[:, :-1], model.coef_)
    assert_close(size * column.coef_[:, -1], intercept)
    assert np.all(column.intercept_ == 0.0)


@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_a_constant_column_beside_the_intercept_adds_nothing(alpha):
    data = problems.constant_column()
    model = SoftmaxGLM(alpha=alpha).fit(data.X, data.y)
    assert np.all(abs(model.coef_[:, 2]) < SAME)
    assert_close(
        np.delete(model.coef_, 2, axis=1), SoftmaxGLM(alpha=alpha).fit(np.delete(data.X, 2, axis=1), data.y).coef_
    )


@FACTORS
@CLASSES
def test_one_hot_rows_are_labels(make, class_weight):
    data = make()
    labels = SoftmaxGLM(class_weight=class_weight).fit(data.X, data.y)
    one_hot = SoftmaxGLM(class_weight=class_weight).fit(data.X, np.identity(data.n_classes)[data.y])
    assert_same_model(labels, one_hot)
    assert one_hot.deviance_ == pytest.approx(labels.deviance_, rel=SAME)
    assert one_hot.null_deviance_ == pytest.approx(labels.null_deviance_, rel=SAME)
    assert one_hot.coef_.shape == labels.coef_.shape


def rows_of_counts(X, Y):
    """One row for each observation that was counted."""
    times = Y.ravel()
    return np.repeat(np.repeat(X, Y.shape[1], axis=0), times, axis=0), np.repeat(
        np.tile(np.arange(Y.shape[1]), len(X)), times
    )


@FACTORS
def test_counts_are_repeated_rows(class_weight):
    data = problems.counts()
    counted = SoftmaxGLM(class_weight=class_weight).fit(data.X, data.y)
    listed = SoftmaxGLM(class_weight=class_weight).fit(*rows_of_counts(data.X, data.y))
    assert_same_model(counted, listed)
    assert counted.alpha_ == pytest.approx(listed.alpha_)
    assert counted.score(data.X, data.y) == pytest.approx(listed.score(*rows_of_counts(data.X, data.y)))


@FACTORS
def test_counts_of_two_classes_are_repeated_rows(class_weight):
    data = problems.counts()
    Y = data.y[:, :2] + (data.y[:, :2].sum(axis=1, keepdims=True) == 0)
    counted = SoftmaxGLM(class_weight=class_weight).fit(data.X, Y)
    assert counted.coef_.shape == (1, 3)
    assert_same_model(counted, SoftmaxGLM(class_weight=class_weight).fit(*rows_of_counts(data.X, Y)))


@FACTORS
def test_soft_labels_are_weighted_repeated_rows(class_weight):
    data = problems.soft_labels()
    n, K = data.y.shape
    soft = SoftmaxGLM(class_weight=class_weight).fit(data.X, data.y)
    X, y = np.repeat(data.X, K, axis=0), np.tile(np.arange(K), n)
    hard = SoftmaxGLM(class_weight=class_weight).fit(X, y, sample_weight=data.y.ravel())
    assert_same_model(soft, hard)
    assert soft.score(data.X, data.y) == pytest.approx(hard.score(X, y, sample_weight=data.y.ravel()))


def test_rows_of_probabilities_times_a_total_weigh_that_total():
    data = problems.soft_labels()
    totals = np.random.default_rng(1).uniform(0.5, 3.0, size=len(data.y))
    scaled = SoftmaxGLM().fit(data.X, data.y * totals[:, np.newaxis])
    assert_same_model(scaled, SoftmaxGLM().fit(data.X, data.y, sample_weight=totals))


def test_weights_and_class_weights_multiply():
    data = problems.weighted()
    factors = np.array([0.3, 1.0, 4.0])
    one = SoftmaxGLM(class_weight=dict(enumerate(factors))).fit(data.X, data.y, sample_weight=data.weights)
    other = SoftmaxGLM().fit(data.X, data.y, sample_weight=data.weights * factors[data.y])
    assert_same_model(one, other)


def test_balanced_classes_weigh_the_same_by_sample_weight():
    data = problems.weighted()
    totals = np.bincount(data.y, data.weights)
    factors = totals.sum() / (3 * totals)
    balanced = SoftmaxGLM(class_weight="balanced").fit(data.X, data.y, sample_weight=data.weights)
    by_hand = SoftmaxGLM(class_weight=dict(enumerate(factors))).fit(data.X, data.y, sample_weight=data.weights)
    assert_same_model(balanced, by_hand)


@pytest.mark.parametrize("order", [[1, 2, 0], [2, 1, 0]], ids=str)
def test_permuted_classes_permute_the_rows_of_coefficients(order):
    data = problems.overlapping()
    model = SoftmaxGLM().fit(data.X, data.y)
    permuted = SoftmaxGLM().fit(data.X, np.argsort(order)[data.y])
    assert_close(permuted.coef_, model.coef_[order])
    assert_close(permuted.intercept_, model.intercept_[order])


def test_swapping_two_classes_changes_the_sign():
    data = problems.two_classes()
    model, swapped = SoftmaxGLM().fit(data.X, data.y), SoftmaxGLM().fit(data.X, 1 - data.y)
    assert_close(swapped.coef_, -model.coef_)
    assert_close(swapped.intercept_, -model.intercept_)


@CLASSES
def test_permuted_rows_and_columns_change_nothing(make):
    data = make()
    rng = np.random.default_rng(2)
    rows, columns = rng.permutation(len(data.y)), rng.permutation(data.X.shape[1])
    model = SoftmaxGLM().fit(data.X, data.y)
    permuted = SoftmaxGLM().fit(data.X[rows][:, columns], data.y[rows])
    assert_close(permuted.coef_, model.coef_[:, columns])


@pytest.mark.parametrize("make", [problems.two_classes, problems.overlapping], ids=lambda make: make.__name__)
def test_an_offset_is_a_known_part_of_eta(make):
    data = make()
    plain = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    known = np.random.default_rng(3).normal(size=plain.coef_.shape)
    offset = data.X @ known.T
    shifted = SoftmaxGLM(alpha=0).fit(data.X, data.y, offset=offset.squeeze())
    part = known - known.mean(axis=0) if len(plain.classes_) > 2 else known
    assert_close(shifted.coef_ + part, plain.coef_)
    assert_close(shifted.intercept_, plain.intercept_)
    assert shifted.deviance_ == pytest.approx(plain.deviance_)
    assert_close(shifted.predict_proba(data.X, offset=offset.squeeze()), plain.predict_proba(data.X))


def test_an_offset_may_hold_whole_features_while_others_are_fitted():
    data = problems.overlapping()
    plain = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    offset = data.X[:, 2:] @ plain.coef_[:, 2:].T
    rest = SoftmaxGLM(alpha=0).fit(data.X[:, :2], data.y, offset=offset)
    assert_close(rest.coef_, plain.coef_[:, :2])


@CLASSES
def test_a_doubled_matrix_with_halved_columns_is_the_matrix_at_half_the_penalty(make):
    data = make()
    # b = (b1 + b2) / 2 with b1 = b2 has the penalty alpha' (b1^2 + b2^2) = 2 alpha' b^2.
    doubled = SoftmaxGLM(alpha=0.01).fit(np.hstack([data.X, data.X]) / 2.0, data.y)
    single = SoftmaxGLM(alpha=0.02).fit(data.X, data.y)
    first, second = np.hsplit(doubled.coef_, 2)
    assert_close(first, second)
    assert_close(first, single.coef_)
    assert_close(doubled.intercept_, single.intercept_)


@pytest.mark.parametrize("make", [problems.two_classes, problems.overlapping], ids=lambda make: make.__name__)
def test_without_penalty_units_do_not_matter(make):
    data = make()
    units = np.array([1e-6, 1e6, -3.0, 1e2])
    model, scaled = SoftmaxGLM(alpha=0).fit(data.X, data.y), SoftmaxGLM(alpha=0).fit(data.X * units, data.y)
    assert_close(scaled.coef_ * units, model.coef_)
    assert_close(scaled.intercept_, model.intercept_)


@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_moving_the_columns_moves_the_intercept_only(alpha):
    data = problems.overlapping()
    shift = np.array([1e3, -50.0, 0.0, 7.0])
    model, moved = SoftmaxGLM(alpha=alpha).fit(data.X, data.y), SoftmaxGLM(alpha=alpha).fit(data.X + shift, data.y)
    # Columns a thousand deviations from zero lose three digits when they are centred.
    assert np.allclose(moved.coef_, model.coef_, rtol=0.0, atol=1e3 * SAME)
    assert np.allclose(moved.predict_proba(data.X + shift), model.predict_proba(data.X), rtol=0.0, atol=1e3 * SAME)


@pytest.mark.parametrize(
    "convert", [sparse.csr_matrix, sparse.csc_matrix, sparse.coo_matrix, sparse.csr_array, sparse.csc_array]
)
@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_sparse_rows_are_dense_rows(convert, alpha):
    data = problems.sparse_rows()
    dense = SoftmaxGLM(alpha=alpha).fit(data.dense, data.y)
    model = SoftmaxGLM(alpha=alpha).fit(convert(data.X), data.y)
    assert_same_model(model, dense)
    assert_close(model.predict_proba(convert(data.X)), dense.predict_proba(data.dense))
    assert np.array_equal(model.predict(convert(data.X)), dense.predict(data.dense))


def test_coefficients_sum_to_zero_over_the_classes():
    for make in (problems.overlapping, problems.many_classes, problems.wide):
        data = make()
        assert_close(SoftmaxGLM().fit(data.X, data.y).coef_.sum(axis=0), np.zeros(data.X.shape[1]))


@pytest.mark.parametrize("options", [{"standardize": True}, {"l1_ratio": 1.0, "alpha": 0.02, "standardize": True}])
def test_parts_of_an_entry_are_their_sum(options):
    data = problems.sparse_rows()
    whole = sparse.csr_array(data.X)
    thirds = np.repeat(whole.data / 3.0, 3), np.repeat(whole.indices, 3), 3 * whole.indptr
    parted = sparse.csr_array(thirds, shape=whole.shape)
    fits = [SoftmaxGLM(**options).fit(X, data.y) for X in (whole, parted)]
    assert_same_model(*fits)
    assert np.allclose(fits[0].scale_, fits[1].scale_, rtol=1e-14)
    assert parted.nnz == 3 * whole.nnz
