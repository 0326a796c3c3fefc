import numpy as np
import pytest
from dense_newton import SoftmaxRegression
from problems import PROBLEMS, REGRESSIONS, objective_of, regression, rows_and_family
from scipy.special import softmax
from sklearn.datasets import load_digits

from softglm.data import CountedRows, PassCount, RowsInMemory
from softglm.families import Categorical
from softglm.fit import fit
from softglm.model import Ridge, null_model
from softglm.model.intercept import solve_intercept
from softglm.status import Status

# Of a mean of the rows' residuals, each of order 1.
ROUNDING = {"rtol": 1e-12, "atol": 1e-14}
# A Newton decrement of 1e-14, where the information of a rare class may be a hundredth.
SOLVED = 1e-13
# Of f, which is of order 1.
RESOLUTION = 1e-15


@pytest.mark.parametrize("offset", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("name", REGRESSIONS)
def test_the_best_intercept_has_no_gradient_left(name, weighted, offset):
    objective = objective_of(*regression(name, weighted=weighted, offset=offset), 0.5)
    start = np.random.default_rng(0).normal(size=objective.shape)
    before = start.copy()
    solved, is_exact = solve_intercept(objective, start)
    assert is_exact
    np.testing.assert_array_equal(start, before)
    np.testing.assert_array_equal(solved[:-1], start[:-1])
    value, gradient = objective.evaluate(solved)
    np.testing.assert_allclose(gradient[-1], 0.0, atol=SOLVED)
    assert value <= objective.evaluate(start)[0]


@pytest.mark.parametrize("far", [-30.0, 30.0])
@pytest.mark.parametrize("name", ["categorical", "Bernoulli", "Poisson", "Gaussian"])
def test_the_best_intercept_is_found_from_far_away(name, far):
    objective = objective_of(*regression(name, offset=True), 0.0)
    start = np.zeros(objective.shape)
    start[-1, 0] = far
    _, gradient = objective.evaluate(solve_intercept(objective, start)[0])
    np.testing.assert_allclose(gradient[-1], 0.0, atol=SOLVED)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_null_model_without_offset_is_the_class_shares(name):
    data = PROBLEMS[name]()
    if data.offset is not None:
        pytest.skip("only without an offset does the null model have a closed form")
    objective = objective_of(*rows_and_family(data), 0.5)
    null = null_model(objective)
    shares = data.row_weights @ data.shares / data.total_weight
    assert not null.parameters[:-1].any()
    intercept = null.parameters[-1]
    mean = softmax([0.0, intercept[0]]) if data.n_classes == 2 else softmax(intercept)
    np.testing.assert_allclose(mean, shares, **ROUNDING)
    np.testing.assert_allclose(null.value, -shares @ np.log(shares), **ROUNDING)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_null_model_is_the_best_without_coefficients(name, fit_intercept):
    data = PROBLEMS[name]()
    objective = objective_of(*rows_and_family(data), 0.5, fit_intercept=fit_intercept)
    truth = SoftmaxRegression(data, 0.5, fit_intercept=fit_intercept)
    np.testing.assert_allclose(null_model(objective).value, truth.null_value(), **ROUNDING)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("offset", [True, False])
@pytest.mark.parametrize("name", REGRESSIONS)
def test_value_and_information_of_the_null_model_are_those_of_the_objective(name, offset, fit_intercept):
    rows, family = regression(name, weighted=True, offset=offset)
    objective = objective_of(rows, family, 0.5, fit_intercept=fit_intercept)
    null = null_model(objective)
    value, gradient = objective.evaluate(null.parameters)
    np.testing.assert_allclose(null.value, value, **ROUNDING)
    if fit_intercept:
        np.testing.assert_allclose(gradient[-1], 0.0, atol=SOLVED)
    coef, intercept = objective.uncentred(null.parameters)
    (information,) = rows.sum(
        lambda block: (family.fisher_information(block.predictor(coef, intercept)) @ block.weights,)
    )
    expected = information / objective.moments.total_weight
    np.testing.assert_allclose(null.information, expected, **ROUNDING)


@pytest.mark.parametrize("distance", [0.0, 1e-3, 0.1])
@pytest.mark.parametrize("tol", [1e-2, 1e-4])
@pytest.mark.parametrize("scale", [10.0, 100.0, 1000.0])
def test_the_best_intercepts_are_found_in_a_few_passes_where_rounding_hides_them(scale, tol, distance):
    # Where classes are nearly separated, f is rounding and its slope too, long before the decrement says so.
    X, y = load_digits(return_X_y=True)
    rows, count = RowsInMemory(scale * X, y.astype(np.int32)), PassCount()
    objective = objective_of(CountedRows(rows, count), Categorical(10), 1e-2 / len(y))
    result = fit(rows, Categorical(10), objective.penalty, tol=tol)
    near = objective.centred(result.coef, result.intercept)
    near[-1] += distance * np.random.default_rng(0).normal(size=10)
    before = count.n_passes
    _, is_exact = solve_intercept(objective, near)
    assert is_exact
    assert count.n_passes - before <= 8


@pytest.mark.parametrize("share", [1e-9, 1e-16, 1e-24])
@pytest.mark.parametrize("seed", range(4))
def test_intercepts_that_are_called_exact_are_so_for_classes_of_next_to_no_weight(seed, share):
    rng = np.random.default_rng(seed)
    codes = (np.arange(40) % 3).astype(np.int32)
    weights, offset = np.array([1.0, 0.5, share])[codes], rng.normal(size=(40, 3))
    rows = RowsInMemory(np.zeros((40, 1)), codes, weights, offset)
    objective = objective_of(rows, Categorical(3), 1.0)
    solved, is_exact = solve_intercept(objective, np.zeros(objective.shape))
    # At the optimum the mean of each class is its share; what is missing of f is about half the chi-square of these.
    expected, shares = weights @ softmax(offset + solved[-1], axis=1) / weights.sum(), objective.moments.mean_target
    missing = ((expected - shares) ** 2 / shares).sum()
    assert not is_exact or missing < RESOLUTION


def test_intercepts_that_cannot_be_settled_prove_nothing():
    rng = np.random.default_rng(120)
    y = np.arange(40) % 4
    weights = np.array([1.0, rng.uniform(0.1, 1.0), 10 ** rng.uniform(-18, -8), 10 ** rng.uniform(-22, -12)])[y]
    offset, X = rng.normal(size=(40, 4)), rng.normal(size=(40, 1))
    rows = RowsInMemory(X, y.astype(np.int32), weights, offset)
    result = fit(rows, Categorical(4), Ridge.on_coefficients(1.0, 1, fit_intercept=True))
    if result.status is Status.CONVERGED:
        expected = weights @ softmax(X @ result.coef + result.intercept + offset, axis=1) / weights.sum()
        shares = np.bincount(y, weights) / weights.sum()
        assert ((expected - shares) ** 2 / shares).sum() < RESOLUTION
