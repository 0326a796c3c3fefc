import numpy as np
import pytest

from softglm.model.proof import distance_to_optimum, gap_beside

# Of a formula of a few operations.
ROUNDING = 1e-12


def least_gap(distance, radius):
    """f - f* of the self-concordant function of one variable that is the flattest on the way to its minimum."""
    y = radius * distance
    return (-np.expm1(-y) - y * np.exp(-y)) / radius**2


@pytest.mark.parametrize("radius", [1e-3, 1.0, 1e5])
def test_no_self_concordant_function_has_its_minimum_further_away(radius):
    for distance in np.geomspace(1e-4, 0.4, 60) / radius:
        gap = least_gap(distance, radius)
        assert distance_to_optimum(gap, radius) >= distance * (1.0 - ROUNDING)


def test_near_the_optimum_the_distance_is_the_root_of_twice_the_gap():
    np.testing.assert_allclose(distance_to_optimum(2e-12, 1.0), 2e-6, rtol=1e-5)
    assert distance_to_optimum(0.0, 1e9) == 0.0
    np.testing.assert_allclose(distance_to_optimum(2.0, 0.0), 2.0, rtol=ROUNDING)


def test_far_from_the_optimum_nothing_is_known_of_the_distance():
    assert distance_to_optimum(1.0, 1.0) == np.inf
    assert distance_to_optimum(np.inf, 1.0) == np.inf


def test_a_quadratic_is_as_far_above_its_minimum_as_its_steps_add_up_to():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(4, 4))
    for _ in range(50):
        first, step = rng.normal(size=4), rng.normal(size=4)
        gap, moved, there = (np.sum((root @ x) ** 2) / 2.0 for x in (first, step, first + step))
        assert there <= gap_beside(gap, moved) * (1.0 + ROUNDING)
        along = gap_beside(gap, 4.0 * gap)
        np.testing.assert_allclose(along, np.sum((root @ (3.0 * first)) ** 2) / 2.0, rtol=ROUNDING)
