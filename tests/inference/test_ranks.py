"""The rank of a hypothesis does not depend on the units or the origin of the columns it is about."""

import numpy as np
import pytest
from problems import collinear, overlapping

from softglm import SoftmaxGLM, compare, infer
from softglm.inference.estimable import triangle_of
from softglm.inference.significance import wald

# Raw polynomials of years are collinear to six digits, of which ten are left in the statistics.
COLLINEAR = {"rtol": 3e-4}
ROUNDING = {"rtol": 1e-9}
KINDS = ["wald", "lr", "score"]


def years(first, last, n_classes, degree=3, n=600):
    """Rows of t, t^2, ...; of u, u^2, ..., u centred; and classes that depend on the powers of u."""
    rng = np.random.default_rng(0)
    t = rng.integers(first, last + 1, n).astype(float)
    u = (t - (first + last) / 2.0) / 10.0
    centred = np.column_stack([u**power for power in range(1, degree + 1)])
    eta = np.column_stack([np.zeros(n), *(centred @ rng.normal(size=degree) for _ in range(n_classes - 1))])
    y = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1)
    return np.column_stack([t**power for power in range(1, degree + 1)]), centred, y


def test_the_cubic_of_raw_years_keeps_its_three_degrees_of_freedom():
    rng = np.random.default_rng(0)
    t = rng.integers(1990, 2021, 600).astype(float)
    u = (t - 2005) / 10
    y = (rng.uniform(size=600) < 1 / (1 + np.exp(-(0.3 * u + 0.8 * u**2 - 0.9 * u**3)))).astype(int)
    X = np.column_stack([t, t**2, t**3])
    test = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y).test_terms("wald", groups={"t": [0, 1, 2]})
    assert test.df.tolist() == [3]
    assert test.statistic[0] == pytest.approx(48.605, abs=5e-4)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize(("first", "last"), [(1990, 2020), (2000, 2010), (1900, 2020)])
def test_a_polynomial_is_tested_alike_in_raw_and_in_centred_powers(first, last, n_classes):
    raw, centred, y = years(first, last, n_classes)
    one, other = (infer(SoftmaxGLM(alpha=0).fit(X, y), X, y) for X in (raw, centred))
    robust = [
        infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, covariance=kind)
        for X in (raw, centred)
        for kind in ("robust", "HC3")
    ]
    for kind in KINDS:
        # Of all powers, and of those above the first: both are the same hypotheses in either basis.
        groups = {"all": [0, 1, 2], "curved": [1, 2], "cubic": [2]}
        tests = [result.test_terms(kind, groups) for result in (one, other)]
        assert tests[0].df.tolist() == tests[1].df.tolist() == [k * (n_classes - 1) for k in (3, 2, 1)]
        np.testing.assert_allclose(tests[0].statistic, tests[1].statistic, **COLLINEAR)
    for left, right in ((robust[0], robust[2]), (robust[1], robust[3])):
        assert left.overall_test[1].df == 3 * (n_classes - 1)
        np.testing.assert_allclose(left.overall_test[1].statistic, right.overall_test[1].statistic, **COLLINEAR)
    apart = [result.indistinguishable(0, 1) for result in (one, other)]
    assert apart[0].df == 3
    np.testing.assert_allclose(apart[0].statistic, apart[1].statistic, **COLLINEAR)
    np.testing.assert_allclose(compare(one.null, one).statistic, other.likelihood_ratio.statistic, **COLLINEAR)
    np.testing.assert_allclose(one.symmetric().covariance_matrix.shape, other.symmetric().covariance_matrix.shape)


def test_weights_and_products_of_far_columns_keep_their_rank():
    rng = np.random.default_rng(1)
    price, size = rng.uniform(1e4, 1.02e4, 400), rng.uniform(300.0, 303.0, 400)
    raw = np.column_stack([price, size, price * size])
    one, other = (price - 1.01e4) / 100.0, size - 301.5
    centred = np.column_stack([one, other, one * other])
    y = (centred @ rng.normal(size=(3, 3)) + rng.gumbel(size=(400, 3))).argmax(axis=1)
    weights = rng.integers(1, 4, 400).astype(float)
    results = [infer(SoftmaxGLM(alpha=0).fit(X, y, weights), X, y, sample_weight=weights) for X in (raw, centred)]
    for kind in KINDS:
        tests = [result.test_terms(kind, {"all": [0, 1, 2], "product": [2]}) for result in results]
        assert tests[0].df.tolist() == [6, 2]
        np.testing.assert_allclose(tests[0].statistic, tests[1].statistic, **COLLINEAR)


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_named_twice_counts_once(kind):
    data = overlapping()
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y)
    tests = result.test_terms(kind, {"once": [0, 1], "twice": [0, 1, 0]})
    assert tests.df.tolist() == [4, 4]
    np.testing.assert_allclose(tests.statistic[0], tests.statistic[1], rtol=1e-7)  # the optimum to 1e-10 of its error


def test_combinations_that_repeat_others_count_once():
    data = overlapping()
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y)
    rows = np.random.default_rng(0).normal(size=(3, 10))
    plain = result.wald_test(rows)
    more = result.wald_test(np.concatenate([1e6 * rows, rows[:1] - 2.0 * rows[1:2]]))
    assert plain.df == more.df == 3
    np.testing.assert_allclose(plain.statistic, more.statistic, **ROUNDING)


def test_powers_are_not_mistaken_for_nested():
    raw, _, y = years(2000, 2010, 2)
    line, square = (infer(SoftmaxGLM(alpha=0).fit(X, y), X, y) for X in (raw[:, :1], raw[:, 1:2]))
    for one, other in ((line, square), (square, line)):
        with pytest.raises(ValueError, match="not nested"):
            compare(one, other)


@pytest.mark.parametrize("shift", [0.0, 2000.0])
def test_nearly_collinear_columns_are_estimable_beside_collinear_ones(shift):
    data = collinear()
    t = shift + np.arange(len(data.y)) % 11
    X = np.column_stack([data.X, t, t**2])
    result = infer(SoftmaxGLM(alpha=0).fit(X, data.y), X, data.y)
    table = result.coefficients
    # The fifth is a combination of others and the sixth the first: x2 alone, t and t^2 are told.
    known = [True, False, False, True, False, False, False, True, True]
    assert table.is_estimable.tolist() == [known] * 2
    centred = np.column_stack([data.X[:, :4], t - shift, (t - shift) ** 2])
    plain = infer(SoftmaxGLM(alpha=0).fit(centred, data.y), centred, data.y)
    np.testing.assert_allclose(table.z[:, -1], plain.coefficients.z[:, -1], **COLLINEAR)
    tests = [inference.test_terms("lr", {"t": [-2, -1]}) for inference in (result, plain)]
    assert tests[0].df == tests[1].df == 4
    np.testing.assert_allclose(tests[0].statistic, tests[1].statistic, **COLLINEAR)


def test_the_condition_number_of_columns_far_apart_in_scale_is_finite_and_that_of_a_factorisation():
    raw, _, y = years(1990, 2020, 2)
    result = infer(SoftmaxGLM(alpha=0).fit(raw, y), raw, y)
    probability = SoftmaxGLM(alpha=0).fit(raw, y).predict_proba(raw)[:, 1]
    weighted = np.column_stack([np.ones(len(y)), raw - raw.mean(axis=0)])
    weighted *= np.sqrt(probability * (1.0 - probability))[:, np.newaxis]
    singular = np.linalg.svd(weighted / np.linalg.norm(weighted, axis=0), compute_uv=False)
    np.testing.assert_allclose(result.condition_number, singular[0] / singular[-1], rtol=1e-3)


def test_a_covariance_of_few_clusters_has_their_rank_and_no_more():
    rng = np.random.default_rng(0)
    root, shares = rng.normal(size=(5, 3)), rng.normal(size=3)
    test = wald(root, root @ shares)
    assert (test.df, test.n_restrictions) == (3, 5)
    np.testing.assert_allclose(test.statistic, shares @ shares, rtol=1e-9)
    assert np.isnan(wald(np.zeros((5, 0)), np.ones(5)).p_value)


def test_a_triangle_of_blocks_is_that_of_all_rows():
    rows = np.random.default_rng(0).normal(size=(50, 4))
    triangle = triangle_of((rows[start : start + 7],) for start in range(0, 50, 7))
    np.testing.assert_allclose(triangle.T @ triangle, rows.T @ rows, **ROUNDING)
    assert triangle_of([(rows[:2],)]).shape == (4, 4)
