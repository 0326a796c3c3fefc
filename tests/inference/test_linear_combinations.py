"""Linear combinations of coefficients: R's values, and identities with the table, other bases and Wald's test."""

import numpy as np
import pandas as pd
import pytest
from estimates import golden, hsb2, is_not_academic
from problems import OVERLAPPING, Data, collinear, overlapping, separable, two_classes

from softglm import SoftmaxGLM, infer, pool
from softglm.inference import multiplicity

R = golden("r_combinations")
# What nnet's optimiser leaves of its Hessian.
NNET = {"rtol": 1e-4, "atol": 1e-6}
# Two Newton methods, each to rounding.
DIGITS = {"rtol": 1e-7, "atol": 1e-10}
# The same sums in another order.
ROUNDING = {"rtol": 1e-8, "atol": 1e-11}
# Simulation errors of mvtnorm and ours.
SIMULATED = 0.003
COLUMNS = ("estimate", "std_error", "z", "p_value", "lower", "upper")


def inferred(data, **options):
    return infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, **options)


def pupils(**options):
    data = hsb2()
    X = pd.DataFrame(np.asarray(data.X), columns=["ses_middle", "ses_high", "write"])
    return inferred(Data(X, np.array(["academic", "general", "vocational"])[data.y]), **options)


@pytest.fixture(scope="module")
def programs():
    return pupils()


def assert_is_that_of_r(result, stated, theirs, tolerance):
    found = result.linear_combinations(*stated)
    for name in COLUMNS:
        np.testing.assert_allclose(getattr(found, name), theirs[name], **tolerance)
    holm = result.linear_combinations(*stated, adjust="holm")
    np.testing.assert_allclose(holm.p_value, theirs["holm"], **tolerance)


def assert_are_together_those_of_r(result, stated, theirs):
    found, largest = (result.linear_combinations(*stated, adjust=how) for how in (None, "max-t"))
    np.testing.assert_allclose(largest.p_value, theirs["largest"], rtol=0.0, atol=SIMULATED)
    assert largest.quantile == pytest.approx(theirs["quantile"], abs=2 * SIMULATED)
    np.testing.assert_allclose(largest.upper, found.estimate + largest.quantile * found.std_error, **ROUNDING)


def test_of_three_classes_they_are_those_of_multcomp_and_car(programs):
    texts = [
        "[general]write = [vocational]write",
        "[general]ses_middle - [vocational]ses_middle = 0",
        "[general]ses_high = -1",
        "([general]Intercept + [vocational]Intercept) / 2 + 25 * ([general]write + [vocational]write) = 0.1",
    ]
    assert_is_that_of_r(programs, [texts], R["multinom"], NNET)
    assert_are_together_those_of_r(programs, [texts], R["multinom"])
    test = programs.wald_test(texts[:3])
    np.testing.assert_allclose(
        [test.statistic, test.df], [R["multinom"]["together"][key] for key in ("chi2", "df")], **NNET
    )


@pytest.mark.parametrize("name", ["two", "clustered"])
def test_of_two_classes_they_are_those_of_multcomp_and_car_with_t_and_with_clusters(name):
    options = {
        "two": {"distribution": "t"},
        "clustered": {"covariance": "cluster", "clusters": np.arange(200) % 20},
    }[name]
    result = inferred(hsb2(is_not_academic), **options)
    rows, values = [[0, 1, -1, 0], [1, 0, 1, 40], [0, 1, 1, 0]], [0.0, 0.0, 0.5]
    assert_is_that_of_r(result, [rows, values], R[name], DIGITS)
    if name == "two":
        assert_are_together_those_of_r(result, [rows, values], R[name])
    if name == "clustered":
        together, test = R[name]["together"], result.wald_test(["x0 = x1", "x0 + x1 = 0.5"])
        np.testing.assert_allclose(test.statistic, together["chi2"], **DIGITS)
        assert test.df == together["df"]


def assert_same_rows(found, table, **tolerance):
    for name in COLUMNS:
        theirs = getattr(table, name)
        if theirs is None:
            assert getattr(found, name) is None
        else:
            np.testing.assert_allclose(getattr(found, name), np.ravel(theirs), **tolerance)
    np.testing.assert_array_equal(found.may_go_either_way, table.may_go_either_way.ravel())


@pytest.mark.filterwarnings("ignore::softglm.SeparationWarning")
@pytest.mark.parametrize("name", ["overlapping", "two classes", "collinear", "separable", "penalised", "CR2", "robust"])
def test_a_coefficient_alone_is_its_row_of_the_table(name):
    clusters = np.arange(len(overlapping().y)) % 9
    data = {"two classes": two_classes, "collinear": collinear, "separable": separable}.get(name, overlapping)()
    options = {"CR2": {"covariance": "CR2", "clusters": clusters}, "robust": {"covariance": "robust"}}.get(name, {})
    model = SoftmaxGLM(alpha=0.1 if name == "penalised" else 0).fit(data.X, data.y)
    result = infer(model, data.X, data.y, **options)
    found = result.linear_combinations(np.identity(result.coefficients.estimate.size))
    assert_same_rows(found, result.coefficients, **ROUNDING)
    if name == "CR2":
        np.testing.assert_allclose(found.df, result.coefficients.df.ravel(), **ROUNDING)
    ratios, theirs = found.odds_ratios(), result.coefficients.odds_ratios()
    np.testing.assert_allclose(ratios.estimate, theirs.ratio.ravel(), **ROUNDING)
    np.testing.assert_allclose(ratios.std_error, theirs.std_error.ravel(), **ROUNDING)
    assert ratios.odds_ratios() is ratios


def quasi_separated():
    """Where the last feature is not 0 the class is the second: it is infinite, and another coefficient open."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 3))
    y = (X @ rng.normal(size=(3, 3)) + rng.gumbel(size=(120, 3))).argmax(axis=1)
    X[:, 2] = (y == 1) & (rng.random(120) < 0.4)
    return Data(X, y)


@pytest.mark.filterwarnings("ignore:.*one cluster alone knows")
def test_what_hangs_on_a_single_cluster_has_no_standard_error_and_what_does_not_has_one():
    rng = np.random.default_rng(2)
    clusters = np.arange(90) % 6
    data = Data(np.column_stack([rng.normal(size=(90, 2)), clusters == 0]), rng.integers(3, size=90))
    result = inferred(data, covariance="CR2", clusters=clusters, distribution="t")
    assert_same_rows(result.linear_combinations(np.identity(8)), result.coefficients, **ROUNDING)
    found = result.linear_combinations(["[1]x2 - [2]x2", "[1]x0 - [2]x0", "[1]x0 + [1]x2"], adjust="max-t")
    assert np.isnan(found.std_error).tolist() == np.isnan(found.df).tolist() == [True, False, True]
    assert np.isfinite(found.estimate).all()
    assert "one cluster alone knows" in " ".join(str(found).split())
    assert np.isnan(found.p_value).tolist() == [True, False, True]


@pytest.mark.filterwarnings("ignore::softglm.SeparationWarning")
@pytest.mark.parametrize("name", ["overlapping", "collinear", "separable", "quasi-separated"])
def test_differences_between_classes_are_the_coefficients_against_another_base(name):
    makes = {"collinear": collinear, "separable": separable, "quasi-separated": quasi_separated}
    result = inferred(makes.get(name, overlapping)())
    other = result.classes[-1]
    texts = [f"[{k}]{term} - [{other}]{term}" for k in result.classes[:-1] for term in result.terms]
    assert_same_rows(result.linear_combinations(texts), result.rebase(other).coefficients, **ROUNDING)


@pytest.mark.filterwarnings("ignore::softglm.SeparationWarning")
def test_what_is_infinite_is_told_as_far_as_the_data_tell():
    result = inferred(quasi_separated())
    texts = {
        "[1]x2": np.inf,
        "-[1]x2": -np.inf,
        "[1]x2 + 5 * [1]x0": np.inf,
        "[1]x2 - [2]x2": np.inf,
        "[1]x2 + [2]x2": np.nan,
        "[1]x2 - [1]x2": 0.0,
    }
    found = result.linear_combinations(list(texts))
    np.testing.assert_array_equal(found.estimate, list(texts.values()))
    assert np.isnan(found.std_error[:-1]).all()
    assert np.isnan(found.p_value).all()
    assert "infinite estimates leave it open" in str(found)
    assert "cluster" not in str(found.odds_ratios())
    either = result.linear_combinations("[2]x2")
    assert either.may_go_either_way.all()
    assert "\u00b1inf" in str(either)
    assert "0 or inf" in str(either.odds_ratios())
    finite = result.linear_combinations("[1]x0 + [2]x0")
    assert finite.z[0] ** 2 == pytest.approx(result.wald_test("[1]x0 + [2]x0").statistic)


def test_sums_of_what_is_not_estimable_may_be():
    result = inferred(collinear())
    # x4 = x0 - 2 x1 + x3 / 2, and x5 = x0.
    found = result.linear_combinations(["[1]x0", "[1]x0 + [1]x4 + [1]x5", "[1]x1 - 2 * [1]x4"])
    assert np.isnan(found.estimate).tolist() == [True, False, False]
    assert np.isfinite(found.p_value[1:]).all()


@pytest.mark.parametrize("law", ["normal", "t"])
@pytest.mark.parametrize("covariance", ["model", "CR2", "HC3"])
def test_squared_z_is_the_statistic_of_walds_test_with_the_same_p_value(covariance, law):
    options = {"clusters": np.arange(200) // 11} if covariance == "CR2" else {}
    result = pupils(covariance=covariance, distribution=law, **options)
    for text in ("[general]write = [vocational]write - 0.1", "[general]ses_high + 40 * [vocational]write"):
        found, test = result.linear_combinations(text), result.wald_test(text)
        np.testing.assert_allclose(found.z[0] ** 2, test.statistic, **ROUNDING)
        np.testing.assert_allclose(found.p_value[0], test.p_value, **ROUNDING)
        if covariance == "CR2" and law == "t":
            np.testing.assert_allclose(found.df[0], test.df_denominator, **ROUNDING)
    assert found.covariance.shape == (1, 1)
    assert found.covariance[0, 0] == pytest.approx(found.std_error[0] ** 2)


@pytest.mark.parametrize("name", ["counts", "many_classes", "weighted_with_offset"])
def test_units_scale_estimates_and_leave_tests(name):
    data = OVERLAPPING[name]()
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y, sample_weight=data.weights, offset=data.offset)
    result = infer(model, data.X, data.y, sample_weight=data.weights, offset=data.offset)
    rows = np.random.default_rng(5).normal(size=(2, result.coefficients.estimate.size))
    once, scaled = result.linear_combinations(rows), result.linear_combinations(-1e3 * rows)
    np.testing.assert_allclose(scaled.estimate, -1e3 * once.estimate, **ROUNDING)
    np.testing.assert_allclose(scaled.lower, -1e3 * once.upper, **ROUNDING)
    np.testing.assert_allclose(scaled.p_value, once.p_value, **ROUNDING)


def test_together_cr2_has_the_least_degrees_of_freedom(monkeypatch):
    monkeypatch.setattr(multiplicity, "_DIRECTIONS", 2**10)
    result = pupils(covariance="CR2", distribution="t", clusters=np.arange(200) // 11)
    rows = np.identity(8)[[1, 2, 3, 7]]
    alone = result.linear_combinations(rows)
    holm, largest = (result.linear_combinations(rows, adjust=how) for how in ("holm", "max-t"))
    smallest = alone.p_value.argmin()
    assert holm.p_value[smallest] == pytest.approx(4 * alone.p_value[smallest])
    assert (largest.p_value >= alone.p_value).all()
    assert largest.quantile >= alone.quantile.max()


def test_a_penalised_fit_has_estimates_and_no_tests():
    data = overlapping()
    result = infer(SoftmaxGLM(alpha=0.1).fit(data.X, data.y), data.X, data.y)
    found = result.linear_combinations("[1]x0 - [2]x0")
    assert (found.z, found.p_value) == (None, None)
    assert found.to_frame()["p_value"].isna().all()
    for options in ({"value": 1.0}, {"adjust": "holm"}):
        with pytest.raises(ValueError, match="need a fit without penalty"):
            result.linear_combinations("[1]x0 - [2]x0", **options)


def test_rows_are_called_as_they_were_stated(programs):
    found = programs.linear_combinations({"both": "[general]write + [vocational]write", 3: "[general]write = 1"})
    assert found.names == ("both", "3 = 1")
    rows = [[0, 0, 0, 1, 0, 0, 0, -2.5], [1] * 8]
    assert programs.linear_combinations(rows).names == ("[general]write - 2.5*[vocational]write", "row 1")
    assert programs.linear_combinations(rows, [0.5, 0]).names[0] == "[general]write - 2.5*[vocational]write = 0.5"
    assert programs.linear_combinations({"as numbers": rows[0]}).names == ("as numbers",)
    assert programs.linear_combinations(" [general]write ", 2).names == ("[general]write = 2",)


def test_tables_are_read_in_text_in_frames_and_in_latex(programs):
    found = programs.linear_combinations(["[general]write - [vocational]write", "[general]write = -0.1"], adjust="holm")
    assert str(found).splitlines()[2].split() == ["estimate", "std.", "error", "z", "p-value", "2.5%", "97.5%"]
    assert "p-values hold for all 2 together, by Holm" in str(found)
    assert r"{[}general]write - {[}vocational]write &" in found.to_latex()
    frame = found.to_frame()
    assert frame.columns.tolist() == ["combination", "estimate", "std_error", "value", "z", "p_value", "lower", "upper"]
    assert frame["value"].tolist() == [0.0, -0.1]
    ratios = found.odds_ratios()
    np.testing.assert_allclose(ratios.value, [1.0, np.exp(-0.1)])
    np.testing.assert_allclose(np.sqrt(ratios.covariance.diagonal()), ratios.std_error)


@pytest.mark.parametrize(
    ("contrast", "value", "message"),
    [
        ("[general]write = 1", 1.0, "is for combinations without ="),
        (["[general]write", "[general]wriet"], 0.0, "no term 'wriet'"),
        ([], 0.0, r"shape \(0,\), expected \(d, 8\)"),
        ({}, 0.0, r"shape \(\), expected|shape \(0,\), expected"),
        ([1.0, 2.0], 0.0, r"shape \(2,\), expected \(d, 8\): a column for each of the 2 x 4"),
        (["[general]write", np.ones(8)], 0.0, r"or texts such as '\[general\]Intercept'"),
        ([np.nan] * 8, 0.0, "not finite"),
        ("[general]write", np.inf, "value must be a finite number"),
        ("[general]write", [1.0, 2.0], "one for each of 1 rows"),
        ("[general]write", "one", "value must be a finite number"),
    ],
)
def test_what_cannot_be_combined_is_refused(programs, contrast, value, message):
    for ask in (programs.linear_combinations, programs.wald_test):
        with pytest.raises(ValueError, match=message):
            ask(contrast, value)


def test_there_are_two_adjustments(programs):
    with pytest.raises(ValueError, match='adjust must be None, "holm" or "max-t"'):
        programs.linear_combinations("[general]write", adjust="bonferroni")


def test_wald_tests_read_the_same_texts_pooled_or_not(programs):
    texts = ["[general]write = [vocational]write", "[general]ses_high = -1"]
    rows, values = np.array([[0, 0, 0, 1, 0, 0, 0, -1], [0, 0, 1, 0, 0, 0, 0, 0]]), [0.0, -1.0]
    assert programs.wald_test(texts) == programs.wald_test(rows, values)
    pooled = pool([programs, programs])
    assert pooled.wald_test(texts) == pooled.wald_test(rows, values)
    with pytest.raises(ValueError, match="contradict one another"):
        programs.wald_test(["[general]write = 1", "2 * [general]write = 1"])


def test_tables_of_student_s_t_say_so_and_with_how_many_degrees_of_freedom():
    data = overlapping()
    result = infer(SoftmaxGLM(alpha=0).fit(data.X, data.y), data.X, data.y, distribution="t")
    table = result.linear_combinations("[1]x0 - [2]x0")
    assert table.degrees_of_freedom == result.degrees_of_freedom
    assert "  t  " in str(table)
    assert "t with" in str(table)
    assert "with t and p-value" in str(table.odds_ratios())
