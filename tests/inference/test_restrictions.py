"""Restrictions that no coefficients meet are refused, whatever their size, and without a warning."""

import numpy as np
import pytest
from problems import overlapping, two_classes

from softglm import SoftmaxGLM, infer


@pytest.fixture(scope="module", params=[overlapping, two_classes])
def result(request):
    data = request.param()
    return infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y)


def n_coefficients(result):
    return result.coefficients.estimate.size


@pytest.mark.parametrize("value", [1e-300, 1.0, 10.0, 1e300])
def test_a_restriction_of_no_coefficient_is_refused(result, value):
    # A warning would be an error here: values over the length of a row of zeros once overflowed.
    with pytest.raises(ValueError, match="are of no coefficient"):
        result.wald_test(np.zeros(n_coefficients(result)), value)


@pytest.mark.parametrize("value", [1.0, 10.0, 1e300])
def test_beside_one_that_can_be_met_it_is_refused_too(result, value):
    rows = np.stack([np.zeros(n_coefficients(result)), np.eye(n_coefficients(result))[1]])
    with pytest.raises(ValueError, match="are of no coefficient"):
        result.wald_test(rows, [value, 0.0])


@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1.0, 1e8, 1e200])
def test_restrictions_contradict_one_another_in_any_units(result, scale):
    row = np.eye(n_coefficients(result))[0]
    with pytest.raises(ValueError, match="contradict one another"):
        result.wald_test(np.stack([row, scale * row]), [0.0, scale])


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_a_restriction_said_twice_counts_once(result, scale):
    row = np.eye(n_coefficients(result))[0]
    once, twice = result.wald_test(row, 1.0), result.wald_test(np.stack([row, scale * row]), [1.0, scale])
    assert twice.df == once.df == 1
    assert twice.statistic == pytest.approx(once.statistic, rel=1e-7)


def test_nothing_said_is_nothing_to_test(result):
    assert str(result.wald_test(np.zeros(n_coefficients(result)))) == "chi2(0): nothing to test"
