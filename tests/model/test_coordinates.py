import numpy as np
import pytest
from dense_newton import SoftmaxRegression
from problems import (
    PROBLEMS,
    Data,
    collinear,
    constant_column,
    objective_of,
    overlapping,
    rows_and_family,
)
from scipy import linalg, sparse

from softglm.data import PassCount
from softglm.model import null_coordinates, null_model
from softglm.model.coordinates import scaled_coordinates
from softglm.model.fisher import hessian
from softglm.model.passes import HeldColumns
from softglm.tuning import DEFAULT, Tuning

ROUNDING = {"rtol": 1e-12, "atol": 1e-12}
# The eigenvectors of matrices with unit diagonal: 1e-16 times their condition, at most 1e5 in the table.
WHITENED = 1e-10
ALPHAS = [0.0, 0.01, 1.0, 100.0]
WITHOUT_OFFSET = [name for name, make in PROBLEMS.items() if make().offset is None]


def in_coordinates(data, alpha, *, fit_intercept=True, tuning=DEFAULT):
    objective = objective_of(*rows_and_family(data), alpha, fit_intercept=fit_intercept, tuning=tuning)
    return objective, null_coordinates(objective, null_model(objective).information)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("name", WITHOUT_OFFSET)
def test_they_whiten_the_null_hessian_exactly(name, alpha, fit_intercept):
    data = PROBLEMS[name]()
    objective, coordinates = in_coordinates(data, alpha / data.total_weight, fit_intercept=fit_intercept)
    whitened = hessian(objective, null_model(objective).parameters, coordinates)
    np.testing.assert_allclose(whitened, np.identity(len(whitened)), rtol=0.0, atol=WHITENED)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("name", ["overlapping", "imbalanced", "many_classes", "collinear"])
def test_they_whiten_the_null_hessian_of_the_dense_truth(name, alpha):
    data = PROBLEMS[name]()
    objective, coordinates = in_coordinates(data, alpha / data.total_weight)
    truth = SoftmaxRegression(data, alpha / data.total_weight)
    null = truth.hessian(*objective.uncentred(null_model(objective).parameters))
    basis = np.array([coordinates.displacement(unit).ravel() for unit in np.identity(coordinates.scales.size)])
    np.testing.assert_allclose(basis @ null @ basis.T, np.identity(len(basis)), rtol=0.0, atol=WHITENED)


@pytest.mark.parametrize("name", PROBLEMS)
def test_pulling_back_is_the_transpose_of_displacing(name):
    data = PROBLEMS[name]()
    objective, coordinates = in_coordinates(data, 1.0 / data.total_weight)
    rng = np.random.default_rng(0)
    vector, gradient = rng.normal(size=coordinates.scales.size), rng.normal(size=objective.shape)
    np.testing.assert_allclose(
        coordinates.pull_back(gradient) @ vector,
        np.vdot(gradient, coordinates.displacement(vector)),
        **ROUNDING,
    )


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", ["overlapping", "sparse_rows", "constant_column"])
def test_features_are_what_the_displacement_multiplies(name, fit_intercept):
    data = PROBLEMS[name]()
    objective, coordinates = in_coordinates(data, 0.1, fit_intercept=fit_intercept)
    centred = data.dense - objective.moments.center
    constant = np.ones((len(centred), int(fit_intercept)))
    vector = np.random.default_rng(0).normal(size=coordinates.scales.size)
    core = coordinates.scales * vector.reshape(coordinates.scales.shape)
    np.testing.assert_allclose(
        coordinates.features_of(centred) @ core @ coordinates.classes.T,
        np.hstack([centred, constant]) @ coordinates.displacement(vector),
        **ROUNDING,
    )


def test_a_constant_column_is_left_out_where_nothing_is_penalised():
    data = constant_column()
    _, coordinates = in_coordinates(data, 0.0)
    assert coordinates.scales.shape == (data.X.shape[1], 2)
    moved = coordinates.displacement(np.ones(coordinates.scales.size))
    assert not moved[2].any()


def test_collinear_columns_are_counted_once_where_nothing_is_penalised():
    _, coordinates = in_coordinates(collinear(), 0.0)
    assert coordinates.scales.shape == (5, 2)


@pytest.mark.parametrize(("make", "n_left_out"), [(collinear, 0), (constant_column, 1)])
def test_a_penalty_restores_the_rank_but_for_columns_that_do_not_vary(make, n_left_out):
    data = make()
    _, coordinates = in_coordinates(data, 0.01 / data.total_weight)
    assert coordinates.scales.shape == (data.X.shape[1] + 1 - n_left_out, 2)


@pytest.mark.parametrize("constant", [1e-8, 1.0, 0.1, 1e8])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_a_column_is_constant_whatever_its_value(constant, container):
    data = overlapping()
    X = np.column_stack([data.X, np.full(len(data.X), constant)])
    _, coordinates = in_coordinates(Data(container(X), data.y), 0.0)
    assert len(coordinates.scales) == X.shape[1]


def test_small_variation_around_a_large_mean_is_not_constant():
    data = overlapping()
    X = data.X.copy()
    X[:, 0] += 1e10
    _, coordinates = in_coordinates(Data(X, data.y), 0.0)
    assert len(coordinates.scales) == X.shape[1] + 1


def test_classes_are_orthonormal_and_orthogonal_to_the_constant():
    _, coordinates = in_coordinates(PROBLEMS["imbalanced"](), 0.0)
    classes = coordinates.classes
    np.testing.assert_allclose(classes.T @ classes, np.identity(2), **ROUNDING)
    np.testing.assert_allclose(classes.sum(axis=0), 0.0, **ROUNDING)


@pytest.mark.parametrize("name", ["overlapping", "constant_column", "sparse_rows"])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_with_too_many_features_to_decompose_only_their_scales_count(name, alpha):
    data, tuning = PROBLEMS[name](), Tuning(decomposed_features=0, decomposed_unpenalised=0)
    objective, coordinates = in_coordinates(data, alpha / data.total_weight, tuning=tuning)
    assert coordinates.features.ndim == 1
    whitened = hessian(objective, null_model(objective).parameters, coordinates)
    # Unit curvature along every coordinate, by decree where nothing varies.
    np.testing.assert_allclose(whitened.diagonal(), 1.0, rtol=0.0, atol=WHITENED)
    n_left_out = int(name == "constant_column")
    assert (~coordinates.scales.any(axis=1)).sum() == n_left_out


def test_the_displacement_reaches_every_identifiable_direction():
    data = overlapping()
    objective, coordinates = in_coordinates(data, 0.0)
    basis = [coordinates.displacement(unit).ravel() for unit in np.identity(coordinates.scales.size)]
    m, q = objective.shape
    assert linalg.orth(np.array(basis).T).shape == (m * q, m * (q - 1))


def scaled(data, alpha):
    objective = objective_of(*rows_and_family(data), alpha)
    return objective, scaled_coordinates(
        objective, null_model(objective).information, HeldColumns(objective, PassCount()).second_moments.diagonal()
    )


@pytest.mark.parametrize("alpha", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("name", sorted(set(WITHOUT_OFFSET) - {"sparse_rows"}))
def test_scaled_coordinates_give_every_feature_unit_curvature_on_average(name, alpha):
    data = PROBLEMS[name]()
    objective, coordinates = scaled(data, alpha / data.total_weight)
    matrix = hessian(objective, null_model(objective).parameters, coordinates)
    moving = coordinates.scales[:, 0] > 0.0
    curvatures = matrix.diagonal().reshape(coordinates.scales.shape)[moving].mean(axis=1)
    np.testing.assert_allclose(curvatures, 1.0, rtol=0.0, atol=1e-9)


def test_scaled_coordinates_leave_out_a_constant_column():
    _, coordinates = scaled(constant_column(), 0.01)
    assert [j for j, scales in enumerate(coordinates.scales) if not scales.any()] == [2]
    step = coordinates.displacement(np.ones(coordinates.scales.size))
    assert not step[2].any()
    assert step[[0, 1, 3, 4]].any(axis=1).all()


def test_scaled_coordinates_refuse_squares_that_overflow():
    objective = objective_of(*rows_and_family(overlapping()), 0.01)
    with pytest.raises(FloatingPointError, match="overflow"):
        scaled_coordinates(objective, null_model(objective).information, np.array([1.0, np.inf, 1.0, 1.0, 1.0]))
