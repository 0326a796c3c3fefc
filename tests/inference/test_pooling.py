"""Rubin's rules: the values of mice and mitml, formulas written out, and what cannot be pooled."""

import pickle

import numpy as np
import pytest
from estimates import golden, other_rows
from problems import overlapping, separable
from scipy import stats

from softglm import SoftmaxGLM, infer, pool
from softglm.inference.rubin import denominator

R = golden("r_samples")["pooled"]
# Two programs at optima that each found to rounding; degrees of freedom divide by the square of a small difference.
DIGITS = {"rtol": 1e-6}
# mitml differentiates the restrictions numerically.
TEST_DIGITS = {"rtol": 1e-5}
ROUNDING = {"rtol": 1e-9, "atol": 1e-12}
M = 5


def imputations(classes, **options):
    """The five fits of the golden values."""
    frame = other_rows("womenlf_imputed")
    results = []
    for m in range(1, M + 1):
        X = np.column_stack([frame[f"hincome{m}"], frame.children == "present"]).astype(float)
        y = frame.partic.map({level: k for k, level in enumerate(classes)}).fillna(0).astype(int)
        results.append(infer(SoftmaxGLM(alpha=0, tol=1e-12).fit(X, y), X, y, **options))
    return results


CLASSES = {"binary": ["not.work", "fulltime"], "several": ["not.work", "parttime", "fulltime"]}


@pytest.mark.parametrize("name", R)
def test_a_pooled_table_is_that_of_mice(name):
    theirs = {key: np.array([row[key] for row in R[name]["table"]]) for key in R[name]["table"][0]}
    for distribution, suffix in (("t", ""), ("normal", "_infinite")):
        ours = pool(imputations(CLASSES[name], distribution=distribution))
        table = ours.coefficients
        np.testing.assert_allclose(table.estimate.ravel(), theirs["estimate"], **DIGITS)
        np.testing.assert_allclose(table.std_error.ravel(), theirs["std_error"], **DIGITS)
        np.testing.assert_allclose(table.df.ravel(), theirs[f"df{suffix}"], **DIGITS)
        np.testing.assert_allclose(ours.missing_information.ravel(), theirs[f"fmi{suffix}"], **DIGITS)
        reach = stats.t(table.df).isf(0.025) * table.std_error
        np.testing.assert_allclose(table.upper - table.estimate, reach, **ROUNDING)


@pytest.mark.parametrize("name", R)
def test_tests_of_several_coefficients_are_the_d1_of_mitml(name):
    for distribution, kind in (("t", "finite"), ("normal", "infinite")):
        ours = pool(imputations(CLASSES[name], distribution=distribution))
        tests = {"income": ours.test_terms({"income": [0]}), "both": ours.test_terms({"both": [0, 1]})}
        for term, theirs in R[name]["tests"].items():
            test, expected = tests[term], theirs[kind]
            np.testing.assert_allclose(test.statistic[0], expected["F"], **TEST_DIGITS)
            assert test.df[0] == expected["df1"]
            if (expected["df1"], kind) != (1, "finite"):  # of one restriction Barnard and Rubin's are used instead
                np.testing.assert_allclose(test.df_denominator[0], expected["df2"], **TEST_DIGITS)
                np.testing.assert_allclose(test.p_value[0], expected["p_value"], **TEST_DIGITS)
        assert ours.overall_test.p_value == tests["both"].p_value[0]


def test_a_test_of_one_coefficient_has_the_p_value_of_the_table():
    pooled = pool(imputations(CLASSES["several"], distribution="t"))
    table = pooled.coefficients
    for place, contrast in enumerate(np.identity(6)):
        test = pooled.wald_test(contrast)
        np.testing.assert_allclose(test.p_value, table.p_value.ravel()[place], rtol=1e-7)
        np.testing.assert_allclose(test.df_denominator, table.df.ravel()[place], **ROUNDING)
        at_estimate = pooled.wald_test(contrast, table.estimate.ravel()[place])
        assert at_estimate.p_value == pytest.approx(1.0)


@pytest.mark.parametrize("copies", [2, 7])
def test_copies_of_one_result_are_pooled_to_that_result(copies):
    data = overlapping()
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y)
    pooled = pool([result] * copies)
    for what in ("estimate", "std_error", "z", "p_value", "lower", "upper"):
        np.testing.assert_allclose(getattr(pooled.coefficients, what), getattr(result.coefficients, what), **ROUNDING)
    np.testing.assert_allclose(pooled.covariance_matrix, result.covariance_matrix, **ROUNDING)
    np.testing.assert_allclose(pooled.missing_information, 0.0, atol=1e-25)
    alone, together = result.test_terms("wald"), pooled.test_terms()
    np.testing.assert_allclose(together.statistic, alone.statistic / alone.df, **ROUNDING)
    np.testing.assert_allclose(together.p_value, alone.p_value, rtol=1e-7)


def test_rules_by_hand():
    data = overlapping()
    rng = np.random.default_rng(0)
    noisy = [data.X + rng.normal(scale=0.3, size=data.X.shape) for _ in range(4)]
    results = [infer(SoftmaxGLM(alpha=0).fit(X, data.y), X, data.y, covariance="robust") for X in noisy]
    pooled = pool(iter(results))
    estimates = np.array([result.coefficients.estimate for result in results])
    variances = np.array([result.coefficients.std_error**2 for result in results])
    added = 1.25 * estimates.var(axis=0, ddof=1)
    np.testing.assert_allclose(pooled.coefficients.std_error**2, variances.mean(axis=0) + added, **ROUNDING)
    np.testing.assert_allclose(pooled.relative_increase, added / variances.mean(axis=0), **ROUNDING)
    df = 3.0 * (1.0 + variances.mean(axis=0) / added) ** 2
    np.testing.assert_allclose(pooled.coefficients.df, df, rtol=1e-7)


def test_another_base_class_is_the_same_pooled_fit():
    pooled = pool(imputations(CLASSES["several"], distribution="t"))
    other = pooled.rebase(2)
    difference = np.kron([1.0, -1.0], np.identity(3))  # of class 1 against 2
    np.testing.assert_allclose(
        other.coefficients.estimate[1], difference @ pooled.coefficients.estimate.ravel(), rtol=1e-8
    )
    covariance = difference @ pooled.covariance_matrix @ difference.T
    np.testing.assert_allclose(other.covariance_matrix[3:, 3:], covariance, rtol=1e-8)
    np.testing.assert_allclose(other.overall_test.statistic, pooled.overall_test.statistic, rtol=1e-8)
    assert (other.reference, other.terms) == (2, pooled.terms)


def test_degrees_of_freedom_from_few_clusters_are_those_of_complete_data():
    data, clusters = overlapping(), np.arange(150) % 9
    options = {"covariance": "CR2", "clusters": clusters}
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, **options)
    pooled = pool([result, result])
    complete = result.coefficients.df
    np.testing.assert_allclose(pooled.coefficients.df, (complete + 1.0) / (complete + 3.0) * complete, **ROUNDING)


@pytest.mark.parametrize("complete", [30.0, 1e3, np.inf])
@pytest.mark.parametrize(("m", "k"), [(2, 2), (2, 4), (3, 2), (3, 3), (20, 5)])
def test_denominators_fall_as_more_is_missing_and_never_exceed_those_of_more_data(m, k, complete):
    increases = np.array([1e-3, 1e-2, 0.1, 1.0, 10.0])
    df = np.array([denominator(m, k, increase, complete) for increase in increases])
    assert (np.diff(df) < 0.0).all()
    assert (df > 0.0).all()
    larger = np.array([denominator(m, k, increase, 10.0 * complete) for increase in increases])
    assert (df <= larger * (1.0 + 1e-12)).all()


def test_a_table_says_what_is_missing_and_how_many_imputations_that_takes():
    pooled = pool(imputations(CLASSES["several"]))
    text = str(pooled)
    assert text.startswith("5 imputations of 263 observations, base class: 0")
    assert "missing" in text.splitlines()[2]
    assert "White, Royston & Wood 2011" in " ".join(text.split())
    assert repr(pooled) == text
    frame = pooled.to_frame()
    assert frame.columns.tolist()[-2:] == ["relative_increase", "missing_information"]
    assert "Pooled Wald (D1) tests" in str(pooled.test_terms())
    assert pooled.coefficients.odds_ratios().df is pooled.coefficients.df
    assert str(pickle.loads(pickle.dumps(pooled.coefficients))) == str(pooled.coefficients)  # noqa: S301 - our own


def test_what_cannot_be_pooled_is_refused():
    data = overlapping()
    X, y = data.X, data.y
    model = SoftmaxGLM(alpha=0).fit(X, y)
    good = infer(model, X, y)

    def refused(other, message):
        with pytest.raises(ValueError, match=message):
            pool([good, other])

    with pytest.raises(ValueError, match="got 1 results"):
        pool([good])
    with pytest.raises(TypeError, match="got a SoftmaxGLM"):
        pool([good, SoftmaxGLM()])
    refused(good.rebase(1), r"Result 1 \(of 2, from 0\) has the base class 1, and the first 0")
    refused(infer(SoftmaxGLM(alpha=0).fit(X, y + 1), X, y + 1), "the classes")
    refused(infer(SoftmaxGLM(alpha=0).fit(X[:, :3], y), X[:, :3], y), "the terms")
    refused(infer(SoftmaxGLM(alpha=0).fit(X[1:], y[1:]), X[1:], y[1:]), "observations")
    refused(infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, covariance="robust"), "the covariance robust")
    robust, corrected = (infer(model, X, y, covariance="robust", correction=how) for how in ("1", "n/(n-1)"))
    with pytest.raises(ValueError, match=r"has the covariance robust \(HC0\), times n/\(n-1\), and the first"):
        pool([robust, corrected])
    refused(infer(model, X, y, estimates="bias-reduced"), "the estimates bias-reduced, and the first maximum likel")
    refused(infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, distribution="t"), "the distribution t")
    refused(infer(SoftmaxGLM().fit(X, y), X, y), "Refit with alpha=0")
    twice = X[:, [0, 1, 2, 2]]
    refused(infer(SoftmaxGLM(alpha=0).fit(twice, y), twice, y), "not estimable")
    apart = separable()
    with pytest.warns(UserWarning, match="separated"):
        separated = SoftmaxGLM(alpha=0).fit(apart.X, apart.y)
    infinite = infer(separated, apart.X, apart.y)
    with pytest.raises(ValueError, match="infinite"):
        pool([infinite, infinite])
