"""What R says of data on which nothing here was tuned: elections, surveys, wages, separated and awkward columns."""

import numpy as np
import pytest
from estimates import columns_of, golden, other_data, other_rows

from softglm import SoftmaxGLM, compare, detect_separation, infer

R = golden("r_other")
MODELS, SEPARATED, CONSTANTS, SURVEYS = R["models"], R["separated"], R["constants"], R["survey"]
ROBUST = [name for name, values in MODELS.items() if "robust" in values]
# R took Newton steps until nothing changed; raw columns take some digits from both programs.
DIGITS = {"rtol": 1e-8, "atol": 1e-10}
# Inverses of second derivatives lose twice as many.
COVARIANCE_DIGITS = {"rtol": 1e-6, "atol": 1e-9}
# Differences of log-likelihoods in the hundreds, in double precision.
RATIO_DIGITS = {"rtol": 1e-8, "atol": 1e-8}
# In cubes of raw years eta is what is left of terms 1e8 times as large: 1e-5 standard errors, in statistics around 1.
CUBIC_DIGITS = {"rtol": 1e-5, "atol": 1e-5}
# A separated fit gets as near to its supremum as its margins say.
LIMIT_DIGITS = {"rtol": 1e-6, "atol": 1e-6}
# A p-value of 1e-80 has 200 times the relative error of its statistic.
P_DIGITS = {"rtol": 1e-6, "atol": 1e-300}


def inferred(spec, *, weights=None, fit_intercept=True, **options):
    data = other_data(spec)
    model = SoftmaxGLM(alpha=0, fit_intercept=fit_intercept).fit(data.X, data.y, sample_weight=weights)
    if weights is not None:
        options["weights"] = "sampling"
    return infer(model, data.X, data.y, sample_weight=weights, **options)


def terms_left_out(result, kind, spec):
    return result.test_terms(kind, groups=spec["terms"])


def separated_fit(spec, **options):
    data = other_data(spec)
    with pytest.warns(UserWarning, match="separated"):
        model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    return infer(model, data.X, data.y, **options)


@pytest.mark.parametrize("name", MODELS)
def test_estimates_covariances_and_likelihoods_are_those_of_r(name):
    ours, theirs = inferred(MODELS[name]), MODELS[name]
    np.testing.assert_allclose(ours.coefficients.estimate, theirs["estimate"], **DIGITS)
    np.testing.assert_allclose(ours.covariance_matrix, theirs["covariance"], **COVARIANCE_DIGITS)
    assert ours.log_likelihood == pytest.approx(theirs["log_likelihood"], rel=1e-11)
    assert ours.null_log_likelihood == pytest.approx(theirs["null_log_likelihood"], rel=1e-11)


@pytest.mark.parametrize("kind", ["lr", "wald"])
@pytest.mark.parametrize("name", MODELS)
def test_terms_have_the_tests_of_car(name, kind):
    ours, theirs = terms_left_out(inferred(MODELS[name]), kind, MODELS[name]), MODELS[name][kind]
    np.testing.assert_allclose(ours.statistic, theirs["statistic"], **RATIO_DIGITS)
    np.testing.assert_array_equal(ours.df, theirs["df"])
    np.testing.assert_allclose(ours.p_value, theirs["p_value"], **P_DIGITS)


def test_what_a_product_is_of_is_tested_by_comparing_fits():
    theirs = MODELS["womenlf_product"]
    additive = inferred({**theirs, "columns": [name for name in theirs["columns"] if "*" not in name]})
    for term, statistic, df in zip(*(theirs["type2"][key] for key in ("left_out", "statistic", "df")), strict=True):
        kept = [name for name in theirs["columns"] if "*" not in name and not name.startswith(term)]
        ours = compare(inferred({**theirs, "columns": kept}), additive)
        assert ours.statistic == pytest.approx(statistic, rel=1e-8)
        assert ours.df == df


@pytest.mark.parametrize("name", [name for name, values in MODELS.items() if "at_means" in values])
def test_predictions_at_the_means_are_those_of_effects(name):
    theirs = MODELS[name]["at_means"]
    dummies = MODELS[name]["terms"][theirs["term"]]
    levels = np.vstack([np.zeros(len(dummies)), np.identity(len(dummies))])
    ours = inferred(MODELS[name]).average_predictions(dummies, levels, at="means")
    np.testing.assert_allclose(ours.probability, theirs["estimate"], **DIGITS)
    np.testing.assert_allclose(ours.std_error, theirs["std_error"], **COVARIANCE_DIGITS)


CLUSTERED = {
    "hc0": lambda _: {"covariance": "HC0"},
    "cluster_raw": lambda values: {"covariance": "cluster", "clusters": values["clusters"], "correction": "1"},
    "cluster_groups": lambda values: {"covariance": "cluster", "clusters": values["clusters"]},
    "two_way_raw": lambda values: {"covariance": "cluster", "clusters": values["ways"], "correction": "1"},
    "two_way_groups": lambda values: {"covariance": "cluster", "clusters": values["ways"], "correction": "G/(G-1)"},
}


@pytest.mark.parametrize("kind", CLUSTERED)
@pytest.mark.parametrize("name", ROBUST)
def test_robust_and_clustered_covariances_are_those_of_sandwich(name, kind):
    values = MODELS[name]["robust"]
    ours = inferred(MODELS[name], **CLUSTERED[kind](values))
    np.testing.assert_allclose(ours.covariance_matrix, values[kind], **COVARIANCE_DIGITS)


@pytest.mark.parametrize("name", ROBUST)
def test_an_indefinite_covariance_is_clipped_to_a_definite_one(name):
    values = MODELS[name]["robust"]
    assert values["two_way_least_eigenvalue_raw"] < -0.1
    eigenvalues = np.linalg.eigvalsh(inferred(MODELS[name], **CLUSTERED["two_way_raw"](values)).covariance_matrix)
    assert eigenvalues[0] > -1e-12 * eigenvalues[-1]


WALD = {
    "tests_model": lambda _: {},
    "tests_hc0": CLUSTERED["hc0"],
    "tests_cluster": CLUSTERED["cluster_groups"],
}


def contrasts(result, positions):
    return np.identity(result.coefficients.estimate.size)[positions]


@pytest.mark.parametrize("kind", WALD)
@pytest.mark.parametrize("name", ROBUST)
def test_wald_tests_are_chi_squared(name, kind):
    values = MODELS[name]["robust"]
    result = inferred(MODELS[name], **WALD[kind](values))
    ours = [result.wald_test(contrasts(result, positions)) for positions in values[kind]["positions"]]
    np.testing.assert_allclose([test.statistic for test in ours], values[kind]["chi2"], **COVARIANCE_DIGITS)
    np.testing.assert_array_equal([test.df for test in ours], values[kind]["df"])
    np.testing.assert_allclose([test.p_value for test in ours], values[kind]["chi2_p_value"], rtol=1e-4)


@pytest.mark.parametrize("kind", WALD)
@pytest.mark.parametrize("name", ROBUST)
def test_wald_tests_are_f_where_the_freedom_is_finite(name, kind):
    values = MODELS[name]["robust"]
    result = inferred(MODELS[name], **WALD[kind](values), distribution="t")
    ours = [result.wald_test(contrasts(result, positions)) for positions in values[kind]["positions"]]
    np.testing.assert_allclose([test.statistic for test in ours], values[kind]["f"], **COVARIANCE_DIGITS)
    np.testing.assert_array_equal([test.df for test in ours], values[kind]["df"])
    np.testing.assert_array_equal([test.df_denominator for test in ours], values[kind]["df_denominator"])
    np.testing.assert_allclose([test.p_value for test in ours], values[kind]["f_p_value"], rtol=1e-4)


@pytest.mark.parametrize("name", ROBUST)
def test_terms_are_tested_by_f_where_the_freedom_is_finite(name):
    values = MODELS[name]["robust"]
    result = inferred(MODELS[name], **WALD["tests_cluster"](values), distribution="t")
    names = values["term_names"]
    ours = result.test_terms("wald", groups={term: MODELS[name]["terms"][term] for term in names})
    theirs = {key: values["tests_cluster"][key] for key in ("f", "df", "f_p_value", "df_denominator")}
    np.testing.assert_allclose(ours.statistic, theirs["f"][: len(names)], **COVARIANCE_DIGITS)
    np.testing.assert_array_equal(ours.df, theirs["df"][: len(names)])
    np.testing.assert_allclose(ours.p_value, theirs["f_p_value"][: len(names)], rtol=1e-4)
    assert ours.df_denominator == theirs["df_denominator"]


@pytest.mark.parametrize("name", ROBUST)
def test_the_test_of_one_coefficient_is_the_square_of_its_t(name):
    values = MODELS[name]["robust"]
    table = inferred(MODELS[name], **WALD["tests_cluster"](values), distribution="t").coefficients
    np.testing.assert_allclose(table.p_value, values["cluster_p_values_t"], rtol=1e-5)


YEARS = ["t", "t^2", "t^3", "z"]


def cubic_fit(values):
    frame = other_rows(values["data"])
    y = frame.y.clip(upper=values["classes"] - 1).to_numpy()
    X = columns_of(frame, YEARS)
    return infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)


@pytest.mark.parametrize("kind", ["lr", "wald"])
@pytest.mark.parametrize("case", range(len(R["cubic"])))
def test_a_cubic_of_raw_years_is_tested_as_if_it_were_centred(case, kind):
    values = R["cubic"][case]
    groups = {str(test["columns"]): test["columns"] for test in values["tests"]}
    ours = cubic_fit(values).test_terms(kind, groups=groups)
    np.testing.assert_array_equal(ours.df, [test["df"] for test in values["tests"]])
    np.testing.assert_allclose(ours.statistic, [test[kind] for test in values["tests"]], **CUBIC_DIGITS)


@pytest.mark.parametrize("case", range(len(R["cubic"])))
def test_a_cubic_of_raw_years_has_the_likelihood_of_the_centred_one(case):
    values = R["cubic"][case]
    ours = cubic_fit(values)
    assert ours.log_likelihood == pytest.approx(values["log_likelihood"], abs=CUBIC_DIGITS["atol"])
    first = columns_of(other_rows(values["data"]).head(5), YEARS)
    np.testing.assert_allclose(ours.predict(first).probability, values["probability_of_first_rows"], **CUBIC_DIGITS)


@pytest.mark.parametrize("name", SEPARATED)
def test_what_is_decided_is_what_r_sees_vanish(name):
    data = other_data(SEPARATED[name])
    assert detect_separation(data.X, data.y).excluded.sum() == SEPARATED[name]["decided"]


@pytest.mark.parametrize("name", SEPARATED)
def test_the_likelihood_of_separated_classes_is_the_supremum(name):
    ours, theirs = separated_fit(SEPARATED[name]), SEPARATED[name]
    assert ours.log_likelihood == pytest.approx(theirs["supremum"], **_approx(LIMIT_DIGITS))
    assert ours.null_log_likelihood == pytest.approx(theirs["null_log_likelihood"], rel=1e-11)


@pytest.mark.parametrize("name", SEPARATED)
def test_terms_of_separated_classes_are_tested_by_suprema(name):
    ours, theirs = terms_left_out(separated_fit(SEPARATED[name]), "lr", SEPARATED[name]), SEPARATED[name]["lr"]
    np.testing.assert_allclose(ours.statistic, theirs["statistic"], **LIMIT_DIGITS)
    np.testing.assert_array_equal(ours.df, theirs["df"])
    np.testing.assert_allclose(ours.p_value, theirs["p_value"], rtol=1e-4)


@pytest.mark.parametrize("name", SEPARATED)
def test_all_terms_of_separated_classes_together_are_tested_by_suprema(name):
    ours, theirs = separated_fit(SEPARATED[name]).likelihood_ratio, SEPARATED[name]["overall"]
    assert ours.statistic == pytest.approx(theirs["statistic"][0], **_approx(LIMIT_DIGITS))
    assert ours.df == theirs["df"][0]


WITH_FINITE_TERMS = [name for name, values in SEPARATED.items() if values["finite"]]


@pytest.mark.parametrize("name", WITH_FINITE_TERMS)
def test_terms_of_finite_estimates_keep_their_wald_tests(name):
    theirs = SEPARATED[name]
    groups = {term: theirs["terms"][term] for term in theirs["finite"]}
    result = separated_fit(theirs)
    ours = result.test_terms("wald", groups=groups)
    np.testing.assert_allclose(ours.statistic, theirs["finite_wald"]["statistic"], **LIMIT_DIGITS)
    np.testing.assert_array_equal(ours.df, theirs["finite_wald"]["df"])


@pytest.mark.parametrize("name", WITH_FINITE_TERMS)
def test_finite_estimates_of_separated_classes_keep_their_standard_errors(name):
    theirs = SEPARATED[name]
    errors = separated_fit(theirs).coefficients.std_error
    for term in theirs["finite"]:
        columns = np.array(theirs["terms"][term]) + 1
        np.testing.assert_allclose(errors[:, columns], theirs["finite_std_error"][term], **LIMIT_DIGITS)


@pytest.mark.parametrize("name", CONSTANTS)
def test_a_constant_among_the_columns_is_an_intercept(name):
    ours, theirs = inferred(CONSTANTS[name], fit_intercept=False), CONSTANTS[name]
    assert ours.log_likelihood == pytest.approx(theirs["log_likelihood"], rel=1e-11)
    assert ours.null_log_likelihood == pytest.approx(theirs["null_log_likelihood"], rel=1e-11)
    assert ours.pseudo_r2("mcfadden") == pytest.approx(theirs["mcfadden"], rel=1e-9)
    assert ours.likelihood_ratio.statistic == pytest.approx(theirs["likelihood_ratio"]["statistic"][0], rel=1e-9)
    assert ours.likelihood_ratio.df == theirs["likelihood_ratio"]["df"][0]


@pytest.mark.parametrize("kind", ["rows", "clustered"])
@pytest.mark.parametrize("name", SURVEYS)
def test_survey_weights_have_the_design_based_errors_of_survey(name, kind):
    theirs = SURVEYS[name]
    # survey counts primary sampling units, of which a row is one where there are no clusters: n / (n - 1), G / (G - 1).
    options = {
        "rows": {"covariance": "robust", "correction": "n/(n-1)"},
        "clustered": {"covariance": "cluster", "clusters": theirs["clusters"], "correction": "G/(G-1)"},
    }[kind]
    ours = inferred(MODELS[name], weights=np.array(theirs["weights"]), **options)
    np.testing.assert_allclose(ours.coefficients.estimate, theirs["estimate"], **DIGITS)
    np.testing.assert_allclose(ours.covariance_matrix, theirs[kind], **COVARIANCE_DIGITS)


def _approx(digits):
    return {"rel": digits["rtol"], "abs": digits["atol"]}
