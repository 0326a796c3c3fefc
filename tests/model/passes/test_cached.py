import numpy as np
import pytest
from problems import PROBLEMS, REGRESSIONS, objective_of, regression, rows_and_family

from softglm.data import PassCount
from softglm.model import null_coordinates, null_model
from softglm.model.coordinates import scaled_coordinates
from softglm.model.fisher import hessian, null_hessian
from softglm.model.passes import CachedPasses, HeldColumns, StreamedPasses, are_few
from softglm.sums.moments import without_noise
from softglm.tuning import Tuning

# Sums of some hundred terms in another order.
ROUNDING = {"rtol": 1e-10, "atol": 1e-12}
DENSE = sorted(set(PROBLEMS) - {"sparse_rows"})
EVERY_REGRESSION = [(name, weighted, offset) for name in REGRESSIONS for weighted in (0, 1) for offset in (0, 1)]


def somewhere(objective, seed=0):
    """A point where etas are of order 1, whatever the columns."""
    (columns,) = objective.rows.concatenate(lambda block: (block.centred(objective.moments.center).T,))
    largest = np.abs(columns).max(axis=1)
    largest[largest < 1e-9] = np.inf  # a constant one
    point = np.random.default_rng(seed).normal(size=objective.shape)
    point[: len(largest)] /= largest[:, np.newaxis]
    return point


def compare(objective):
    held, point, rows = HeldColumns(objective, PassCount()), somewhere(objective), objective.rows
    cached, streamed = CachedPasses(objective, held), StreamedPasses(objective)
    value, gradient = objective.evaluate(point)
    mine, slopes = cached.evaluate(point)
    np.testing.assert_allclose(mine, value, **ROUNDING)
    size = np.abs(gradient).max(axis=1, keepdims=True)
    size[size < 1e-6] = 1.0  # of a constant column
    np.testing.assert_allclose(slopes / size, gradient / size, **ROUNDING)
    null = null_model(objective)
    information, moments = null.information, held.second_moments
    scaled = scaled_coordinates(objective, information, moments.diagonal())
    if not objective.rows.has_offset:
        expected = hessian(objective, null.parameters, scaled)
        np.testing.assert_allclose(null_hessian(objective, information, moments, scaled), expected, **ROUNDING)
    exact = null_coordinates(objective, information)
    told = without_noise(moments.copy(), objective.moments.center, objective.moments.total_weight)
    np.testing.assert_allclose(null_coordinates(objective, information, told).scales, exact.scales, rtol=1e-7)
    for coordinates in (scaled, exact):
        for place in (point, somewhere(objective, seed=1)):
            expected = hessian(objective, place, coordinates)
            np.testing.assert_allclose(cached.hessian(place, coordinates, rows), expected, **ROUNDING)
            # Whether the means there are at hand or not.
            cached.evaluate(point)
            np.testing.assert_allclose(cached.hessian(place, coordinates, rows), expected, **ROUNDING)
        size = coordinates.scales.shape[0]
        form = np.diag(np.linspace(1.0, 2.0, size)) + 0.1
        np.testing.assert_allclose(
            cached.largest_leverage(coordinates, form, rows),
            streamed.largest_leverage(coordinates, form, rows),
            **ROUNDING,
        )


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", DENSE)
def test_cached_passes_are_those_over_the_rows_where_they_are(name, fit_intercept):
    objective = objective_of(*rows_and_family(PROBLEMS[name]()), 0.1, fit_intercept=fit_intercept)
    assert are_few(objective)
    compare(objective)


@pytest.mark.parametrize(("name", "weighted", "offset"), EVERY_REGRESSION)
def test_of_every_family_with_weights_and_offsets(name, weighted, offset):
    compare(objective_of(*regression(name, weighted=weighted, offset=offset), 0.1))


@pytest.mark.parametrize("products", [0, 2**30])
def test_with_products_of_features_held_and_without(products):
    compare(objective_of(*rows_and_family(PROBLEMS["many_classes"]()), 0.1, tuning=Tuning(held_products=products)))


def test_neither_sparse_nor_many_rows_are_held():
    assert not are_few(objective_of(*rows_and_family(PROBLEMS["sparse_rows"]()), 0.1))
    for least, expected in ((0, True), (1, False)):
        tuning = Tuning(held_numbers=150 * (5 + 2 * 3) - least)
        assert are_few(objective_of(*rows_and_family(PROBLEMS["overlapping"]()), 0.1, tuning=tuning)) is expected


@pytest.mark.parametrize(("name", "weighted", "offset"), EVERY_REGRESSION)
def test_an_evaluation_and_a_hessian_in_one_pass_have_the_bits_of_two(name, weighted, offset):
    objective = objective_of(*regression(name, weighted=weighted, offset=offset), 0.1)
    coordinates, point = null_coordinates(objective, null_model(objective).information), somewhere(objective)
    for passes in (StreamedPasses(objective), CachedPasses(objective, HeldColumns(objective, PassCount()))):
        value, gradient, matrix = passes.evaluate_with_hessian(point, coordinates)
        alone, slopes = passes.evaluate(point)
        assert value == alone
        np.testing.assert_array_equal(gradient, slopes)
        np.testing.assert_array_equal(matrix(), passes.hessian(point, coordinates, objective.rows))
