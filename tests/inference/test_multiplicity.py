"""Many tests at once: Holm's p-values, and the distribution of the largest statistic where that is known."""

import numpy as np
import pytest
from scipy import stats

from softglm.inference.multiplicity import JointMaximum, holm

# Standard errors of a simulation that a difference may be.
MOST_ERRORS = 4.0
# What SciPy's own quantiles of t are off by.
QUANTILE = 1e-9
Z = np.array([0.0, 0.5, 1.7, 2.5, 3.2, 5.0, 9.0])


def pointwise(freedom=None):
    return 2.0 * (stats.norm.sf(Z) if freedom is None else stats.t.sf(Z, freedom))


def test_holm_multiplies_by_the_tests_that_are_left():
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    np.testing.assert_allclose(holm(np.array([[0.01, 0.04], [0.03, 0.005]])), [[0.03, 0.06], [0.06, 0.02]])


def test_ties_have_one_p_value_and_what_is_not_tested_does_not_count():
    adjusted = holm(np.array([0.02, np.nan, 0.02, 0.9, 0.9]))
    np.testing.assert_allclose(adjusted, [0.08, np.nan, 0.08, 1.0, 1.0])


@pytest.mark.parametrize("freedom", [None, 7.0])
def test_one_statistic_however_often_is_its_own_largest(freedom):
    root = np.outer([1.0, -2.0, 1e-6], [0.3, 1.0, 2.0])
    joint = JointMaximum.of(root, freedom)
    found, errors = joint.p_value(Z, pointwise(freedom))
    np.testing.assert_allclose(found, pointwise(freedom), rtol=1e-12)
    assert errors.max() < 1e-12
    own = stats.norm() if freedom is None else stats.t(freedom)
    assert joint.quantile(0.9)[0] == pytest.approx(own.isf(0.05), rel=QUANTILE)


@pytest.mark.parametrize("n", [2, 5, 20])
def test_of_independent_ones_it_is_sidaks(n):
    joint = JointMaximum.of(np.diag(10.0 ** np.linspace(-3, 3, n)), None)
    found, errors = joint.p_value(Z, pointwise())
    expected = -np.expm1(n * np.log1p(-np.minimum(pointwise(), 1.0 - 1e-16)))
    assert (np.abs(found - expected) <= MOST_ERRORS * errors + 1e-12).all()
    assert (errors < 0.002).all()
    quantile, error = joint.quantile(0.95)
    assert abs(2 * n * stats.norm.sf(quantile) - 0.05) < 0.002 + MOST_ERRORS * error


def test_of_all_pairs_of_means_it_is_tukeys():
    pairs = np.array([[-1, 1, 0, 0], [-1, 0, 1, 0], [-1, 0, 0, 1], [0, -1, 1, 0], [0, -1, 0, 1], [0, 0, -1, 1]], float)
    joint = JointMaximum.of(pairs, 11.0)
    found, errors = joint.p_value(Z, pointwise(11.0))
    expected = stats.studentized_range.sf(Z * np.sqrt(2.0), 4, 11.0)
    assert (np.abs(found - expected) <= MOST_ERRORS * errors + 1e-6).all()


def test_far_out_p_values_are_between_the_pointwise_ones_and_bonferronis():
    rng = np.random.default_rng(0)
    joint = JointMaximum.of(rng.normal(size=(40, 12)), None)
    found, _ = joint.p_value(np.array([9.0, 20.0]), 2.0 * stats.norm.sf([9.0, 20.0]))
    assert (found >= 2.0 * stats.norm.sf([9.0, 20.0])).all()
    assert (found <= 80.0 * stats.norm.sf([9.0, 20.0])).all()
