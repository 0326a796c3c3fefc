from dataclasses import replace

import numpy as np
import pytest
from estimates import anes96, estimate_of, golden, housing_counts, hsb2, is_not_academic
from problems import OVERLAPPING, Data
from scipy import stats

from softglm.inference.diagnostics import residuals
from softglm.inference.goodness import goodness_of_fit, hosmer_lemeshow

ROUNDING = {"rtol": 1e-9, "atol": 1e-11}


def lemeshow(estimate, trials=None, *, groups=10, reference=0):
    classes = np.arange(estimate.n_classes)
    return hosmer_lemeshow(estimate, groups=groups, reference=reference, classes=classes, trials=trials)


def fitted(data, estimate):
    """The fitted probabilities, from the residuals: the shares less these."""
    response = residuals(estimate, "response", None)
    return data.shares - (np.column_stack([-response, response]) if data.n_classes == 2 else response)


@pytest.mark.parametrize("groups", [3, 8, 10])
@pytest.mark.parametrize("make", [hsb2, anes96, lambda: hsb2(is_not_academic), OVERLAPPING["overlapping"]])
def test_groups_of_sorted_rows(make, groups):
    # Without ties: the rows in g stretches, of lengths that differ by one at most.
    data = make()
    rng = np.random.default_rng(0)
    data = replace(data, X=data.X + 1e-3 * rng.normal(size=data.X.shape))
    estimate = estimate_of(data)
    p, n = fitted(data, estimate), len(data.y)
    for reference in range(min(data.n_classes, 3)):
        order = np.argsort(-p[:, reference if data.n_classes > 2 else data.shares.sum(axis=0).argmin()])
        group = np.arange(n) * groups // n
        observed = np.array([data.shares[order[group == g]].sum(axis=0) for g in range(groups)])
        expected = np.array([p[order[group == g]].sum(axis=0) for g in range(groups)])
        statistic = ((observed - expected) ** 2 / expected).sum()
        df = (groups - 2) * (data.n_classes - 1)

        result = lemeshow(estimate, groups=groups, reference=reference)
        np.testing.assert_allclose(result.observed, observed, **ROUNDING)
        np.testing.assert_allclose(result.expected, expected, **ROUNDING)
        np.testing.assert_allclose(result.statistic, statistic, **ROUNDING)
        assert result.df == df
        np.testing.assert_allclose(result.p_value, stats.chi2.sf(statistic, df), **ROUNDING)


def test_two_classes_have_the_statistic_of_hosmer_and_lemeshow():
    # In their form: sum (O - E)^2 / (E (1 - E / n_g)) over the groups, of the second class alone.
    data = hsb2(is_not_academic)
    result = lemeshow(estimate_of(data))
    totals = result.observed.sum(axis=1)
    observed, expected = result.observed[:, 1], result.expected[:, 1]
    statistic = ((observed - expected) ** 2 / (expected * (1.0 - expected / totals))).sum()
    np.testing.assert_allclose(result.statistic, statistic, **ROUNDING)
    assert result.df == 8


def ties():
    """Features of few values: many rows have the same probabilities."""
    rng = np.random.default_rng(1)
    X = rng.integers(4, size=(400, 2)).astype(float)
    y = (X @ [[0.0, 0.4, -0.3], [0.0, 0.0, 0.5]] + rng.gumbel(size=(400, 3))).argmax(axis=1)
    return Data(X, y.astype(np.int32))


def assert_same_test(one, other):
    np.testing.assert_allclose(one.observed, other.observed, **ROUNDING)
    np.testing.assert_allclose(one.expected, other.expected, **ROUNDING)
    np.testing.assert_allclose(one.p_value, other.p_value, **ROUNDING)
    assert one.df == other.df


def test_the_order_of_the_rows_does_not_matter():
    data = ties()
    order = np.random.default_rng(2).permutation(len(data.y))
    assert_same_test(lemeshow(estimate_of(data)), lemeshow(estimate_of(Data(data.X[order], data.y[order]))))


def test_tied_rows_stay_together():
    data = ties()
    result = lemeshow(estimate_of(data))
    _, sizes = np.unique(fitted(data, estimate_of(data))[:, 0].round(9), return_counts=True)
    # The least probable first; each group ends where a set of tied rows does.
    ends = np.cumsum(sizes[::-1])
    np.testing.assert_array_equal(np.isin(np.cumsum(result.observed.sum(axis=1)).round(9), ends), True)


def test_weight_two_is_a_repeated_row():
    data = ties()
    copies = np.arange(len(data.y)) % 3
    rows = np.repeat(np.arange(len(data.y)), copies)
    weighted = lemeshow(estimate_of(replace(data, weights=copies.astype(float))))
    assert_same_test(weighted, lemeshow(estimate_of(Data(data.X[rows], data.y[rows]))))


def test_counts_are_repeated_rows():
    data = housing_counts()
    rows, classes = np.repeat(np.argwhere(data.y >= 0), data.y.ravel(), axis=0).T
    counted = lemeshow(estimate_of(data), data.y.sum(axis=1).astype(float))
    assert_same_test(counted, lemeshow(estimate_of(Data(data.X[rows], classes.astype(np.int32)))))


def test_groups_left_empty_by_ties_have_no_degrees_of_freedom():
    data = ties()
    result = lemeshow(estimate_of(data), groups=100)
    n_distinct = len(np.unique(fitted(data, estimate_of(data))[:, 0].round(9)))
    assert len(result.observed) <= n_distinct
    assert (result.observed.sum(axis=1) > 0.0).all()
    assert result.df == (len(result.observed) - 2) * 2


def test_a_right_model_is_not_rejected_more_often_than_it_should_be():
    p_values = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(600, 2))
        y = (X @ [[0.0, 1.0, -1.0], [0.0, 0.5, 0.5]] + rng.gumbel(size=(600, 3))).argmax(axis=1)
        p_values.append(lemeshow(estimate_of(Data(X, y.astype(np.int32)))).p_value)
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_a_wrong_model_is_rejected():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(2000, 1))
    y = (np.column_stack([np.zeros(2000), X[:, 0] ** 2, X[:, 0]]) + rng.gumbel(size=(2000, 3))).argmax(axis=1)
    assert lemeshow(estimate_of(Data(X, y.astype(np.int32)))).p_value < 1e-6


def test_a_frame_of_observed_and_expected():
    frame = lemeshow(estimate_of(hsb2())).to_frame()
    assert frame.columns.tolist() == ["group", "class", "observed", "expected"]
    assert len(frame) == 30
    assert frame.observed.sum() == pytest.approx(200.0)
    assert frame.expected.sum() == pytest.approx(200.0)


def test_what_has_no_hosmer_lemeshow_test_is_refused():
    estimate = estimate_of(hsb2())
    with pytest.raises(ValueError, match="at least 3, got 2"):
        lemeshow(estimate, groups=2)
    with pytest.raises(ValueError, match="alpha=0"):
        lemeshow(estimate_of(hsb2(), 0.1))
    soft = OVERLAPPING["soft_labels"]()
    with pytest.raises(ValueError, match="fractions"):
        lemeshow(estimate_of(soft), soft.y.sum(axis=1))
    tied = Data(np.arange(40.0)[:, np.newaxis] % 2, np.arange(40, dtype=np.int32) // 3 % 2)
    with pytest.raises(ValueError, match="only 2 of 10 groups"):
        lemeshow(estimate_of(tied))


def goodness(data):
    return goodness_of_fit(estimate_of(data), trials=data.y.sum(axis=1).astype(float), sample_weight=data.weights)


def test_the_published_fit_to_housing():
    result, values = goodness(housing_counts()), golden("r")["counts"]
    assert result.df == values["degrees"] == 34
    assert result.deviance == pytest.approx(38.6622047205, abs=5e-10)
    assert result.pearson == pytest.approx(38.9104260550, abs=5e-10)
    assert result.null_deviance == pytest.approx(217.4559594250, abs=5e-10)
    assert result.null_df == 46
    np.testing.assert_allclose(result.deviance_p_value, stats.chi2.sf(result.deviance, 34), **ROUNDING)
    np.testing.assert_allclose(result.pearson_p_value, stats.chi2.sf(result.pearson, 34), **ROUNDING)
    assert result.dispersion == pytest.approx(38.9104260550 / 34)


def test_the_dispersion_and_the_quasi_likelihood_of_r():
    values = golden("r")["binary_counts"]
    high, other = np.array(values["y"]).T
    data = replace(housing_counts(), y=np.column_stack([other, high]))
    result, estimate = goodness(data), estimate_of(data)
    assert result.df == values["degrees"]
    assert result.deviance == pytest.approx(values["deviance"], rel=1e-9)
    assert result.null_deviance == pytest.approx(values["null_deviance"], rel=1e-9)
    assert result.dispersion == pytest.approx(values["dispersion"], rel=1e-7)
    contrasts = estimate.contrast_map(0)
    std_errors = np.sqrt(np.diag(contrasts @ estimate.inverse_curvature @ contrasts.T))
    np.testing.assert_allclose(
        result.std_error_factor * std_errors, np.sqrt(np.diag(values["quasi_covariance"])), rtol=1e-6
    )


@pytest.mark.parametrize("offset", [True, False])
def test_the_statistics_are_the_squares_of_the_residuals(offset):
    data = OVERLAPPING["counts"]()
    n = len(data.y)
    weights = np.arange(n) % 3.0
    data = replace(data, weights=weights)
    if offset:
        data = replace(data, offset=np.random.default_rng(0).normal(size=(n, 3)))
    result, estimate, trials = goodness(data), estimate_of(data), data.y.sum(axis=1).astype(float)
    for kind, statistic in (("deviance", result.deviance), ("pearson", result.pearson)):
        np.testing.assert_allclose(
            statistic, weights @ np.square(residuals(estimate, kind, trials)).sum(axis=1), **ROUNDING
        )
    # Weight 2 is a repeated row of counts.
    assert result.df == weights.sum() * 2 - 8
    null = estimate_of(replace(data, X=np.zeros((n, 1))))
    null_residuals = residuals(null, "deviance", trials)
    np.testing.assert_allclose(result.null_deviance, weights @ np.square(null_residuals).sum(axis=1), **ROUNDING)
    expected = trials[:, np.newaxis] * data.shares - residuals(estimate, "response", trials)
    assert result.least_expected == pytest.approx(expected.min())


def test_a_saturated_model_leaves_nothing_to_test():
    data = Data(np.array([[0.0], [1.0]]), np.array([[3, 4, 5], [6, 2, 1]]))
    result = goodness(data)
    assert result.df == 0
    assert result.deviance == pytest.approx(0.0, abs=1e-9)
    assert np.isnan([result.deviance_p_value, result.pearson_p_value, result.dispersion]).all()


def test_individual_rows_are_refused_with_the_reason():
    estimate = estimate_of(hsb2())
    with pytest.raises(ValueError, match="hosmer_lemeshow"):
        goodness_of_fit(estimate, trials=None, sample_weight=None)
    with pytest.raises(ValueError, match="hosmer_lemeshow"):
        goodness(OVERLAPPING["soft_labels"]())
    with pytest.raises(ValueError, match="alpha=0"):
        goodness_of_fit(
            estimate_of(housing_counts(), 0.1), trials=housing_counts().y.sum(axis=1).astype(float), sample_weight=None
        )
