"""The report: what is printed, with what a reader has to know."""

import html.parser
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from estimates import GOLDEN
from problems import collinear, counts, many_classes, overlapping, two_classes
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from softglm import SeparationWarning, SoftmaxGLM, infer

PUPILS = """\
Multinomial logit, base class: academic (the first in sorted order)

Observations    200    Log-likelihood  -179.9817    AIC          375.96
Parameters        8    Null model      -204.0967    BIC          402.35
LR chi2(6)    48.23    p-value           <0.0001    McFadden R2  0.1182

                        estimate  std. error      z  p-value     2.5%    97.5%
------------------------------------------------------------------------------
general vs academic
  Intercept               2.85        1.17     2.45   0.0145   0.57     5.14
  ses_middle             -0.533       0.444   -1.20   0.2294  -1.403    0.336
  ses_high               -1.163       0.514   -2.26   0.0237  -2.171   -0.155
  write                  -0.0579      0.0214  -2.71   0.0068  -0.0999  -0.0160
vocational vs academic
  Intercept               5.22        1.16     4.48  <0.0001   2.94     7.50
  ses_middle              0.291       0.476    0.61   0.5407  -0.642    1.225
  ses_high               -0.983       0.596   -1.65   0.0989  -2.150    0.185
  write                  -0.1136      0.0222  -5.11  <0.0001  -0.1572  -0.0701
------------------------------------------------------------------------------
Standard errors: model (inverse information). Intervals: 95% Wald, normal."""


@pytest.fixture(scope="module")
def pupils():
    frame = pd.read_csv(GOLDEN / "data" / "hsb2.csv")
    encoder = OneHotEncoder(categories=[["low", "middle", "high"]], drop="first")
    columns = make_column_transformer((encoder, ["ses"]), ("passthrough", ["write"]), verbose_feature_names_out=False)
    pipeline = make_pipeline(columns, SoftmaxGLM(alpha=0)).fit(frame, frame["prog"])
    return infer(pipeline, frame, frame["prog"])


def inferred(data, alpha=0.0, **options):
    return infer(SoftmaxGLM(alpha=alpha).fit(data.X, data.y), data.X, data.y, **options)


def test_a_report_can_be_pasted(pupils):
    assert pupils.summary() == str(pupils) == repr(pupils) == PUPILS


def test_the_first_line_names_the_base_class(pupils):
    assert str(pupils.rebase("vocational")).splitlines()[0] == "Multinomial logit, base class: vocational"
    first = str(inferred(two_classes())).splitlines()[0]
    assert first == "Binary logit, base class: 0 (the first in sorted order)"
    assert str(inferred(two_classes(), reference=1)).splitlines()[0] == "Binary logit, base class: 1"


def test_no_line_ends_in_a_blank_and_decimal_points_stand_below_one_another(pupils):
    lines = str(pupils).splitlines()
    assert all(line == line.rstrip() for line in lines)
    rows = [line for line in lines[8:-2] if line[0] == " "]
    places = [[match.start() for match in re.finditer(r"\.", line)] for line in rows]
    assert places == [places[0]] * 8
    assert max(map(len, rows)) == len(lines[6]) == 78


def test_a_penalised_fit_is_called_one_first_and_last():
    lines = str(inferred(overlapping(), alpha=0.01)).splitlines()
    assert lines[0].startswith("Penalised multinomial logit, base class: 0")
    assert " ".join(lines).endswith("Refit with alpha=0 to test.")
    assert "z" not in lines[6].split()
    assert "p-value" not in lines[6]


def test_what_is_not_estimable_is_a_dash():
    report = str(inferred(collinear()))
    assert "Not estimable (-)" in report
    assert 'OneHotEncoder(drop="first")' in report
    assert report.count(" - ") > 10
    assert "nan" not in report.lower().replace("determinant", "")


def test_robust_standard_errors_come_with_a_wald_test():
    report = str(inferred(overlapping(), covariance="robust"))
    assert "Wald chi2(8)" in report
    assert "LR" not in report
    assert "robust (HC0)" in report


def test_clusters_are_counted_and_their_correction_is_named():
    result = inferred(overlapping(), covariance="cluster", clusters=np.arange(150) // 5, distribution="t", level=0.9)
    report = " ".join(str(result).split())
    assert "clustered (30 clusters), times G/(G-1). Intervals: 90% Wald, t(29)." in report


@pytest.mark.parametrize("scale", [1e-17, 1e-8, 1.0, 1e8, 1e17])
def test_a_column_of_any_scale_leaves_the_rows_of_the_others_as_they_were(scale):
    data = overlapping()
    X = data.X * [scale, 1.0, 1.0, 1.0]
    report = str(infer(SoftmaxGLM(alpha=0).fit(X, data.y), X, data.y))
    plain = str(inferred(data)).splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in report.splitlines() if line.startswith("  x")}
    for line in plain:
        if line.startswith("  x"):
            name, estimate, std_error, *tests = line.split()
            if name != "x0" or scale == 1.0:
                assert [estimate, std_error, *tests] in [row.split()[1:] for row in report.splitlines() if name in row]
    assert all("0.000000" not in cell for cell in rows["x0"])
    assert rows["x0"][0].count("e") == (scale != 1.0)


def test_columns_of_any_scale_show_three_digits_of_their_standard_errors():
    data = overlapping()
    X = data.X * [1e6, 1.0, 1e-6, 1e3]
    report = str(infer(SoftmaxGLM(alpha=0).fit(X, data.y), X, data.y))
    result = infer(SoftmaxGLM(alpha=0).fit(X, data.y), X, data.y)
    for line in report.splitlines():
        if line.startswith("  x"):
            _, estimate, std_error, *_ = line.split()
            column = int(line.split()[0][1:])
            row = np.abs(result.coefficients.std_error[:, column + 1] / float(std_error) - 1.0).argmin()
            assert float(std_error) == pytest.approx(result.coefficients.std_error[row, column + 1], rel=5e-3)
            assert float(estimate) == pytest.approx(result.coefficients.estimate[row, column + 1], rel=5e-2, abs=1e-6)


def test_nearly_collinear_columns_are_said_to_be():
    data = overlapping()
    noise = 1e-3 * np.random.default_rng(0).normal(size=len(data.y))
    X = np.column_stack([data.X, data.X[:, 0] + noise])
    result = infer(SoftmaxGLM(alpha=0).fit(X, data.y), X, data.y)
    assert result.condition_number > 1000.0
    assert "Condition number" in str(result)
    assert "Condition number" not in str(inferred(data))


def test_a_wald_statistic_that_falls_as_the_effect_grows_is_said_to():
    x = np.repeat([[0.0], [1.0]], 100, axis=0)
    y = np.concatenate([np.arange(100) < 25, np.arange(100) < 99]).astype(int)
    result = infer(SoftmaxGLM(alpha=0).fit(x, y), x, y)
    assert result.hauck_donner.tolist() == [[False, True]]
    assert "Hauck-Donner effect in x0 of 1" in str(result)
    assert "Use likelihood-ratio tests and profile intervals." in " ".join(str(result).split())


def test_the_hauck_donner_note_advises_only_what_there_is():
    x = np.repeat([[0.0], [1.0]], 100, axis=0)
    y = np.concatenate([np.arange(100) < 25, np.arange(100) < 99]).astype(int)
    robust = infer(SoftmaxGLM(alpha=0).fit(x, y), x, y, covariance="robust")
    reweighted = infer(SoftmaxGLM(alpha=0, class_weight={0: 1, 1: 2}).fit(x, y), x, y, covariance="robust")
    assert robust.hauck_donner.any()
    assert reweighted.hauck_donner.any()
    assert 'profile intervals, of covariance="model".' in " ".join(str(robust).split())
    assert "likelihood-ratio" not in str(reweighted)


def test_notebooks_get_a_table_of_the_same_numbers(pupils):
    class Cells(html.parser.HTMLParser):
        def __init__(self):
            super().__init__()
            self.texts, self.open = [], []

        def handle_starttag(self, tag, _attrs):
            self.open.append(tag)

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

        def handle_data(self, data):
            self.texts.append(data)

    parser = Cells()
    parser.feed(pupils._repr_html_())
    assert not parser.open
    words = " ".join(parser.texts).split()
    for word in PUPILS.split():
        assert set(word) == {"-"} or word in words


def test_names_are_escaped_in_html():
    data = overlapping()
    frame = pd.DataFrame(data.X, columns=["<b>", "a&b", "c", "d"])
    result = infer(SoftmaxGLM(alpha=0).fit(frame, data.y), frame, data.y)
    assert "&lt;b&gt;" in result._repr_html_()
    assert "a&amp;b" in result._repr_html_()


def test_frames_are_tidy(pupils):
    frame = pupils.coefficients.to_frame()
    assert frame.columns.tolist() == ["class", "term", "estimate", "std_error", "z", "p_value", "lower", "upper"]
    assert len(frame) == 8
    row = frame[(frame["class"] == "vocational") & (frame["term"] == "write")].iloc[0]
    assert row["estimate"] == pytest.approx(-0.1136026398, rel=1e-8)
    tests = pupils.test_terms().to_frame()
    assert tests.columns.tolist() == ["term", "statistic", "df", "p_value"]
    ratios = pupils.coefficients.odds_ratios()
    np.testing.assert_allclose(ratios.ratio, np.exp(pupils.coefficients.estimate))
    np.testing.assert_allclose(ratios.lower, np.exp(pupils.coefficients.lower))
    np.testing.assert_allclose(ratios.std_error, ratios.ratio * pupils.coefficients.std_error)
    assert ratios.to_frame().columns.tolist() == [
        "class",
        "term",
        "ratio",
        "std_error",
        "z",
        "p_value",
        "lower",
        "upper",
    ]
    np.testing.assert_array_equal(ratios.p_value, pupils.coefficients.p_value)
    assert pupils.predict(pd.DataFrame({"ses": ["low"], "write": [50]})).to_frame().shape == (3, 6)
    penalised = inferred(overlapping(), alpha=0.1).coefficients.to_frame()
    assert penalised["p_value"].isna().all()


RESULTS = {
    "tests": lambda result: result.test_terms(),
    "coefficients": lambda result: result.coefficients,
    "odds ratios": lambda result: result.coefficients.odds_ratios(),
    "symmetric coefficients": lambda result: result.symmetric(),
    "effects": lambda result: result.marginal_effects(),
    "predictions": lambda result: result.predict(overlapping().X),
    "groups": lambda result: result.hosmer_lemeshow(),
}


@pytest.mark.parametrize("name", RESULTS)
def test_every_result_prints_as_an_aligned_table(name):
    result = RESULTS[name](inferred(overlapping()))
    assert repr(result) == str(result)
    assert "array(" not in str(result)
    lines = str(result).splitlines()
    (rule,) = (number for number, line in enumerate(lines) if line and set(line) == {"-"})
    rows = [line for line in lines[rule + 1 :] if len(line.split()) > 3 and not line.startswith("...")]
    assert len(rows) >= 4
    assert max(map(len, rows)) <= len(lines[rule]) == len(lines[rule - 1])
    assert len({line.rindex(".") for line in rows}) == 1  # the points of the last column


def test_tables_print_the_numbers_they_hold(pupils):
    assert str(pupils.coefficients).splitlines() == PUPILS.splitlines()[6:-2]
    assert str(pupils.test_terms()).splitlines()[0] == "Likelihood-ratio tests of leaving out each term"
    assert str(pupils.test_terms()).splitlines()[-1].split() == ["write", *_cells_of_last(pupils.test_terms())]
    effects = str(pupils.marginal_effects())
    assert "ses (from low to high)" in effects
    assert "write\n" in effects
    penalised = inferred(overlapping(), alpha=0.1)
    assert "p-value" not in str(penalised.coefficients)
    assert "p-value" not in str(penalised.marginal_effects())


def _cells_of_last(tests):
    return [f"{tests.statistic[-1]:.2f}", str(tests.df[-1]), "<0.0001"]


def test_many_predictions_are_not_all_printed():
    result = inferred(overlapping())
    assert str(result.predict(overlapping().X)).endswith("... and 140 more rows: see to_frame()")
    assert "more" not in str(result.predict(overlapping().X[:2]))


def test_goodness_of_fit_prints_its_statistics():
    fit = inferred(counts()).goodness_of_fit()
    assert repr(fit) == str(fit)
    assert [line.split()[0] for line in str(fit).splitlines()[2:]] == ["Deviance", "Pearson", "Null", "Dispersion"]


def test_an_open_sign_is_printed_as_one_everywhere():
    X, y = np.array([[-2.0, 1.0], [-1.0, 0.0], [1.0, 1.0], [2.0, 0.0]]), np.array([0, 0, 1, 1])
    with pytest.warns(SeparationWarning):
        table = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y).coefficients
    assert table.may_go_either_way.any()
    assert str(table).count("\u00b1inf") == table.may_go_either_way.sum()
    assert str(table.odds_ratios()).count("0 or inf") == table.may_go_either_way.sum()


def test_a_result_is_frozen(pupils):
    with pytest.raises(AttributeError, match="cannot assign"):
        pupils.level = 0.9


def test_many_classes_have_a_table_each():
    report = str(inferred(many_classes()))
    assert all(f"{k} vs 0" in report for k in range(1, 7))


def test_the_report_needs_no_pandas():
    code = """if True:
        import importlib.abc, sys
        import numpy as np

        class Without(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {"pandas", "matplotlib", "polars"}:
                    raise ImportError(name)

        sys.meta_path.insert(0, Without())
        from softglm import SoftmaxGLM, infer

        X, y = np.random.default_rng(0).normal(size=(90, 2)), np.arange(90) % 3
        result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
        print(result, result.test_terms(), result.predict(X), result._repr_html_())
    """
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
