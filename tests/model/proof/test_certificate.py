import numpy as np
import pytest
from dense_newton import SoftmaxRegression, in_columns, truth_of
from problems import (
    OVERLAPPING,
    PROBLEMS,
    objective_of,
    poisson_rows,
    real_data,
    rows_and_family,
)
from scipy import linalg

from softglm.model import null_coordinates, null_model
from softglm.model.fisher import hessian
from softglm.model.metric import HessianMetric
from softglm.model.passes import StreamedPasses
from softglm.model.proof import gradient_rounding
from softglm.model.proof.certificate import concordance_radius, largest_leverage, leverage_form, self_concordant_gap

ROUNDING = 1e-12
# What is left of the formula for x near 1e-4, where x^2 / 2 is the difference of terms of size x.
CANCELLED = 1e-7
# The rounding of two values of f of order 1, which their difference keeps.
RESOLUTION = 1e-14
SMALL = ["overlapping", "imbalanced", "many_classes", "two_classes", "weighted_with_offset"]


def metric_of(objective, matrix, coordinates, rows):
    return HessianMetric(StreamedPasses(objective), matrix, coordinates, rows)


def test_the_gap_is_the_formula_of_self_concordance():
    for decrement, radius in ((0.25, 1.5), (0.1, 3.0), (0.4, 1.0), (0.01, 2.0)):
        x = decrement * radius
        expected = (x + (1 - x) * np.log(1 - x)) / radius**2
        np.testing.assert_allclose(self_concordant_gap(decrement, radius), expected, rtol=CANCELLED)


@pytest.mark.parametrize("radius", [1e-3, 1.0, 1e6])
def test_the_series_continues_the_formula(radius):
    below, above = (self_concordant_gap(x / radius, radius) for x in (0.99999e-4, 1.00001e-4))
    np.testing.assert_allclose(above / below, (1.00001 / 0.99999) ** 2, rtol=CANCELLED)


@pytest.mark.parametrize("x", [0.0, 1e-300, 1e-20, 1e-8, 1e-4])
def test_near_the_optimum_the_gap_is_half_the_squared_decrement(x):
    np.testing.assert_allclose(self_concordant_gap(x, 1.0), x**2 / 2, rtol=1e-4)


def test_nothing_is_proved_from_a_decrement_of_one_over_the_radius():
    assert self_concordant_gap(1.0, 1.0) == np.inf
    assert self_concordant_gap(2.0, 1e3) == np.inf
    assert self_concordant_gap(np.nan, 1.0) == np.inf


def test_the_gap_grows_with_the_decrement_and_with_the_radius():
    grid = np.linspace(0.0, 0.45, 1000)
    assert (np.diff([self_concordant_gap(x, 1.0) for x in grid]) > 0.0).all()
    assert (np.diff([self_concordant_gap(1.0, x) for x in grid[1:]]) > 0.0).all()


def exact(data, alpha, point):
    objective = objective_of(*rows_and_family(data), alpha)
    coordinates = null_coordinates(objective, null_model(objective).information)
    point = point(objective) if callable(point) else objective.centred(*point)
    return objective, coordinates, point


def radius_at(objective, coordinates, point):
    factor = linalg.cholesky(hessian(objective, point, coordinates), lower=True)
    form = leverage_form(coordinates, linalg.inv(factor))
    return concordance_radius(objective, largest_leverage(objective, coordinates, form, objective.rows))


def at_optimum(name, alpha):
    """A problem, the truth about it, its objective and coordinates, and the parameters of the optimum in the latter."""
    data = PROBLEMS[name]()
    truth, optimum, _ = truth_of(name, alpha)
    objective = objective_of(*rows_and_family(data), alpha / data.total_weight)
    coordinates = null_coordinates(objective, null_model(objective).information)
    coef, intercept = optimum.coef, optimum.intercept
    if data.n_classes == 2:
        coef, intercept = (np.diff(array, axis=-1) for array in (coef, intercept))
    best = objective.centred(coef, intercept)
    return data, truth, optimum, objective, coordinates, best


def tried_pair_by_pair(data, alpha, coef, intercept):
    """The largest ||(e_k - e_l) (x) z_i|| in the inverse of the dense Hessian, over all rows and pairs."""
    truth = SoftmaxRegression(data, alpha)
    inverse = linalg.pinvh(truth.hessian(coef, intercept), rtol=1e-11)
    rows = np.column_stack([data.dense - truth.center, np.ones(len(data.y))])
    K = data.n_classes
    largest = 0.0
    for k in range(K):
        for other in range(k):
            contrast = np.identity(K)[k] - np.identity(K)[other]
            directions = np.kron(rows, contrast)
            largest = max(largest, np.einsum("ij,jk,ik->i", directions, inverse, directions).max())
    return np.sqrt(largest)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 100.0])
@pytest.mark.parametrize("name", [*SMALL, "counts", "sparse_rows"])
def test_the_radius_is_at_least_that_of_every_row_and_pair_of_classes(name, alpha):
    data = PROBLEMS[name]()
    alpha /= data.total_weight
    for seed in range(3):

        def near(objective, seed=seed):
            return 0.5 * np.random.default_rng(seed).normal(size=objective.shape)

        objective, coordinates, point = exact(data, alpha, near)
        radius = radius_at(objective, coordinates, point)
        tried = tried_pair_by_pair(data, alpha, *objective.uncentred(point))
        assert radius >= tried * (1.0 - ROUNDING)
        # Not a bound for its own sake: traces exceed the largest form at most K - 1 times.
        assert radius <= tried * np.sqrt(2.0 * data.n_classes)


def test_the_radius_of_a_single_parameter_is_exact():
    rows, family = poisson_rows()
    objective = objective_of(rows, family, 0.1)
    coordinates = null_coordinates(objective, null_model(objective).information)
    point = null_model(objective).parameters
    (X,) = rows.concatenate(lambda block: (block.X.T,))
    mean = np.exp(point[-1, 0])
    rows_at_center = np.column_stack([X.T - X.mean(axis=1), np.ones(X.shape[1])])
    dense = mean * rows_at_center.T @ rows_at_center / len(rows_at_center) + np.diag([0.1, 0.1, 0.1, 0.0])
    expected = np.sqrt(np.einsum("ij,jk,ik->i", rows_at_center, np.linalg.inv(dense), rows_at_center).max())
    np.testing.assert_allclose(radius_at(objective, coordinates, point), expected, rtol=ROUNDING)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
@pytest.mark.parametrize("name", [*SMALL, "collinear", "soft_labels", "counts"])
def test_what_is_proved_is_true_near_the_optimum(name, alpha):
    _, truth, optimum, objective, coordinates, best = at_optimum(name, alpha)
    rng, n_proved = np.random.default_rng(0), 0
    for size in np.logspace(-4.0, 0.0, 40):
        away = rng.normal(size=coordinates.scales.size)
        point = best + coordinates.displacement(size * away / np.linalg.norm(away))
        metric = HessianMetric(
            StreamedPasses(objective), hessian(objective, point, coordinates), coordinates, objective.rows
        )
        _, gradient = objective.evaluate(point)
        proved = metric.gap(float(np.linalg.norm(metric.whiten(gradient))), 0.0, np.zeros_like(gradient))
        true = truth.value(*objective.uncentred(point)) - optimum.value
        assert true <= proved + RESOLUTION
        n_proved += proved < np.inf
    assert n_proved >= 10


@pytest.mark.parametrize("name", SMALL)
def test_what_is_proved_with_the_hessian_of_a_point_nearby_is_true(name):
    _, truth, optimum, objective, coordinates, best = at_optimum(name, 1.0)
    rng = np.random.default_rng(0)
    for size in np.logspace(-4.0, -1.0, 20):
        here, there = (
            best + coordinates.displacement(size * rng.normal(size=coordinates.scales.size)) for _ in range(2)
        )
        metric = HessianMetric(
            StreamedPasses(objective), hessian(objective, here, coordinates), coordinates, objective.rows
        )
        matrix = hessian(objective, here, coordinates)
        # The distance in the metric, through the coordinates in which the step was drawn.
        step = np.linalg.lstsq(
            np.array([coordinates.displacement(unit).ravel() for unit in np.identity(len(matrix))]).T,
            (there - here).ravel(),
            rcond=None,
        )[0]
        _, gradient = objective.evaluate(there)
        decrement = float(np.linalg.norm(metric.whiten(gradient)))
        proved = metric.gap(decrement, float(np.sqrt(step @ matrix @ step)), np.zeros_like(gradient))
        true = truth.value(*objective.uncentred(there)) - optimum.value
        assert true <= proved + RESOLUTION


@pytest.mark.parametrize("name", ["iris", "wine"])
def test_nothing_is_proved_on_separated_data(name):
    data = real_data(name)
    objective = objective_of(*rows_and_family(data), 0.0)
    null = null_model(objective)
    coordinates = null_coordinates(objective, null.information)
    point = null.parameters
    for _ in range(12):
        metric = HessianMetric(
            StreamedPasses(objective), hessian(objective, point, coordinates), coordinates, objective.rows
        )
        _, gradient = objective.evaluate(point)
        whitened = metric.whiten(gradient)
        decrement = float(np.linalg.norm(whitened))
        assert metric.gap(decrement, 0.0, gradient_rounding(objective, point, gradient)) == np.inf
        point -= metric.unwhiten(whitened) / (1.0 + decrement)


@pytest.mark.parametrize("name", OVERLAPPING)
def test_a_newton_step_in_the_exact_metric_is_that_of_the_dense_truth(name):
    data = PROBLEMS[name]()
    alpha = 1.0 / data.total_weight
    objective = objective_of(*rows_and_family(data), alpha)
    null = null_model(objective)
    coordinates = null_coordinates(objective, null.information)
    metric = HessianMetric(
        StreamedPasses(objective), hessian(objective, null.parameters, coordinates), coordinates, objective.rows
    )
    _, gradient = objective.evaluate(null.parameters)
    step = in_columns(metric.unwhiten(metric.whiten(gradient)))
    truth = SoftmaxRegression(data, alpha)
    matrix = truth.hessian(*objective.uncentred(null.parameters))
    # One column has half the gradient of each of two, and moves twice as far.
    expected = in_columns(gradient) * (2.0 if data.n_classes == 2 else 1.0)
    size = np.sqrt(matrix.diagonal())
    np.testing.assert_allclose((matrix @ step.ravel()) / size, expected.ravel() / size, rtol=0.0, atol=1e-11)


@pytest.mark.parametrize("scores", [None, "of the rows"])
@pytest.mark.parametrize("name", SMALL)
def test_what_is_proved_with_the_hessian_of_a_sample_is_true(name, scores):
    data, truth, optimum, objective, coordinates, best = at_optimum(name, 1.0)
    rng, n_proved = np.random.default_rng(0), 0
    chances = None if scores is None else rng.exponential(size=len(data.y)) + 0.1
    sample = objective.rows.sample(len(data.y) // 3, objective.rows.sampling(lambda _: (chances,)))
    assert sample.n_rows < objective.rows.n_rows
    for size in np.logspace(-5.0, -1.0, 20):
        point = best + coordinates.displacement(size * rng.normal(size=coordinates.scales.size))
        metric = HessianMetric(
            StreamedPasses(objective), hessian(objective, point, coordinates, sample), coordinates, sample
        )
        _, gradient = objective.evaluate(point)
        proved = metric.gap(float(np.linalg.norm(metric.whiten(gradient))), 0.0, np.zeros_like(gradient))
        assert truth.value(*objective.uncentred(point)) - optimum.value <= proved + RESOLUTION
        n_proved += proved < np.inf
    assert n_proved >= 2


@pytest.mark.parametrize("scores", [None, "of the rows"])
@pytest.mark.parametrize("name", SMALL)
def test_the_hessian_of_a_sample_is_at_most_as_many_times_the_hessian_as_a_row_stands_for(name, scores):
    data = PROBLEMS[name]()
    objective = objective_of(*rows_and_family(data), 1.0 / data.total_weight)
    coordinates = null_coordinates(objective, null_model(objective).information)
    rng = np.random.default_rng(1)
    chances = None if scores is None else rng.exponential(size=len(data.y)) + 0.1
    point = 0.5 * rng.normal(size=objective.shape)
    sample = objective.rows.sample(len(data.y) // 3, objective.rows.sampling(lambda _: (chances,)))
    whole, part = hessian(objective, point, coordinates), hessian(objective, point, coordinates, sample)
    assert linalg.eigvalsh(sample.multiplicity * whole - part).min() > -ROUNDING * np.abs(whole).max()
