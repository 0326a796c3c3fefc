import numpy as np
import pytest
from dense_newton import SoftmaxRegression, in_columns, truth_of
from problems import (
    OVERLAPPING,
    PROBLEMS,
    SEPARATED,
    Data,
    badly_scaled,
    bernoulli_rows,
    collinear,
    constant_column,
    drawn_classes,
    gaussian_rows,
    many_classes,
    overlapping,
    poisson_rows,
    real_data,
    rows_and_family,
    separable,
    sparse_rows,
    two_classes,
    weighted_with_offset,
    wide,
)
from scipy import sparse
from sklearn.linear_model import PoissonRegressor
from sklearn.linear_model import Ridge as RidgeRegressor

from softglm.data import RowsInMemory
from softglm.families import Bernoulli, Beta, Categorical, Dirichlet, Exponential, Gamma, Gaussian, Poisson
from softglm.fit import Fit, Start, fit
from softglm.model import Objective, Ridge
from softglm.solver import GapKind
from softglm.status import Status

# What `tol` promises by default.
TOL = 1e-8
# Parity asked for by the specification of the package.
PARITY = {"rtol": 1e-6, "atol": 1e-6}
# The distance to the optimum is 1e-8 of that from the null model; the curvature it is measured in is 1e-4 at least.
SAME_OPTIMUM = {"rtol": 1e-6, "atol": 1e-7}
# Two values of f of order 1 that differ by rounding, of terms a hundred times as large where columns are off-centre.
RESOLUTION = 5e-13
MOST_EVALUATIONS = 150
# The gap is estimated by the metric at hand, which may be less curved than the loss.
UNDERESTIMATED = 10.0

ALPHAS_TIMES_WEIGHT = [0.01, 1.0, 100.0]
TABLE = [(name, alpha) for name in PROBLEMS for alpha in ALPHAS_TIMES_WEIGHT]
TABLE += [(name, 0.0) for name in OVERLAPPING]


def fit_rows(rows, family, alpha, *, fit_intercept=True, **options) -> Fit:
    penalty = Ridge.on_coefficients(alpha, rows.n_features, fit_intercept=fit_intercept)
    return fit(rows, family, penalty, fit_intercept=fit_intercept, **options)


def fit_data(data, alpha_times_weight, **options) -> Fit:
    return fit_rows(*rows_and_family(data), alpha_times_weight / data.total_weight, **options)


def spread_of(data):
    """The standard deviation of each column; 1 for a constant one."""
    spread = data.dense.std(axis=0)
    return np.where(spread < 1e-12, 1.0, spread)


def standardised(coef, data):
    """The coefficients of columns of unit variance."""
    return coef * spread_of(data)[:, np.newaxis]


def rows_of(rows):
    X, y = rows.concatenate(lambda block: (block.X.T, block.targets))
    return X.T, y


@pytest.fixture
def too_large_for_the_hessian(monkeypatch):
    """Every problem counts as one whose exact Hessian does not fit."""
    monkeypatch.setattr("softglm.model.problem._MAX_PARAMETERS", 0)


@pytest.fixture
def in_single_precision(monkeypatch):
    """No rows are few; those of dense arrays are copied in single precision."""
    monkeypatch.setattr("softglm.model.kept._MOST_NUMBERS", 0)


@pytest.fixture
def in_double_precision(monkeypatch, in_single_precision):  # noqa: ARG001 - then not even those
    """No rows are few, and none are in the range of single precision."""
    monkeypatch.setattr("softglm.data.memory.RowsInMemory.in_single_precision", lambda *_: None)


@pytest.fixture
def converted(monkeypatch, in_single_precision):  # noqa: ARG001 - but not copied
    """Every problem counts as one of many rows."""
    monkeypatch.setattr("softglm.data.memory._COPIED_ENTRIES", 0)


@pytest.fixture
def far(monkeypatch, converted):  # noqa: ARG001 - each time
    """Every problem counts as one of many rows far from zero."""
    monkeypatch.setattr("softglm.data.memory._NEAR", -1.0)


@pytest.fixture
def sampled(monkeypatch, in_single_precision):  # noqa: ARG001 - few rows are not sampled
    """Every problem counts as one of many rows, of which a part tells enough to begin with."""
    monkeypatch.setattr("softglm.model.sampling._ROWS_PER_FEATURE", 2)
    monkeypatch.setattr("softglm.model.sampling._LEAST_ROWS", 8)
    monkeypatch.setattr("softglm.model.sampling._FEW_ENTRIES", 0)


@pytest.fixture
def no_strong_convexity(monkeypatch):
    """The penalty proves nothing."""
    monkeypatch.setattr("softglm.model.problem.GLM.gap_by_gradient", lambda *_: np.inf)
    monkeypatch.setattr("softglm.model.problem.GLM.gap_at_partial_minimiser", lambda *_: np.inf)


@pytest.fixture
def too_many_features(monkeypatch):
    """Every problem counts as one whose features are too many for an eigendecomposition."""
    monkeypatch.setattr("softglm.model.coordinates.MAX_DENSE_FEATURES", 0)
    monkeypatch.setattr("softglm.fit.MAX_DENSE_FEATURES", 0)


@pytest.mark.parametrize(("name", "alpha"), TABLE)
def test_the_gap_is_proved_and_true(name, alpha):
    truth, optimum, null_value = truth_of(name, alpha)
    result = fit_data(PROBLEMS[name](), alpha)
    assert result.status is Status.CONVERGED
    assert result.gap_kind in (
        {GapKind.STRONG_CONVEXITY, GapKind.SELF_CONCORDANCE} if alpha else {GapKind.SELF_CONCORDANCE}
    )
    assert result.relative_gap < TOL
    true_gap = truth.value(result.coef, result.intercept) - optimum.value
    assert true_gap <= result.gap + RESOLUTION
    np.testing.assert_allclose(result.loss, optimum.value, rtol=0.0, atol=RESOLUTION)
    np.testing.assert_allclose(result.null_loss, null_value, rtol=0.0, atol=RESOLUTION)
    assert result.n_evaluations <= MOST_EVALUATIONS


# The fixtures that lead a fit another way than that of few rows.
PASSES = {
    "in single precision": ["in_single_precision"],
    "in double precision": ["in_double_precision"],
    "converted for each pass": ["converted"],
    "converted for each pass, about the center": ["far"],
    "Hessians sampled, in single precision": ["sampled"],
    "Hessians sampled, in double precision": ["sampled", "in_double_precision"],
    "Hessians sampled, of converted rows": ["sampled", "converted"],
    "Hessians sampled, of rows converted about the center": ["sampled", "far"],
}


@pytest.mark.parametrize("fixtures", PASSES.values(), ids=PASSES)
@pytest.mark.parametrize(("name", "alpha"), TABLE)
def test_the_gap_is_proved_and_true_however_the_passes_are_made(name, alpha, fixtures, request):
    for fixture in fixtures:
        request.getfixturevalue(fixture)
    test_the_gap_is_proved_and_true(name, alpha)


@pytest.mark.usefixtures("sampled", "in_double_precision", "no_strong_convexity")
@pytest.mark.parametrize("tol", [1e-3, TOL])
@pytest.mark.parametrize(("name", "alpha"), TABLE)
def test_what_sampled_hessians_prove_alone_is_true(name, alpha, tol):
    truth, optimum, _ = truth_of(name, alpha)
    result = fit_data(PROBLEMS[name](), alpha, tol=tol)
    assert result.status is Status.CONVERGED
    assert result.gap_kind is GapKind.SELF_CONCORDANCE
    assert result.relative_gap < tol
    assert truth.value(result.coef, result.intercept) - optimum.value <= result.gap + RESOLUTION


@pytest.mark.parametrize("tol", [1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_distance_to_the_optimum_is_about_the_tolerance_too(name, tol):
    truth, optimum, null_value = truth_of(name, 1.0)
    result = fit_data(PROBLEMS[name](), 1.0, tol=tol)
    relative = (truth.value(result.coef, result.intercept) - optimum.value) / (null_value - optimum.value)
    assert relative <= UNDERESTIMATED * tol**2


@pytest.mark.parametrize(("name", "alpha"), TABLE)
def test_the_coefficients_are_exact_too(name, alpha):
    _, optimum, _ = truth_of(name, alpha)
    data = PROBLEMS[name]()
    result = fit_data(data, alpha)
    np.testing.assert_allclose(
        standardised(in_columns(result.coef), data), standardised(optimum.coef, data), **SAME_OPTIMUM
    )


@pytest.mark.parametrize("name", [name for name in PROBLEMS if name != "badly_scaled"])
def test_without_an_intercept_the_gap_is_proved_and_true(name):
    data = PROBLEMS[name]()
    truth = SoftmaxRegression(data, 1.0 / data.total_weight, fit_intercept=False)
    result = fit_data(data, 1.0, fit_intercept=False)
    assert result.status is Status.CONVERGED
    assert not result.intercept.any()
    true_gap = truth.value(result.coef, result.intercept) - truth.optimum().value
    assert true_gap <= result.gap + RESOLUTION
    np.testing.assert_allclose(result.null_loss, truth.null_value(), atol=RESOLUTION)


@pytest.mark.parametrize(("name", "alpha"), TABLE)
def test_coefficients_and_intercepts_sum_to_zero_over_the_classes(name, alpha):
    data = PROBLEMS[name]()
    if data.n_classes == 2:
        pytest.skip("two classes have one natural parameter")
    result = fit_data(data, alpha)
    np.testing.assert_allclose(standardised(result.coef, data).sum(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(result.intercept.sum() / abs(result.intercept).max(), 0.0, atol=1e-12)


@pytest.mark.parametrize("name", ["iris", "wine", "digits"])
def test_real_raw_data_take_few_evaluations(name):
    result = fit_data(real_data(name), 1.0)
    assert result.status is Status.CONVERGED
    assert result.gap_kind is not GapKind.ESTIMATE
    assert result.relative_gap < TOL
    assert result.n_evaluations <= MOST_EVALUATIONS


@pytest.mark.parametrize("name", ["iris", "wine"])
@pytest.mark.parametrize("alpha", ALPHAS_TIMES_WEIGHT)
def test_the_gap_of_real_raw_data_is_true(name, alpha):
    data = real_data(name)
    truth = SoftmaxRegression(data, alpha / data.total_weight)
    result = fit_data(data, alpha)
    assert result.relative_gap < TOL
    true_gap = truth.value(result.coef, result.intercept) - truth.optimum().value
    assert true_gap <= result.gap + RESOLUTION


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_real_separated_data_have_no_maximum_likelihood_estimate(name):
    result = fit_data(real_data(name), 0.0)
    assert result.status is Status.SEPARATED
    assert result.gap_kind is GapKind.ESTIMATE
    assert np.isfinite(result.coef).all()


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_separated_data_have_no_maximum_likelihood_estimate(seed, n_classes):
    result = fit_data(separable(seed, n_classes), 0.0)
    assert result.status is Status.SEPARATED
    assert np.isfinite(result.coef).all()


def test_wide_data_are_separated_and_their_coefficients_stay_moderate():
    result = fit_data(wide(), 0.0)
    assert result.status is Status.SEPARATED
    # Columns of unit variance that explain the classes with margins of order 10.
    assert abs(result.coef).max() < 100.0


@pytest.mark.usefixtures("too_large_for_the_hessian")
@pytest.mark.parametrize("name", ["iris", "wine"])
def test_separated_data_have_not_converged_where_the_hessian_does_not_fit(name):
    assert fit_data(real_data(name), 0.0).status is not Status.CONVERGED


def test_poisson_counts_of_zero_in_a_category_are_separated():
    dummy = np.repeat([[0.0], [1.0]], 10, axis=0)
    y = np.concatenate([np.zeros(10), np.full(10, 3.0)])
    assert fit_rows(RowsInMemory(dummy, y), Poisson(), 0.0).status is Status.SEPARATED


def with_a_category_of_one_outcome(seed):
    """Four categories, the third to be filled with one outcome alone: x of the certificate tends to 1 from above."""
    rng = np.random.default_rng(seed)
    category = rng.integers(0, 4, size=int(rng.integers(30, 400)))
    return rng, np.identity(4)[category][:, 1:], category == 2


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("seed", range(30))
def test_a_category_of_one_class_is_separated_and_rounding_proves_nothing_else(seed, n_classes):
    rng, X, pure = with_a_category_of_one_outcome(seed)
    y = rng.integers(0, n_classes, size=len(X)).astype(np.int32)
    y[pure] = 1
    assert fit_data(Data(X, y), 0.0).status is Status.SEPARATED


@pytest.mark.parametrize("seed", range(30))
def test_a_category_of_zero_counts_is_separated_and_rounding_proves_nothing_else(seed):
    rng, X, pure = with_a_category_of_one_outcome(seed)
    y = np.where(pure, 0.0, rng.poisson(2.0, size=len(X)))
    assert fit_rows(RowsInMemory(X, y), Poisson(), 0.0).status is Status.SEPARATED


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_parity_with_poisson_regression(weighted, fit_intercept, alpha):
    weights = np.random.default_rng(0).exponential(size=100) if weighted else None
    rows, family = poisson_rows(weights=weights)
    X, y = rows_of(rows)
    rival = PoissonRegressor(alpha=alpha, fit_intercept=fit_intercept, solver="newton-cholesky", tol=1e-10).fit(
        X, y, weights
    )
    result = fit_rows(rows, family, alpha, fit_intercept=fit_intercept)
    assert result.status is Status.CONVERGED
    np.testing.assert_allclose(result.coef[:, 0], rival.coef_, **PARITY)
    np.testing.assert_allclose(result.intercept[0], rival.intercept_, **PARITY)


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_parity_with_ridge_regression(weighted, fit_intercept, alpha):
    weights = np.random.default_rng(0).exponential(size=100) if weighted else None
    rows, family = gaussian_rows(weights=weights)
    X, y = rows_of(rows)
    # Its squared error is neither halved nor averaged.
    total = 100.0 if weights is None else weights.sum()
    rival = RidgeRegressor(alpha=alpha * total, fit_intercept=fit_intercept, solver="cholesky")
    rival.fit(X, y, weights)
    result = fit_rows(rows, family, alpha, fit_intercept=fit_intercept)
    assert result.status is Status.CONVERGED
    np.testing.assert_allclose(result.coef[:, 0], rival.coef_, **PARITY)
    np.testing.assert_allclose(result.intercept[0], rival.intercept_, **PARITY)


def test_parity_with_wide_ridge_regression():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 50)), rng.normal(size=20)
    rival = RidgeRegressor(alpha=2.0).fit(X, y)
    result = fit_rows(RowsInMemory(X, y), Gaussian(), 0.1)
    np.testing.assert_allclose(result.coef[:, 0], rival.coef_, **PARITY)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_wide_least_squares_is_of_minimum_norm_in_standardised_coordinates(fit_intercept):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 50)) * np.logspace(-2.0, 2.0, 50), rng.normal(size=20)
    center = X.mean(axis=0) * fit_intercept
    spread = np.sqrt(np.mean((X - center) ** 2, axis=0))
    expected = np.linalg.pinv((X - center) / spread) @ (y - y.mean() * fit_intercept) / spread
    result = fit_rows(RowsInMemory(X, y), Gaussian(), 0.0, fit_intercept=fit_intercept)
    assert result.status is Status.CONVERGED
    assert not result.is_unique
    np.testing.assert_allclose(result.coef[:, 0] * spread, expected * spread, **SAME_OPTIMUM)


def test_wide_mixed_labels_have_a_moderate_estimate():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 50))
    result = fit_data(Data(X, rng.dirichlet([2.0, 2.0, 2.0], size=20)), 0.0)
    assert result.status is Status.CONVERGED
    assert abs(result.coef).max() < 10.0


@pytest.mark.parametrize("family", [Gamma(), Beta(), Exponential(), Dirichlet(3)])
def test_families_with_constrained_parameters_are_refused_by_name(family):
    rows, _ = gaussian_rows()
    with pytest.raises(TypeError, match=f"^{type(family).__name__} cannot be regressed.*Poisson or Gaussian"):
        fit_rows(rows, family, 0.1)


@pytest.mark.parametrize("make", [collinear, constant_column])
def test_of_many_optima_the_one_of_minimum_norm_in_standardised_coordinates_is_chosen(make):
    data = make()
    result = fit_data(data, 0.0)
    assert result.status is Status.CONVERGED
    assert not result.is_unique
    rows = (data.X - data.X.mean(axis=0)) / spread_of(data)
    coef = standardised(result.coef, data)
    np.testing.assert_allclose(np.linalg.pinv(rows, rcond=1e-10) @ rows @ coef, coef, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("make", [collinear, constant_column])
def test_the_optimum_of_minimum_norm_does_not_depend_on_the_start(make):
    data = make()
    cold = fit_data(data, 0.0)
    rng = np.random.default_rng(0)
    warm = fit_data(data, 0.0, start=Start(rng.normal(size=cold.coef.shape), cold.intercept))
    np.testing.assert_allclose(warm.coef, cold.coef, **SAME_OPTIMUM)


@pytest.mark.parametrize("name", ["overlapping", "badly_scaled", "wide"])
def test_the_optimum_is_unique_with_a_penalty_or_full_rank(name):
    assert fit_data(PROBLEMS[name](), 1.0).is_unique
    if name not in SEPARATED:
        assert fit_data(PROBLEMS[name](), 0.0).is_unique


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_start_at_the_optimum_stays_there(name):
    data = PROBLEMS[name]()
    cold = fit_data(data, 1.0)
    warm = fit_data(data, 1.0, start=Start(cold.coef, cold.intercept))
    assert warm.status is Status.CONVERGED
    assert warm.n_iterations <= 2
    np.testing.assert_allclose(standardised(warm.coef, data), standardised(cold.coef, data), **SAME_OPTIMUM)
    np.testing.assert_allclose(warm.loss, cold.loss, atol=RESOLUTION)


@pytest.mark.parametrize("name", ["overlapping", "two_classes", "wide", "constant_column"])
def test_a_start_elsewhere_gives_the_same_fit(name):
    cold = fit_data(PROBLEMS[name](), 1.0)
    rng = np.random.default_rng(0)
    start = Start(rng.normal(size=cold.coef.shape), rng.normal(size=cold.intercept.shape))
    before = start.coef.copy()
    warm = fit_data(PROBLEMS[name](), 1.0, start=start)
    assert warm.status is Status.CONVERGED
    np.testing.assert_array_equal(start.coef, before)
    np.testing.assert_allclose(warm.coef, cold.coef, **SAME_OPTIMUM)
    np.testing.assert_allclose(warm.loss, cold.loss, atol=RESOLUTION)
    np.testing.assert_allclose(warm.penalty, cold.penalty, atol=RESOLUTION)


@pytest.mark.usefixtures("too_large_for_the_hessian")
@pytest.mark.parametrize("name", PROBLEMS)
def test_where_the_hessian_does_not_fit_strong_convexity_bounds_the_gap(name):
    truth, optimum, _ = truth_of(name, 1.0)
    result = fit_data(PROBLEMS[name](), 1.0)
    assert result.status is Status.CONVERGED
    assert result.gap_kind is GapKind.STRONG_CONVEXITY
    assert result.relative_gap < TOL
    true_gap = truth.value(result.coef, result.intercept) - optimum.value
    assert true_gap <= result.gap + RESOLUTION
    assert result.n_evaluations <= MOST_EVALUATIONS


@pytest.mark.usefixtures("too_large_for_the_hessian")
@pytest.mark.parametrize("name", OVERLAPPING)
def test_where_nothing_can_be_proved_the_estimate_is_said_to_be_one(name):
    truth, optimum, null_value = truth_of(name, 0.0)
    result = fit_data(PROBLEMS[name](), 0.0)
    assert result.gap_kind is GapKind.ESTIMATE
    true_gap = truth.value(result.coef, result.intercept) - optimum.value
    assert true_gap <= TOL * (null_value - optimum.value)


@pytest.mark.usefixtures("too_large_for_the_hessian")
def test_where_the_hessian_does_not_fit_the_precision_of_the_arithmetic_ends_the_fit():
    result = fit_data(overlapping(), 1.0, tol=1e-300)
    assert result.status is Status.PRECISION
    assert result.n_evaluations < 1000


def test_the_precision_of_the_arithmetic_ends_the_fit():
    result = fit_data(overlapping(), 1.0, tol=1e-300)
    assert result.status is Status.PRECISION
    assert result.n_evaluations < 1000


@pytest.mark.usefixtures("too_many_features")
@pytest.mark.parametrize(("name", "alpha"), [(name, alpha) for name, alpha in TABLE if alpha <= 1.0])
def test_with_too_many_features_to_decompose_the_gap_is_proved_and_true(name, alpha):
    truth, optimum, _ = truth_of(name, alpha)
    result = fit_data(PROBLEMS[name](), alpha)
    assert result.status is Status.CONVERGED
    assert result.is_unique == (name not in {"collinear", "constant_column"} or alpha > 0.0)
    true_gap = truth.value(result.coef, result.intercept) - optimum.value
    assert true_gap <= result.gap + RESOLUTION
    assert result.n_evaluations <= MOST_EVALUATIONS


@pytest.mark.parametrize("name", ["overlapping", "badly_scaled", "two_classes", "wide"])
def test_rounding_to_single_precision_is_counted_in_the_gap(name):
    data = PROBLEMS[name]()
    single = Data(data.X.astype(np.float32), data.y)
    truth = SoftmaxRegression(single, 1.0 / data.total_weight)
    optimum = truth.optimum()
    result = fit_data(single, 1.0, precision=np.float32)
    assert result.coef.dtype == result.intercept.dtype == np.float32
    assert result.status is Status.CONVERGED
    value = truth.value(result.coef, result.intercept)
    assert 0.0 < value - optimum.value <= result.gap + RESOLUTION
    np.testing.assert_allclose(result.loss, value, rtol=0.0, atol=RESOLUTION)
    assert result.relative_gap < 1e-6


def test_single_precision_that_cannot_hold_the_optimum_says_so():
    data = overlapping()
    far = Data(data.X.astype(np.float32) + np.float32(1e6), data.y)
    result = fit_data(far, 1.0, precision=np.float32)
    assert result.status is Status.ROUNDED
    assert result.relative_gap > TOL


@pytest.mark.parametrize("make", [sparse_rows, wide])
@pytest.mark.parametrize("alpha", [0.01, 1.0])
def test_sparse_rows_give_what_dense_rows_give(make, alpha):
    data = make()
    X = sparse.csr_array(data.X)
    thin, thick = (fit_data(Data(some, data.y), alpha) for some in (X, X.toarray()))
    np.testing.assert_allclose(thin.coef, thick.coef, **SAME_OPTIMUM)
    np.testing.assert_allclose(thin.intercept, thick.intercept, **SAME_OPTIMUM)


def test_what_is_passed_is_not_modified():
    for data in (weighted_with_offset(), wide(), sparse_rows(), badly_scaled()):
        passed = [data.y, data.weights, data.offset]
        passed += [data.X.data, data.X.indices] if sparse.issparse(data.X) else [data.X]
        passed = [array for array in passed if array is not None]
        before = [array.copy() for array in passed]
        for array in passed:
            array.flags.writeable = False
        fit_data(data, 1.0)
        fit_data(data, 0.0)
        for now, then in zip(passed, before, strict=True):
            np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_same_input_gives_the_same_bits(name):
    first, second = (fit_data(PROBLEMS[name](), 1.0) for _ in range(2))
    np.testing.assert_array_equal(first.coef, second.coef)
    np.testing.assert_array_equal(first.intercept, second.intercept)
    assert first.gap == second.gap


@pytest.mark.parametrize("make", [many_classes, wide])
def test_every_iteration_is_reported_with_the_predictor_there(make):
    data, seen = make(), []
    result = fit_data(data, 1.0, report=lambda *state: seen.append(state))
    assert [progress.iteration for progress, _, _ in seen] == [*range(1, result.n_iterations + 1)]
    truth = SoftmaxRegression(data, 1.0 / data.total_weight)
    for progress, coef, intercept in seen:
        assert coef.shape == result.coef.shape
        np.testing.assert_allclose(truth.value(coef, intercept), progress.value, rtol=0.0, atol=RESOLUTION)


@pytest.mark.parametrize("alpha", [1.0, 0.0])
def test_out_of_iterations_is_said(alpha):
    result = fit_data(real_data("wine"), alpha, max_iter=1)
    assert result.n_iterations == 1
    assert result.status is (Status.ITERATIONS if alpha else Status.SEPARATED)


def test_an_offset_too_large_for_the_arithmetic_is_said():
    rows, family = poisson_rows(offset=np.full((100, 1), 800.0))
    assert fit_rows(rows, family, 0.1, fit_intercept=False).status is Status.NON_FINITE


@pytest.mark.parametrize("far", [-40.0, 40.0])
@pytest.mark.parametrize("make", [poisson_rows, bernoulli_rows])
def test_a_large_offset_that_the_intercept_takes_up_changes_nothing(make, far):
    rows, family = make(offset=np.full((100, 1), far))
    shifted, plain = (fit_rows(some, family, 0.1) for some in (rows, make()[0]))
    np.testing.assert_allclose(shifted.intercept + far, plain.intercept, **SAME_OPTIMUM)
    np.testing.assert_allclose(shifted.coef, plain.coef, **SAME_OPTIMUM)
    explained = shifted.null_loss - shifted.loss
    np.testing.assert_allclose(explained, plain.null_loss - plain.loss, **SAME_OPTIMUM)


def rare_column(*, n=400, seed=0):
    """A column that is 1 in four rows, all of one class, and 0 elsewhere: most samples do not see it vary."""
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(n, 3)), np.zeros(n)])
    y = drawn_classes(rng, X @ rng.normal(size=(4, 3)))
    rare = rng.choice(n, 4, replace=False)
    X[rare, 3], y[rare] = 1.0, 2
    return Data(X, y)


@pytest.mark.usefixtures("sampled")
@pytest.mark.parametrize("seed", range(10))
def test_a_column_that_a_sample_does_not_see_vary_is_fitted_all_the_same(seed):
    data = rare_column(seed=seed)
    alpha = 1.0 / len(data.y)
    truth = SoftmaxRegression(data, alpha, fit_intercept=False)
    result = fit_rows(*rows_and_family(data), alpha, fit_intercept=False)
    assert result.status is Status.CONVERGED
    assert truth.value(result.coef, result.intercept) - truth.optimum().value <= result.gap + RESOLUTION
    assert result.coef[3, 2] > 0.1


@pytest.mark.usefixtures("sampled")
@pytest.mark.parametrize("light", [0.0, 1e-9])
@pytest.mark.parametrize("seed", range(5))
def test_where_few_rows_have_weight_they_are_the_ones_that_are_sampled(seed, light):
    data = overlapping(seed=seed)
    heavy = np.repeat(data.X, 20, axis=0), np.repeat(data.y, 20)
    weights = np.full(len(heavy[1]), light)
    weights[::20] = 1.0
    result = fit_data(Data(*heavy, weights=weights), 1.0)
    expected = fit_data(data, 1.0)
    assert result.status is Status.CONVERGED
    np.testing.assert_allclose(result.coef, expected.coef, **PARITY)


def test_a_start_on_a_column_that_no_longer_varies_forgets_its_coefficient():
    data = two_classes()
    before = fit_data(data, 1.0)
    X = data.X.copy()
    X[:, 3] = 1.0
    start = Start(before.coef, before.intercept)
    warm, cold = fit_data(Data(X, data.y), 1.0, start=start), fit_data(Data(X, data.y), 1.0)
    assert warm.status is Status.CONVERGED
    assert not warm.coef[3].any()
    np.testing.assert_allclose(warm.loss, cold.loss, atol=RESOLUTION)


@pytest.mark.parametrize("scale", [1e-90, 1e-50, 1e50])
def test_weights_beyond_the_range_of_single_precision_change_nothing(scale):
    data = two_classes()
    rows = RowsInMemory(data.X.astype(np.float32), data.shares[:, 1], np.full(len(data.y), scale))
    one = RowsInMemory(data.X.astype(np.float32), data.shares[:, 1])
    result, expected = (fit_rows(rows, Bernoulli(), 0.01, precision=np.float32) for rows in (rows, one))
    assert result.status is Status.CONVERGED
    assert result.n_evaluations <= 2 * expected.n_evaluations
    np.testing.assert_allclose(result.coef, expected.coef, **PARITY)


@pytest.mark.usefixtures("in_single_precision")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("copied", [0, 2**20])
def test_single_precision_does_most_of_the_work_and_proves_nothing(monkeypatch, dtype, copied):
    data = many_classes()
    precisions = []
    evaluate = Objective.evaluate

    def watched(self, parameters):
        precisions.append(self.dtype)
        return evaluate(self, parameters)

    monkeypatch.setattr("softglm.model.objective.Objective.evaluate", watched)
    monkeypatch.setattr("softglm.data.memory._COPIED_ENTRIES", copied)
    monkeypatch.setattr("softglm.model.problem._MAX_PARAMETERS", 0)
    rows = RowsInMemory(data.X.astype(dtype), data.y)
    result = fit_rows(rows, Categorical(7), 1e-3, tol=1e-4)
    assert result.status is Status.CONVERGED
    single = precisions.index(np.float64)
    assert set(precisions[:single]) == {np.float32}
    assert set(precisions[single:]) == {np.float64}


@pytest.mark.usefixtures("in_single_precision")
def test_where_rounding_hides_the_optimum_double_precision_takes_over_soon():
    rng = np.random.default_rng(1)
    collinear = rng.normal(size=(4000, 8)) @ (np.ones((8, 8)) + 3e-4 * rng.normal(size=(8, 8)))
    collinear /= collinear.std(axis=0)
    eta = collinear @ rng.normal(size=(8, 4)) / 3.0
    y = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1).astype(np.int32)
    result = fit_rows(RowsInMemory(collinear + 2.0, y), Categorical(4), 1e-9)
    assert result.status is Status.CONVERGED
    assert result.n_evaluations <= 60


def test_a_penalty_on_intercepts_is_refused():
    with pytest.raises(ValueError, match="never penalised"):
        fit(*bernoulli_rows(), Ridge(np.ones(5)))


@pytest.mark.usefixtures("too_large_for_the_hessian")
def test_without_a_hessian_nothing_is_promised_where_some_coefficients_are_free_and_may_separate():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    rows = RowsInMemory(X, (X[:, 0] > 0.0).astype(np.float64))
    assert fit(rows, Bernoulli(), Ridge(np.array([0.0, 0.1, 0.1, 0.0]))).status is not Status.CONVERGED


def test_heavy_tails_and_no_intercept_do_not_stop_a_poisson_regression():
    rng = np.random.default_rng(3)
    X = rng.standard_t(2, size=(20_000, 6))
    t = rng.poisson(np.exp(np.clip(X @ rng.normal(size=6) * 0.3, -5.0, 8.0))).astype(np.float64)
    assert fit_rows(RowsInMemory(X, t), Poisson(), 1.0 / 20_000, fit_intercept=False).status is Status.CONVERGED


def test_the_first_step_from_the_null_model_is_not_longer_than_the_information_lasts():
    # More columns than rows, of unit variance: a Newton step from the null model fits each row by some 100 nats.
    rng = np.random.default_rng(0)
    dense, y = rng.random((300, 3000)) * (rng.random((300, 3000)) < 0.01), rng.integers(0, 3, size=300)
    X = sparse.csr_array(dense / np.sqrt(np.square(dense).mean(axis=0).clip(1e-6)))
    penalty = Ridge.on_coefficients(1.0 / 300, 3000, fit_intercept=True)
    values = []
    result = fit(
        RowsInMemory(X, y.astype(np.int32)),
        Categorical(3),
        penalty,
        tol=1e-6,
        report=lambda _, coef, intercept: values.append(np.abs(X @ coef + intercept).max()),
    )
    assert result.status is Status.CONVERGED
    assert values[0] <= 10.0
    assert result.n_evaluations <= 25


@pytest.mark.usefixtures("in_single_precision")
def test_what_is_reported_of_separated_classes_is_in_double_precision():
    data = separable()
    result = fit_data(data, 0.0)
    assert result.status is Status.SEPARATED
    value = SoftmaxRegression(data, 0.0).value(result.coef, result.intercept)
    np.testing.assert_allclose(result.loss, value, rtol=0.0, atol=RESOLUTION)


@pytest.mark.usefixtures("in_single_precision")
@pytest.mark.parametrize("copied", [0, 2**20])
@pytest.mark.parametrize("scale", [1e-30, 1e-18, 1e18, 1e30])
def test_columns_out_of_the_range_of_single_precision_do_not_matter(monkeypatch, scale, copied):
    monkeypatch.setattr("softglm.data.memory._COPIED_ENTRIES", copied)
    data = many_classes()
    X = (data.X * [scale, 1.0, 1.0, 1.0]).astype(np.float32)
    result = fit_rows(RowsInMemory(X, data.y), Categorical(7), 1e-3, precision=np.float32)
    assert result.status is Status.CONVERGED
    assert result.n_evaluations > 0


@pytest.mark.usefixtures("in_single_precision")
def test_rounding_noise_is_not_followed_for_long():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(600, 10))
    y = drawn_classes(rng, X @ rng.normal(size=(10, 3)))
    result = fit_rows(RowsInMemory(X + 2e5, y), Categorical(3), 1.0 / 600.0, fit_intercept=False)
    assert result.n_evaluations <= 2 * MOST_EVALUATIONS


@pytest.mark.parametrize("n_classes", [2, 3])
def test_without_columns_that_vary_and_without_an_intercept_nothing_is_left_to_fit(n_classes):
    y = np.arange(6, dtype=np.int32) % n_classes
    rows, family = rows_and_family(Data(np.zeros((6, 8)), y))
    result = fit_rows(rows, family, 0.1, fit_intercept=False)
    assert result.status is Status.CONVERGED
    assert not result.coef.any()
