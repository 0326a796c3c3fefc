"""What R's glm, VGAM, nnet, sandwich and MASS say of the same models."""

import numpy as np
import pytest
from estimates import golden, housing_counts, hsb2, is_not_academic
from scipy.special import expit

from softglm import SoftmaxGLM, infer

R = golden("r")
INPUTS = {name: np.array(values) for name, values in R["inputs"].items()}
# R's Newton method stops at a relative deviance of 1e-15.
DIGITS = {"rtol": 1e-8, "atol": 1e-11}
# Covariances that glm and VGAM return are those of the iterate before their last.
COVARIANCE_DIGITS = {"rtol": 1e-6, "atol": 1e-9}
# Root finding in R, to 1e-11 on deviances printed to 1e-15.
PROFILE_DIGITS = {"rtol": 0.0, "atol": 1e-6}


def inferred(data, *, fit_intercept=True, weights="frequency", **options):
    given = {"sample_weight": data.weights, "offset": data.offset}
    model = SoftmaxGLM(alpha=0, fit_intercept=fit_intercept).fit(data.X, data.y, **given)
    return infer(model, data.X, data.y, **given, weights=weights, **options)


def binary(**given):
    return hsb2(is_not_academic, **given)


MULTINOMIAL = {
    "hsb2": lambda: inferred(hsb2()),
    "counts": lambda: inferred(housing_counts()),
    "offset": lambda: inferred(hsb2(offset=INPUTS["offset"])),
    "no_intercept": lambda: inferred(hsb2(), fit_intercept=False),
    "frequency": lambda: inferred(hsb2(weights=INPUTS["frequency"])),
}


@pytest.mark.parametrize("name", MULTINOMIAL)
def test_multinomial_fits_are_those_of_vgam(name):
    ours, theirs = MULTINOMIAL[name](), R[name]
    np.testing.assert_allclose(ours.coefficients.estimate, theirs["estimate"], **COVARIANCE_DIGITS)
    np.testing.assert_allclose(ours.covariance_matrix, theirs["covariance"], **COVARIANCE_DIGITS)
    assert ours.deviance == pytest.approx(theirs["deviance"], rel=1e-10)
    if "log_likelihood" in theirs:
        assert ours.log_likelihood == pytest.approx(theirs["log_likelihood"], rel=1e-10)


def test_the_null_model_has_the_same_offset():
    ours = MULTINOMIAL["offset"]()
    assert ours.null_log_likelihood == pytest.approx(R["offset"]["null_log_likelihood"], rel=1e-10)


def test_the_summary_of_nnet_is_matched():
    ours, theirs = MULTINOMIAL["hsb2"]().coefficients, R["hsb2_nnet"]
    # Where its quasi-Newton method stops.
    np.testing.assert_allclose(ours.estimate, theirs["estimate"], rtol=1e-5)
    np.testing.assert_allclose(ours.std_error, theirs["std_error"], rtol=1e-5)


BINARY = {
    "binary": lambda: inferred(binary()),
    "binary_offset": lambda: inferred(binary(offset=INPUTS["offset"][:, 1])),
    "binary_no_intercept": lambda: inferred(binary(), fit_intercept=False),
    "binary_frequency": lambda: inferred(binary(weights=INPUTS["frequency"])),
}


@pytest.mark.parametrize("name", BINARY)
def test_two_classes_are_glm_binomial(name):
    ours, theirs = BINARY[name](), R[name]
    np.testing.assert_allclose(ours.coefficients.estimate[0], theirs["estimate"], **DIGITS)
    np.testing.assert_allclose(ours.covariance_matrix, theirs["covariance"], **COVARIANCE_DIGITS)
    assert ours.deviance == pytest.approx(theirs["deviance"], rel=1e-11)
    assert ours.null_deviance == pytest.approx(theirs["null_deviance"], rel=1e-11)


def test_two_classes_have_the_criteria_of_glm():
    ours, theirs = BINARY["binary"](), R["binary"]
    assert ours.log_likelihood == pytest.approx(theirs["log_likelihood"], rel=1e-12)
    assert ours.aic == pytest.approx(theirs["aic"], rel=1e-12)
    assert ours.bic == pytest.approx(theirs["bic"], rel=1e-12)


@pytest.mark.parametrize(("kind", "name"), [("lr", "lr"), ("score", "rao")])
def test_two_classes_have_the_tests_of_anova(kind, name):
    np.testing.assert_allclose(BINARY["binary"]().test_terms(kind).statistic, R["binary"][name], **DIGITS)


def test_predictions_have_the_standard_errors_of_the_link():
    ours = BINARY["binary"]().predict(binary().X)
    link, error = np.array(R["binary"]["link"]), np.array(R["binary"]["link_se"])
    np.testing.assert_allclose(ours.probability[:, 1], expit(link), **DIGITS)
    np.testing.assert_allclose(ours.std_error[:, 1], expit(link) * expit(-link) * error, **DIGITS)
    np.testing.assert_allclose(ours.std_error[:, 0], ours.std_error[:, 1], rtol=1e-12)
    np.testing.assert_allclose(ours.lower[:, 1], expit(link - 1.959963984540054 * error), **DIGITS)
    np.testing.assert_allclose(ours.upper[:, 0], 1.0 - ours.lower[:, 1], rtol=1e-12)


SANDWICHES = {
    "hc0": {"covariance": "robust"},
    "hc1": {"covariance": "HC1"},
    "hc3": {"covariance": "HC3"},
    "cluster_raw": {"covariance": "cluster", "clusters": INPUTS["clusters"], "correction": "1"},
    "cluster_groups": {"covariance": "cluster", "clusters": INPUTS["clusters"]},
    "cluster_stata": {
        "covariance": "cluster",
        "clusters": INPUTS["clusters"],
        "correction": "G/(G-1)*(n-1)/(n-k)",
    },
    "cluster_two_way_raw": {
        "covariance": "cluster",
        "clusters": np.column_stack([INPUTS["clusters"], INPUTS["clusters2"]]),
        "correction": "1",
    },
    "cluster_two_way": {
        "covariance": "cluster",
        "clusters": np.column_stack([INPUTS["clusters"], INPUTS["clusters2"]]),
        "correction": "G/(G-1)",
    },
}


@pytest.mark.parametrize("name", SANDWICHES)
def test_robust_covariances_are_those_of_sandwich(name):
    ours = inferred(binary(), **SANDWICHES[name]).covariance_matrix
    np.testing.assert_allclose(ours, R["binary"][name], **DIGITS)


@pytest.mark.parametrize(("name", "kind"), [("hc0", "robust"), ("hc3", "HC3")])
def test_frequency_weights_repeat_the_rows_of_sandwich(name, kind):
    ours = inferred(binary(weights=INPUTS["frequency"]), covariance=kind).covariance_matrix
    np.testing.assert_allclose(ours, R["binary_frequency"][name], **DIGITS)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sandwich", {"covariance": "robust"}),
        ("cluster_raw", {"covariance": "cluster", "clusters": INPUTS["clusters"], "correction": "1"}),
    ],
)
def test_sampling_weights_are_those_of_sandwich(name, options):
    ours = inferred(binary(weights=INPUTS["sampling"]), weights="sampling", **options)
    np.testing.assert_allclose(ours.coefficients.estimate[0], R["binary_sampling"]["estimate"], **DIGITS)
    np.testing.assert_allclose(ours.covariance_matrix, R["binary_sampling"][name], **DIGITS)


def binary_counts():
    successes, failures = np.array(R["binary_counts"]["y"]).T
    data = housing_counts()
    return type(data)(data.X, np.column_stack([failures, successes]).astype(float))


@pytest.mark.parametrize(("name", "kind"), [("covariance", "model"), ("hc0", "robust"), ("hc3", "HC3")])
def test_a_row_of_counts_is_one_unit(name, kind):
    ours = inferred(binary_counts(), covariance=kind).covariance_matrix
    np.testing.assert_allclose(ours, R["binary_counts"][name], **DIGITS)


def test_quasi_likelihood_is_quasibinomial():
    ours = inferred(binary_counts()).quasi_likelihood()
    np.testing.assert_allclose(ours.covariance_matrix, R["binary_counts"]["quasi_covariance"], **DIGITS)
    assert ours.degrees_of_freedom == R["binary_counts"]["degrees"]


def test_profile_intervals_are_those_of_root_finding_in_r():
    ours = MULTINOMIAL["hsb2"]().confidence_intervals("profile")
    np.testing.assert_allclose(np.moveaxis(ours, 0, -1), R["profile"], **PROFILE_DIGITS)
    ours = BINARY["binary"]().confidence_intervals("profile")
    np.testing.assert_allclose(ours[:, 0].T, R["binary"]["profile"], **PROFILE_DIGITS)


def test_profile_intervals_are_those_of_vgam_and_mass_to_their_splines():
    ours = MULTINOMIAL["hsb2"]().confidence_intervals("profile")
    np.testing.assert_allclose(np.moveaxis(ours, 0, -1), R["profile_vgam"], rtol=0.0, atol=3e-4)
    ours = BINARY["binary"]().confidence_intervals("profile")
    np.testing.assert_allclose(ours[:, 0].T, R["binary"]["profile_mass"], rtol=0.0, atol=3e-4)
