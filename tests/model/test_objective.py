import numpy as np
import pytest
from dense_newton import SoftmaxRegression
from problems import PROBLEMS, REGRESSIONS, SMALL_BLOCKS, objective_of, regression, rows_and_family

from softglm.data import RowsInMemory
from softglm.families import Categorical
from softglm.model import Objective, Ridge

# Central differences of step 1e-5 lose 1e-10 to truncation and 1e-11 to rounding.
STEP, DIFFERENCES = 1e-5, {"rtol": 1e-7, "atol": 1e-8}
# Two formulas of the same number, summed in another order.
ROUNDING = {"rtol": 1e-12, "atol": 1e-13}
# As the columns of this table are scaled, the rounding of x'B is relative to the hundredfold mean.
ROUNDING_AT_LARGE_MEANS = {"rtol": 1e-11}


def somewhere(objective):
    return 0.3 * np.random.default_rng(0).normal(size=objective.shape)


@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("offset", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("name", REGRESSIONS)
def test_the_gradient_is_that_of_the_value(name, weighted, offset, fit_intercept, alpha):
    rows, family = regression(name, weighted=weighted, offset=offset)
    objective = objective_of(rows, family, alpha, fit_intercept=fit_intercept)
    point = somewhere(objective)
    _, gradient = objective.evaluate(point)
    expected = np.empty_like(point)
    for index in np.ndindex(*point.shape):
        step = np.zeros_like(point)
        step[index] = STEP
        above, below = (objective.evaluate(point + sign * step)[0] for sign in (1.0, -1.0))
        expected[index] = (above - below) / (2 * STEP)
    np.testing.assert_allclose(gradient, expected, **DIFFERENCES)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_value_is_the_penalised_mean_negative_log_likelihood(name, fit_intercept):
    data, alpha = PROBLEMS[name](), 0.3
    objective = objective_of(*rows_and_family(data), alpha, fit_intercept=fit_intercept)
    point = somewhere(objective)
    # The same distance in eta for each column, whatever its scale.
    point[: data.X.shape[1]] /= np.maximum(data.dense.std(axis=0), 1e-3)[:, np.newaxis]
    value, _ = objective.evaluate(point)
    truth = SoftmaxRegression(data, alpha, fit_intercept=fit_intercept)
    expected = truth.value(*objective.uncentred(point))
    tolerance = ROUNDING_AT_LARGE_MEANS if name == "badly_scaled" else ROUNDING
    np.testing.assert_allclose(value, expected, **tolerance)


@pytest.mark.parametrize("name", REGRESSIONS)
def test_a_weight_of_two_is_a_repeated_row_and_a_weight_of_zero_a_missing_one(name):
    rows, family = regression(name, offset=True)
    (X, targets, offset) = rows.concatenate(lambda block: (block.X.T, block.targets.T, block.offset.T))
    repeats = np.arange(100) % 3
    weighted = RowsInMemory(X.T, targets.T, repeats.astype(np.float64), offset.T)
    repeated = RowsInMemory(
        *(np.repeat(array.T, repeats, axis=0) for array in (X, targets)),
        offset=np.repeat(offset.T, repeats, axis=0),
    )
    first, second = (objective_of(some, family, 0.1) for some in (weighted, repeated))
    point = somewhere(first)
    for one, other in zip(first.evaluate(point), second.evaluate(point), strict=True):
        np.testing.assert_allclose(one, other, **ROUNDING)


def test_class_codes_are_one_hot_rows():
    data = PROBLEMS["many_classes"]()
    codes, one_hot = (
        objective_of(RowsInMemory(data.X, targets), Categorical(7), 0.1) for targets in (data.y, data.shares)
    )
    point = somewhere(codes)
    for one, other in zip(codes.evaluate(point), one_hot.evaluate(point), strict=True):
        np.testing.assert_allclose(one, other, **ROUNDING)


@pytest.mark.parametrize("name", REGRESSIONS)
def test_an_offset_is_a_known_part_of_eta(name):
    rows, family = REGRESSIONS[name]()
    point = somewhere(objective_of(rows, family, 0.0))
    coef, intercept = point[:-1], point[-1]
    (eta,) = rows.concatenate(lambda block: (block.predictor(coef, intercept),))
    known, _ = REGRESSIONS[name](offset=np.ascontiguousarray(eta.T))
    inside = objective_of(rows, family, 0.0)
    outside = objective_of(known, family, 0.0)
    value, gradient = inside.evaluate(inside.centred(coef, intercept))
    same_value, same_gradient = outside.evaluate(np.zeros(outside.shape))
    np.testing.assert_allclose(value, same_value, **ROUNDING)
    np.testing.assert_allclose(gradient, same_gradient, **ROUNDING)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_centring_and_uncentring_are_inverse(fit_intercept):
    objective = objective_of(*regression("categorical"), 0.0, fit_intercept=fit_intercept)
    point = somewhere(objective)
    np.testing.assert_allclose(objective.centred(*objective.uncentred(point)), point, **ROUNDING)


def test_many_blocks_add_up_to_one():
    data = PROBLEMS["weighted_with_offset"]()
    one = objective_of(*rows_and_family(data), 0.1)
    many = objective_of(*rows_and_family(data, SMALL_BLOCKS), 0.1)
    point = somewhere(one)
    for first, second in zip(one.evaluate(point), many.evaluate(point), strict=True):
        np.testing.assert_allclose(first, second, **ROUNDING)


def test_which_parameters_are_penalised_is_data():
    rows, family = regression("Gaussian")
    strength = np.array([0.0, 2.0, 0.0, 5.0])
    point = np.array([[1.0], [2.0], [3.0], [4.0]])
    values, gradients = zip(
        *(Objective(rows, family, Ridge(some), fit_intercept=True).evaluate(point) for some in (strength, np.zeros(4))),
        strict=True,
    )
    np.testing.assert_allclose(values[0] - values[1], 0.5 * (2.0 * 4.0 + 5.0 * 16.0), **ROUNDING)
    np.testing.assert_allclose((gradients[0] - gradients[1])[:, 0], [0.0, 4.0, 0.0, 20.0], **ROUNDING)


@pytest.mark.parametrize(
    ("strengths", "scale", "strength"),
    [([0.5, 0.5], [1.0, 1.0], 0.5), ([4.0, 1.0], [1.0, 0.5], 4.0), ([0.0, 0.0], [1.0, 1.0], 0.0)],
)
def test_columns_are_scaled_by_the_roots_of_their_strengths(strengths, scale, strength):
    found, common = Ridge(np.array([*strengths, 0.0])).isotropic(2)
    assert found.tolist() == scale
    assert common == strength


def test_nothing_scales_a_column_that_is_not_penalised_to_one_that_is():
    assert Ridge(np.array([0.5, 0.0, 0.0])).isotropic(2) is None


def blocks_of(objective):
    blocks = []
    for _ in objective.rows.map(lambda block: (blocks.append(block),)):
        pass
    return blocks
