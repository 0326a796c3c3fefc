"""Results with their names: profile intervals, covariance, influence."""

import numpy as np
import pytest
from estimates import hsb2
from problems import two_classes

from softglm import SeparationWarning, SoftmaxGLM, infer


@pytest.fixture(scope="module")
def students():
    data = hsb2()
    return infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y)


def test_profiled_coefficients_differ_in_their_intervals_and_tests_only(students):
    wald, profiled = students.coefficients.to_frame(), students.profiled().to_frame()
    ends = students.confidence_intervals("profile")
    np.testing.assert_array_equal(profiled[["lower", "upper"]], ends.reshape(2, -1).T)
    for changed in ("lower", "z", "p_value"):
        assert not np.allclose(profiled[changed], wald[changed], rtol=1e-3)
    same = ["class", "term", "estimate", "std_error"]
    assert profiled[same].equals(wald[same])
    ratios = students.profiled().odds_ratios()
    np.testing.assert_allclose(np.log(ratios.upper), ends[1], rtol=1e-12)


def test_an_infinite_estimate_has_one_end_in_print():
    X, y = np.array([[-2.0], [-1.0], [1.0], [2.5]]), np.array([0, 0, 1, 1])
    with pytest.warns(SeparationWarning):
        result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    table = result.profiled()
    assert np.isfinite(table.lower[0, 1])
    assert table.upper[0, 1] == np.inf
    assert str(table).splitlines()[-1].split()[-1] == "+inf"


def test_the_covariance_is_named_by_class_and_term(students):
    frame = students.covariance_frame()
    table = students.coefficients
    variances = frame.to_numpy().diagonal().reshape(table.std_error.shape)
    np.testing.assert_allclose(variances, table.std_error**2, rtol=1e-12)
    term = table.terms[-1]
    one, other = table.classes
    matrix = students.covariance_matrix
    assert frame.loc[(one, term), (other, term)] == matrix[len(table.terms) - 1, -1]
    assert frame.index.names == frame.columns.names == ["class", "term"]


@pytest.mark.parametrize("make", [hsb2, two_classes])
def test_the_influence_of_rows_is_a_frame(make):
    data = make()
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y)
    frame = result.influence_frame()
    assert list(frame) == ["leverage", "residual", "cooks_distance"]
    np.testing.assert_array_equal(frame["leverage"], result.leverage)
    np.testing.assert_array_equal(frame["cooks_distance"], result.cooks_distance)
    pearson = result.residuals("pearson").reshape(len(frame), -1)
    np.testing.assert_allclose(frame["residual"], np.linalg.norm(pearson, axis=1), rtol=1e-12)
