"""The tables of textbooks and manuals, from a default fit without penalty.

anes96: Stata 11's mlogit, in statsmodels' own test results. hsb2: UCLA's multinomial logit example. housing: R's
MASS::housing with nnet and car. insure: the first example of mlogit in Stata's manual, which prints its cross table.
Recomputed by an independent Newton method where more digits are given than printed.
"""

import numpy as np
import pandas as pd
import pytest
from estimates import GOLDEN, anes96, housing_counts, hsb2
from problems import Data

from softglm import SoftmaxGLM, infer

# Of the digits of the recomputed values.
DIGITS = {"rtol": 1e-8, "atol": 0.0}


def inferred(data, **options):
    return infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, **options)


@pytest.fixture(scope="module")
def anes():
    return inferred(anes96())


@pytest.fixture(scope="module")
def pupils():
    return inferred(hsb2())


@pytest.fixture(scope="module")
def tenants():
    frame = pd.read_csv(GOLDEN / "data" / "housing.csv")
    X = np.column_stack(
        [frame.Infl == "Medium", frame.Infl == "High"]
        + [frame.Type == name for name in ("Apartment", "Atrium", "Terrace")]
        + [frame.Cont == "High"]
    ).astype(float)
    model = SoftmaxGLM(alpha=0).fit(X, frame.Sat, sample_weight=frame.Freq)
    return infer(model, X, frame.Sat, sample_weight=frame.Freq, reference="Low")


# As many as Stata prints of a coefficient.
PRINTED = {"rtol": 1e-6, "atol": 1e-7}


@pytest.fixture(scope="module")
def insured():
    """Insurance of whites and nonwhites: indemnity, prepaid, none."""
    counts = np.array([[251, 208, 36], [43, 69, 9]])
    return inferred(Data(np.array([[0.0], [1.0]]), counts))


def test_the_insured_have_the_equations_that_stata_prints_for_either_base(insured):
    table = insured.coefficients
    np.testing.assert_allclose(table.estimate[:, ::-1], [[0.6608212, -0.1879149], [0.3779585, -1.941934]], **PRINTED)
    np.testing.assert_allclose(table.std_error[:, ::-1], [[0.2157321, 0.0937644], [0.407589, 0.1782185]], **PRINTED)
    np.testing.assert_allclose([table.lower[0, 1], table.upper[0, 1]], [0.2379942, 1.083648], **PRINTED)
    assert round(insured.likelihood_ratio.statistic, 2) == 9.62
    assert round(insured.pseudo_r2(), 4) == 0.0086
    np.testing.assert_allclose(insured.rebase(1).coefficients.estimate[0, 1], -0.6608212, **PRINTED)
    np.testing.assert_allclose(table.odds_ratios().ratio[0, 1], 1.936382, **PRINTED)


def by_term(values):
    """The intercept last, as the tables have it."""
    return np.roll(values, -1)


def test_anes96_has_the_likelihoods_that_stata_prints(anes):
    assert anes.log_likelihood == pytest.approx(-1461.922747312, rel=1e-10)
    assert anes.null_log_likelihood == pytest.approx(-1750.34670999, rel=1e-10)
    assert anes.likelihood_ratio.statistic == pytest.approx(576.8479253554, rel=1e-9)
    assert anes.likelihood_ratio.df == 30
    assert anes.pseudo_r2() == pytest.approx(0.1647810465387, rel=1e-9)
    assert anes.aic == pytest.approx(2995.84549462, rel=1e-10)
    assert anes.bic == pytest.approx(3170.45003661, rel=1e-10)


def test_anes96_has_the_coefficients_and_standard_errors_that_stata_prints(anes):
    table = anes.coefficients
    expected = [-0.01153598, 0.29771435, -0.024945, 0.08249144, 0.00519655, -0.37340167]
    np.testing.assert_allclose(by_term(table.estimate[0]), expected, rtol=0.0, atol=1e-8)
    expected = [0.0342823657, 0.093626795, 0.0065248584, 0.0735865799, 0.0176336937, 0.6298376313]
    np.testing.assert_allclose(by_term(table.std_error[0]), expected, rtol=1e-8)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("lr", [16.4399850726, 478.1011783179, 19.5958841963, 15.9437579956, 28.7935404392]),
        ("wald", [16.0922455647, 257.0273629618, 19.0086453554, 15.4974117911, 27.3970332689]),
        ("score", [16.3562188818, 385.7682295131, 19.4473291510, 15.7637731203, 28.3509189994]),
    ],
)
def test_anes96_has_the_tests_per_feature(anes, kind, expected):
    tests = anes.test_terms(kind)
    np.testing.assert_allclose(tests.statistic, expected, **DIGITS)
    assert tests.df.tolist() == [6] * 5
    assert tests.terms == ("x0", "x1", "x2", "x3", "x4")


def test_anes96_has_the_robust_and_the_clustered_standard_errors_of_statsmodels():
    data = anes96()
    robust = inferred(data, covariance="robust").coefficients.std_error[:2, 1]
    np.testing.assert_allclose(robust, [0.0341177, 0.03772755], rtol=0.0, atol=5e-8)
    clustered = inferred(
        data, covariance="cluster", clusters=np.arange(944) // 8, correction="G/(G-1)*(n-1)/(n-k)"
    ).coefficients.std_error[:2, 1]
    np.testing.assert_allclose(clustered, [0.03038325, 0.04068279], rtol=0.0, atol=5e-9)


def test_hsb2_has_the_likelihoods_that_ucla_prints(pupils):
    assert pupils.log_likelihood == pytest.approx(-179.9817262150927, rel=1e-12)
    assert pupils.null_log_likelihood == pytest.approx(-204.0966742320, rel=1e-11)
    assert pupils.deviance == pytest.approx(359.9634524302, rel=1e-11)
    assert pupils.aic == pytest.approx(375.9634524302, rel=1e-11)
    # The tenth digit is misprinted, as 359.9634524302 + 8 log(200) shows; so is that of Nagelkerke's R squared below.
    assert pupils.bic == pytest.approx(402.3499912626, rel=1e-8)
    assert pupils.pseudo_r2("mcfadden") == pytest.approx(0.1181545369, abs=1e-10)
    assert pupils.pseudo_r2("cox-snell") == pytest.approx(0.2142758326, abs=1e-10)
    assert pupils.pseudo_r2("nagelkerke") == pytest.approx(0.2462666218, rel=1e-8)


def test_hsb2_has_the_coefficients_and_standard_errors_that_ucla_prints(pupils):
    table = pupils.coefficients
    expected = [
        [2.852186236, -0.5332910125, -1.1628319964, -0.0579284097],
        [5.2182001571, 0.291393116, -0.9826703252, -0.1136026398],
    ]
    np.testing.assert_allclose(table.estimate, expected, rtol=1e-8)
    expected = [
        [1.1664391356, 0.4437321357, 0.5142194537, 0.021410946],
        [1.1635489696, 0.4763737054, 0.5955669386, 0.0222198991],
    ]
    np.testing.assert_allclose(table.std_error, expected, rtol=1e-8)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("lr", [11.0582220022, 31.4469230235]),
        ("wald", [10.8161589879, 26.4632843101]),
        ("score", [11.2361106423, 30.6217802917]),
    ],
)
def test_hsb2_has_the_tests_of_the_factor_and_of_write(pupils, kind, expected):
    tests = pupils.test_terms(kind, {"ses": [0, 1], "write": ["x2"]})
    np.testing.assert_allclose(tests.statistic, expected, **DIGITS)
    assert tests.df.tolist() == [4, 2]


def test_hsb2_has_the_average_marginal_effect_of_write(pupils):
    effects = pupils.marginal_effects()
    np.testing.assert_allclose(effects.estimate[2], [0.0171411958, -0.0028291625, -0.0143120334], rtol=0, atol=1e-10)
    np.testing.assert_allclose(effects.std_error[2], [0.0028767703, 0.0028245666, 0.0025116978], rtol=0, atol=1e-10)


def test_hsb2_has_the_robust_standard_errors_of_write():
    std_error = inferred(hsb2(), covariance="robust").coefficients.std_error[:, 3]
    np.testing.assert_allclose(std_error, [0.0217299149, 0.0218119209], rtol=0.0, atol=1e-10)


def test_housing_has_the_likelihoods_of_nnet(tenants):
    assert tenants.n_observations == 1681
    assert tenants.log_likelihood == pytest.approx(-1735.041933170561, rel=1e-12)
    assert tenants.deviance == pytest.approx(3470.083866341, rel=1e-12)
    assert tenants.aic == pytest.approx(3498.0838663, rel=1e-10)


def test_housing_has_the_coefficients_of_nnet(tenants):
    table = tenants.coefficients
    assert table.classes.tolist() == ["High", "Medium"]
    medium = [-0.4192287412, 0.4463958928, 0.6649353277, -0.4356886991, 0.1313703025, -0.6665704576, 0.3608518826]
    high = [-0.138742759, 0.7348632193, 1.6126310661, -0.7356317401, -0.4079780863, -1.4123276842, 0.4818270026]
    np.testing.assert_allclose(table.estimate, [high, medium], rtol=0.0, atol=1e-9)


def test_housing_has_the_type_two_tests_of_car(tenants):
    tests = tenants.test_terms("lr", {"Infl": [0, 1], "Type": [2, 3, 4], "Cont": [5]})
    np.testing.assert_allclose(tests.statistic, [109.11745549, 62.22692215, 16.05973224], rtol=1e-8)
    assert tests.df.tolist() == [4, 6, 2]


def test_the_table_of_counts_is_the_same_fit_with_a_deviance_of_its_own(tenants):
    grouped = inferred(housing_counts())
    assert grouped.log_likelihood == pytest.approx(tenants.log_likelihood, rel=1e-12)
    assert grouped.n_observations == 1681
    np.testing.assert_allclose(
        grouped.covariance_matrix, tenants.rebase("Low").covariance_matrix[np.ix_(*[_medium_first()] * 2)], rtol=1e-8
    )
    fit = grouped.goodness_of_fit()
    assert grouped.deviance == pytest.approx(38.6622047205, rel=1e-10)
    assert grouped.null_deviance == pytest.approx(217.4559594250, rel=1e-10)
    assert (fit.deviance, fit.pearson) == pytest.approx((38.6622047205, 38.9104260550), rel=1e-10)
    assert fit.df == 34


def _medium_first():
    return np.roll(np.arange(14), 7)
