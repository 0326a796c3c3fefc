import numpy as np
import pytest
from problems import PROBLEMS, REGRESSIONS, SMALL_BLOCKS, objective_of, regression, rows_and_family

from softglm.model import null_coordinates, null_model
from softglm.model.fisher import hessian
from softglm.sums.grams import weighted_grams

# Central differences of step 1e-5 of a gradient in whitened coordinates, where the Hessian is of order 1.
STEP, DIFFERENCES = 1e-5, {"rtol": 1e-7, "atol": 1e-7}
# Sums of a few hundred products of order 1.
ROUNDING = {"rtol": 1e-12, "atol": 1e-12}


def in_coordinates(objective):
    return null_coordinates(objective, null_model(objective).information)


def assert_hessian_is_the_derivative_of_the_gradient(objective):
    coordinates = in_coordinates(objective)
    size = coordinates.scales.size
    start = null_model(objective).parameters
    place = start + coordinates.displacement(0.5 * np.random.default_rng(0).normal(size=size))

    def gradient(vector):
        _, plain = objective.evaluate(place + coordinates.displacement(vector))
        return coordinates.pull_back(plain)

    steps = STEP * np.identity(size)
    expected = [(gradient(step) - gradient(-step)) / (2 * STEP) for step in steps]
    result = hessian(objective, place, coordinates)
    np.testing.assert_allclose(result, result.T, **ROUNDING)
    np.testing.assert_allclose(result, expected, **DIFFERENCES)


@pytest.mark.parametrize("alpha", [0.0, 0.7])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("offset", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("name", REGRESSIONS)
def test_the_hessian_of_every_family(name, weighted, offset, fit_intercept, alpha):
    rows, family = regression(name, weighted=weighted, offset=offset)
    assert_hessian_is_the_derivative_of_the_gradient(objective_of(rows, family, alpha, fit_intercept=fit_intercept))


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_hessian_of_every_problem(name):
    data = PROBLEMS[name]()
    assert_hessian_is_the_derivative_of_the_gradient(objective_of(*rows_and_family(data), 1.0 / data.total_weight))


# Few directions and many, on either side of where another way of summing is faster.
@pytest.mark.parametrize("n_directions", [1, 2, 3, 10])
@pytest.mark.parametrize("n_rows", [1, 256, 257, 600])
def test_weighted_grams_sum_the_products_of_the_features(n_directions, n_rows):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(n_rows, 6))
    weights = rng.exponential(size=(n_directions, n_rows))
    expected = np.einsum("di,ij,ik->djk", weights, features, features)
    np.testing.assert_allclose(
        weighted_grams(weights, features), expected[(slice(None), *np.triu_indices(6))], **ROUNDING
    )


def test_many_blocks_add_up_to_one():
    data = PROBLEMS["weighted_with_offset"]()
    one = objective_of(*rows_and_family(data), 0.1)
    many = objective_of(*rows_and_family(data, SMALL_BLOCKS), 0.1)
    coordinates, place = in_coordinates(one), np.ones(one.shape)
    np.testing.assert_allclose(hessian(one, place, coordinates), hessian(many, place, coordinates), **ROUNDING)
