"""Frequency weights are repeated rows, sampling weights are not, and an offset is a known part of eta."""

import numpy as np
import pytest
from problems import counts, overlapping, two_classes, weighted_with_offset

from softglm import SoftmaxGLM, infer

# The two fits end where rounding lets them.
DIGITS = {"rtol": 1e-8, "atol": 1e-10}


def inferred(X, y, *, sample_weight=None, offset=None, alpha=0.0, class_weight=None, **options):
    model = SoftmaxGLM(alpha=alpha, class_weight=class_weight)
    model.fit(X, y, sample_weight=sample_weight, offset=offset)
    return infer(model, X, y, sample_weight=sample_weight, offset=offset, **options)


def assert_same_inference(one, other):
    np.testing.assert_allclose(one.coefficients.estimate, other.coefficients.estimate, **DIGITS)
    np.testing.assert_allclose(one.covariance_matrix, other.covariance_matrix, **DIGITS)


@pytest.mark.parametrize("make", [overlapping, two_classes])
@pytest.mark.parametrize("options", [{"covariance": kind} for kind in ("model", "robust", "HC1", "HC3")])
def test_a_weight_of_two_is_a_repeated_row(make, options):
    data = make()
    copies = 1 + np.arange(len(data.y)) % 3
    rows = np.repeat(np.arange(len(data.y)), copies)
    weighted = inferred(data.X, data.y, sample_weight=copies, **options)
    repeated = inferred(data.X[rows], data.y[rows], **options)
    assert_same_inference(weighted, repeated)
    assert weighted.n_observations == repeated.n_observations
    if options["covariance"] == "model":
        assert weighted.bic == pytest.approx(repeated.bic, rel=1e-11)
    np.testing.assert_allclose(weighted.test_terms("wald").statistic, repeated.test_terms("wald").statistic, **DIGITS)


@pytest.mark.parametrize("kind", ["lr", "score"])
def test_the_tests_of_weighted_rows_are_those_of_repeated_ones(kind):
    data = overlapping()
    copies = 1 + np.arange(len(data.y)) % 2
    rows = np.repeat(np.arange(len(data.y)), copies)
    weighted = inferred(data.X, data.y, sample_weight=copies).test_terms(kind)
    repeated = inferred(data.X[rows], data.y[rows]).test_terms(kind)
    np.testing.assert_allclose(weighted.statistic, repeated.statistic, **DIGITS)


def test_a_row_of_weight_zero_is_not_there():
    data = overlapping()
    weights = (np.arange(len(data.y)) % 5 > 0).astype(float)
    kept = weights > 0
    options = {"covariance": "cluster", "clusters": np.arange(len(data.y)) // 5}
    with_zeros = inferred(data.X, data.y, sample_weight=weights, **options)
    without = inferred(data.X[kept], data.y[kept], covariance="cluster", clusters=options["clusters"][kept])
    assert_same_inference(with_zeros, without)
    with_zeros = inferred(data.X, data.y, sample_weight=weights, weights="sampling", covariance="HC1")
    assert with_zeros.n_observations == kept.sum()
    assert_same_inference(with_zeros, inferred(data.X[kept], data.y[kept], covariance="HC1"))


def test_counts_are_repeated_rows_where_the_likelihood_is_concerned():
    data = counts()
    rows, classes = np.nonzero(data.y)
    copies = data.y[rows, classes]
    grouped = inferred(data.X, data.y)
    single = inferred(data.X[rows], classes, sample_weight=copies)
    assert_same_inference(grouped, single)
    assert grouped.log_likelihood == pytest.approx(single.log_likelihood, rel=1e-12)
    for kind in ("lr", "wald", "score"):
        np.testing.assert_allclose(grouped.test_terms(kind).statistic, single.test_terms(kind).statistic, **DIGITS)
    # A row of counts is one unit of the sandwich.
    robust = inferred(data.X, data.y, covariance="robust").covariance_matrix
    other = inferred(data.X[rows], classes, sample_weight=copies, covariance="robust").covariance_matrix
    assert not np.allclose(robust, other, rtol=1e-2)


def test_clusters_of_single_rows_are_the_robust_covariance():
    data = overlapping()
    clustered = inferred(data.X, data.y, covariance="cluster", clusters=np.arange(len(data.y)), correction="1")
    assert_same_inference(clustered, inferred(data.X, data.y, covariance="robust"))


def test_clusters_may_be_strings_and_their_order_does_not_matter():
    data = overlapping()
    codes = np.arange(len(data.y)) % 10
    named = np.array([f"village {9 - code}" for code in codes])
    assert_same_inference(
        inferred(data.X, data.y, covariance="cluster", clusters=named),
        inferred(data.X, data.y, covariance="cluster", clusters=codes),
    )


def test_two_way_clusters_of_which_one_is_nested_are_the_coarse_ones():
    data = overlapping()
    coarse = np.arange(len(data.y)) // 10
    both = np.column_stack([coarse, np.arange(len(data.y))])
    two_way = inferred(data.X, data.y, covariance="cluster", clusters=both, correction="1")
    assert_same_inference(two_way, inferred(data.X, data.y, covariance="cluster", clusters=coarse, correction="1"))
    assert two_way.covariance.n_clusters == (15, 150)


def test_the_scale_of_sampling_weights_does_not_matter():
    data = overlapping()
    weights = 0.5 + np.random.default_rng(0).random(len(data.y))
    options = {"weights": "sampling", "covariance": "robust"}
    assert_same_inference(
        inferred(data.X, data.y, sample_weight=weights, **options),
        inferred(data.X, data.y, sample_weight=7.0 * weights, **options),
    )


def test_class_weights_are_sampling_weights_of_the_rows_of_a_class():
    data = overlapping()
    factors = {0: 1.0, 1: 2.0, 2: 0.5}
    of_classes = inferred(data.X, data.y, class_weight=factors, covariance="robust")
    of_rows = inferred(
        data.X,
        data.y,
        sample_weight=np.array([1.0, 2.0, 0.5])[data.y],
        weights="sampling",
        covariance="robust",
    )
    assert_same_inference(of_classes, of_rows)


def test_an_offset_adds_to_the_intercepts():
    data = overlapping()
    shift = np.array([0.3, -1.0, 2.0])
    plain = inferred(data.X, data.y)
    moved = inferred(data.X, data.y, offset=np.tile(shift, (len(data.y), 1)))
    np.testing.assert_allclose(moved.covariance_matrix, plain.covariance_matrix, **DIGITS)
    difference = plain.coefficients.estimate - moved.coefficients.estimate
    np.testing.assert_allclose(difference[:, 0], shift[1:] - shift[0], **DIGITS)
    assert moved.null_log_likelihood == pytest.approx(plain.null_log_likelihood, rel=1e-12)


def test_the_offset_of_a_feature_takes_its_part_of_the_coefficient():
    data = overlapping()
    known = np.outer(data.X[:, 0], [0.0, 0.5, -0.25])
    plain = inferred(data.X, data.y)
    moved = inferred(data.X, data.y, offset=known)
    difference = plain.coefficients.estimate - moved.coefficients.estimate
    np.testing.assert_allclose(difference[:, 1], [0.5, -0.25], **DIGITS)
    np.testing.assert_allclose(moved.coefficients.std_error, plain.coefficients.std_error, **DIGITS)


def test_robust_and_model_agree_where_the_model_is_right_and_rows_are_many():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 2))
    y = (X @ rng.normal(size=(2, 3)) + rng.gumbel(size=(20_000, 3))).argmax(axis=1)
    model, robust = (inferred(X, y, covariance=kind).coefficients.std_error for kind in ("model", "robust"))
    np.testing.assert_allclose(robust, model, rtol=0.05)


REFUSED = {
    "sampling weights": {"sample_weight": np.arange(1, 151) / 50.0, "weights": "sampling"},
    "class weights": {"class_weight": "balanced"},
}


@pytest.mark.parametrize("name", REFUSED)
def test_reweighted_fits_have_no_likelihood(name):
    data = overlapping()
    with pytest.raises(ValueError, match='Pass covariance="robust"'):
        inferred(data.X, data.y, **REFUSED[name])
    result = inferred(data.X, data.y, **REFUSED[name], covariance="robust")
    for ask in (
        lambda: result.aic,
        lambda: result.bic,
        result.pseudo_r2,
        lambda: result.likelihood_ratio,
        lambda: result.test_terms("lr"),
        lambda: result.test_terms("score"),
        lambda: result.confidence_intervals("profile"),
    ):
        with pytest.raises(ValueError, match=r"""test_terms\("wald"\)|confidence_intervals\("wald"\)"""):
            ask()
    assert result.test_terms("wald").df.tolist() == [2] * 4
    assert "pseudo-likelihood" in str(result)


def test_robust_covariances_are_for_wald_tests():
    data = overlapping()
    result = inferred(data.X, data.y, covariance="robust")
    for kind in ("lr", "score"):
        with pytest.raises(ValueError, match=r'Use test_terms\("wald"\)'):
            result.test_terms(kind)
    with pytest.raises(ValueError, match=r'Use confidence_intervals\("wald"\)'):
        result.confidence_intervals("profile")


@pytest.mark.parametrize("options", [{"covariance": "robust"}, {"covariance": "HC3"}, {"clusters": np.arange(150) % 9}])
def test_one_rule_for_what_trusts_the_likelihood(options):
    data = overlapping()
    options = {"covariance": "cluster", **options}
    untrusting = [inferred(data.X, data.y, **options)]
    table = counts()
    untrusting.append(inferred(table.X, table.y).quasi_likelihood())
    for result in untrusting:
        for ask in (lambda: result.aic, lambda: result.bic, lambda: result.likelihood_ratio, result.test_terms):  # noqa: B023
            with pytest.raises(ValueError, match=r"would trust the likelihood, which the .* covariance was chosen not"):
                ask()
        assert result.pseudo_r2() > 0.0
        assert "AIC" not in str(result)
        assert "Wald" in result.overall_test[0]


def test_weighted_rows_with_an_offset_predict_what_the_model_predicts():
    data = weighted_with_offset()
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y, data.weights, data.offset)
    result = infer(model, data.X, data.y, sample_weight=data.weights, offset=data.offset)
    expected = model.predict_proba(data.X, data.offset)
    np.testing.assert_allclose(result.predict(data.X, data.offset).probability, expected, **DIGITS)
    with pytest.raises(ValueError, match="Pass the offset of these rows"):
        result.predict(data.X)


@pytest.mark.parametrize("options", [*REFUSED.values(), {}])
def test_profile_intervals_without_a_likelihood_point_to_wald_intervals(options):
    data = overlapping()
    result = inferred(data.X, data.y, **options, covariance="robust")
    with pytest.raises(ValueError, match=r'^Profile intervals would .* Use confidence_intervals\("wald"\)\.$'):
        result.confidence_intervals("profile")
    with pytest.raises(ValueError, match=r'Use test_terms\("wald"\)\.$'):
        result.test_terms()


def test_hc0_is_a_name_of_robust():
    data = overlapping()
    result = inferred(data.X, data.y, covariance="HC0")
    assert result.covariance.kind == "robust"
    np.testing.assert_array_equal(
        result.covariance_matrix, inferred(data.X, data.y, covariance="robust").covariance_matrix
    )
