"""Every penalty keeps its contract: a new one is one class, and one line in the table."""

from dataclasses import dataclass

import numpy as np
import pytest
from problems import overlapping, rows_and_family, wide

from softglm.arrays import FloatArray
from softglm.fit import fit
from softglm.model import Objective, Penalty, Ridge
from softglm.status import Status

# Central differences of a quadratic are exact but for rounding.
ROUNDING = {"rtol": 1e-9, "atol": 1e-9}
STEP = 1e-3
# The gap is 1e-8 of what there is to gain.
SAME_OPTIMUM = {"rtol": 1e-6, "atol": 1e-7}


@dataclass(frozen=True)
class Decreasing(Penalty):
    """Each coefficient is held back by 1 / (1 + j) of the first one's strength: a penalty made by a newcomer."""

    alpha: float
    n_features: int
    n_constants: int = 1

    def in_units(self, units: FloatArray) -> Ridge:
        return Ridge(np.append(self.curvature[: self.n_features] * units**2, np.zeros(self.n_constants)))

    @property
    def curvature(self) -> FloatArray:
        return np.append(self.alpha / np.arange(1.0, self.n_features + 1.0), np.zeros(self.n_constants))


PENALTIES = {
    "ridge": Ridge.on_coefficients(0.3, 4, fit_intercept=True),
    "ridge of several strengths": Ridge(np.array([0.1, 2.0, 0.0, 1.0, 0.0])),
    "decreasing": Decreasing(0.5, 4),
}


@pytest.fixture(params=PENALTIES.values(), ids=PENALTIES)
def penalty(request):
    return request.param


def somewhere(seed=0):
    return np.random.default_rng(seed).normal(size=(5, 3))


def test_the_gradient_is_the_derivative_of_the_value(penalty):
    point, expected = somewhere(), np.empty((5, 3))
    for place in np.ndindex(expected.shape):
        step = np.zeros_like(point)
        step[place] = STEP
        expected[place] = (penalty.value(point + step) - penalty.value(point - step)) / (2.0 * STEP)
    np.testing.assert_allclose(penalty.gradient(point), expected, **ROUNDING)
    value, gradient = penalty.value_and_gradient(point)
    assert value == penalty.value(point)
    np.testing.assert_array_equal(gradient, penalty.gradient(point))


def test_the_curvature_is_the_derivative_of_the_gradient(penalty):
    point, step = somewhere(), somewhere(seed=1)
    change = penalty.gradient(point + step) - penalty.gradient(point)
    np.testing.assert_allclose(change, penalty.curvature[:, np.newaxis] * step, **ROUNDING)
    assert (penalty.curvature >= 0.0).all()
    assert penalty.curvature[-1] == 0.0  # of the intercepts


def test_in_other_units_it_is_the_same(penalty):
    # Of columns twice as large, coefficients are half as large.
    units, point = np.array([2.0, 0.5, 8.0, 1.0]), somewhere()
    there = point / np.append(units, 1.0)[:, np.newaxis]
    np.testing.assert_allclose(penalty.in_units(units).value(there), penalty.value(point), **ROUNDING)


def test_of_scaled_columns_it_is_the_same_in_every_direction_if_any_scale_makes_it_so(penalty):
    even = penalty.isotropic(4)
    if even is None:
        assert (penalty.curvature[:4] == 0.0).any()
        return
    scale, strength = even
    directions, coordinates = np.linalg.qr(np.random.default_rng(2).normal(size=(4, 2)))[0], somewhere()[:3]
    whole = np.concatenate([directions @ coordinates[:2] / scale[:, np.newaxis], coordinates[2:]])
    narrow = Ridge.on_coefficients(strength, 2, fit_intercept=True)
    np.testing.assert_allclose(narrow.value(coordinates), penalty.value(whole), **ROUNDING)


def test_a_fit_under_it_ends_where_the_gradient_vanishes(penalty):
    rows, family = rows_and_family(overlapping())
    result = fit(rows, family, penalty)
    assert result.status is Status.CONVERGED
    objective = Objective(rows, family, penalty, fit_intercept=True)
    _, gradient = objective.evaluate(objective.centred(result.coef, result.intercept))
    np.testing.assert_allclose(gradient, 0.0, **SAME_OPTIMUM)


def test_of_wide_rows_too_whether_their_space_can_be_used_or_not():
    rows, family = rows_and_family(wide())
    for penalty in (Ridge.on_coefficients(0.1, 60, fit_intercept=True), Decreasing(0.5, 60)):
        result = fit(rows, family, penalty)
        assert result.status is Status.CONVERGED
        objective = Objective(rows, family, penalty, fit_intercept=True)
        _, gradient = objective.evaluate(objective.centred(result.coef, result.intercept))
        np.testing.assert_allclose(gradient, 0.0, **SAME_OPTIMUM)
