import numpy as np
import pytest
from problems import PROBLEMS, REGRESSIONS, objective_of, regression, rows_and_family

from softglm.model import null_coordinates, null_model
from softglm.model.certificate import largest_leverage
from softglm.model.coordinates import scaled_coordinates
from softglm.model.fisher import hessian, null_hessian
from softglm.model.kept import KeptRows, are_few

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
    kept, point = KeptRows(objective), somewhere(objective)
    value, gradient = objective.evaluate(point)
    mine, slopes = kept.evaluate(point)
    np.testing.assert_allclose(mine, value, **ROUNDING)
    size = np.abs(gradient).max(axis=1, keepdims=True)
    size[size < 1e-6] = 1.0  # of a constant column
    np.testing.assert_allclose(slopes / size, gradient / size, **ROUNDING)
    null = null_model(objective)
    information, moments = null.information, kept.second_moments
    scaled = scaled_coordinates(objective, information, moments.diagonal())
    if not objective.rows.has_offset:
        expected = hessian(objective, null.parameters, scaled)
        np.testing.assert_allclose(null_hessian(objective, information, moments, scaled), expected, **ROUNDING)
    exact = null_coordinates(objective, information)
    np.testing.assert_allclose(null_coordinates(objective, information, moments).scales, exact.scales, rtol=1e-7)
    for coordinates in (scaled, exact):
        for place in (point, somewhere(objective, seed=1)):
            expected = hessian(objective, place, coordinates)
            np.testing.assert_allclose(kept.hessian(place, coordinates), expected, **ROUNDING)
            # Whether the means there are at hand or not.
            kept.evaluate(point)
            np.testing.assert_allclose(kept.hessian(place, coordinates), expected, **ROUNDING)
        size = coordinates.scales.shape[0]
        form = np.diag(np.linspace(1.0, 2.0, size)) + 0.1
        np.testing.assert_allclose(
            kept.largest_leverage(coordinates, form),
            largest_leverage(objective, coordinates, form, objective.rows),
            **ROUNDING,
        )


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("name", DENSE)
def test_passes_over_kept_rows_are_those_over_all_rows(name, fit_intercept):
    objective = objective_of(*rows_and_family(PROBLEMS[name]()), 0.1, fit_intercept=fit_intercept)
    assert are_few(objective)
    compare(objective)


@pytest.mark.parametrize(("name", "weighted", "offset"), EVERY_REGRESSION)
def test_of_every_family_with_weights_and_offsets(name, weighted, offset):
    compare(objective_of(*regression(name, weighted=weighted, offset=offset), 0.1))


@pytest.mark.parametrize("products", [0, 2**30])
def test_with_products_of_features_kept_and_without(monkeypatch, products):
    monkeypatch.setattr("softglm.model.kept._MOST_PRODUCTS", products)
    compare(objective_of(*rows_and_family(PROBLEMS["many_classes"]()), 0.1))


def test_neither_sparse_nor_many_rows_are_kept(monkeypatch):
    assert not are_few(objective_of(*rows_and_family(PROBLEMS["sparse_rows"]()), 0.1))
    objective = objective_of(*rows_and_family(PROBLEMS["overlapping"]()), 0.1)
    monkeypatch.setattr("softglm.model.kept._MOST_NUMBERS", 150 * (5 + 2 * 3))
    assert are_few(objective)
    monkeypatch.setattr("softglm.model.kept._MOST_NUMBERS", 150 * (5 + 2 * 3) - 1)
    assert not are_few(objective)
