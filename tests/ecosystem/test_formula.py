"""Formulas before the model: R's coefficients, likelihoods and tests of type II, and errors that say what to do."""

import json
import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimates import GOLDEN
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from softglm import SoftmaxGLM, infer
from softglm.formula import Formula

pytest.importorskip("formulaic")

VALUES = json.loads((GOLDEN / "r_formula.json").read_text())
CASES = [(data, case) for data in ("hsb2", "womenlf") for case in VALUES[data]]
# nnet stops where its quasi-Newton method does; the coefficients of products are nearly collinear.
NNET = {"rtol": 2e-5, "atol": 2e-5}
LIKELIHOOD = 1e-10
# car's refits without a term stop where nnet's default tolerance does.
CHI2 = 1e-5
# Central differences of probabilities: their step squared, and rounding over the step.
DIFFERENCES = 1e-7
SPLINES = "prog ~ C(ses) * write + bs(math, 4)"


def read(name):
    return pd.read_csv(GOLDEN / "data" / f"{name}.csv")


def pupils():
    """Return pupils with another score, which is made up."""
    frame = read("hsb2")
    return frame.assign(math=frame["write"].to_numpy()[::-1] + np.arange(len(frame)) % 7)


def fitted(formula, data, response):
    return make_pipeline(Formula(formula), SoftmaxGLM(alpha=0)).fit(data, data[response])


@pytest.mark.parametrize(("name", "case"), CASES, ids=[case["formula"] for _, case in CASES])
def test_a_formula_means_what_it_means_in_r(name, case):
    data = read(name)
    response = case["formula"].split(" ~ ")[0]
    result = infer(fitted(case["formula"], data, response), data, data[response])
    np.testing.assert_allclose(result.coefficients.estimate, case["estimate"], **NNET)
    assert result.log_likelihood == pytest.approx(case["log_likelihood"], rel=LIKELIHOOD)
    tests = result.test_terms("lr", by="variable")
    ours = {frozenset(term.split(":")): place for place, term in enumerate(tests.terms)}
    order = [ours[frozenset(set(re.findall(r"\w+", term)) & set(data.columns))] for term in case["terms"]]
    assert sorted(order) == list(range(len(tests.terms)))
    assert tests.df[order].tolist() == case["df"]
    np.testing.assert_allclose(tests.statistic[order], case["chi2"], rtol=CHI2, atol=CHI2)


def test_answers_are_about_the_columns_of_the_data():
    data = pupils()
    result = infer(fitted(SPLINES, data, "prog"), data, data["prog"])
    assert result.features[:3] == ("C(ses)[T.low]", "C(ses)[T.middle]", "write")
    assert "C(ses)[T.low]:write" in result.features
    assert not any("Intercept" in name for name in result.features)
    variables = {variable.name: variable.kind for variable in result.inputs.variables}
    assert variables == {"ses": "factor", "write": "number", "math": "number"}
    effects = result.marginal_effects()
    assert effects.terms == ("ses", "ses", "write", "math")
    assert np.isfinite(effects.std_error).all()
    assert result.test_terms(by="variable").terms == ("ses", "write", "math", "ses:write")
    assert np.isfinite(result.contrasts("ses", by="ses", kind="ratio").estimate).any()


def test_effects_are_differences_of_predictions():
    data = pupils()
    model = fitted("C(ses) * write + bs(math, 4, extrapolation='extend')", data, "prog")
    effects = infer(model, data, data["prog"]).marginal_effects()
    for row, name in ((2, "write"), (3, "math")):
        up, down = (model.predict_proba(data.assign(**{name: data[name] + move})) for move in (1e-4, -1e-4))
        np.testing.assert_allclose(effects.estimate[row], ((up - down) / 2e-4).mean(axis=0), atol=DIFFERENCES)
    changed = (model.predict_proba(data.assign(ses=level)).mean(axis=0) for level in ("low", "high"))
    np.testing.assert_allclose(effects.estimate[0], np.subtract(*changed), atol=DIFFERENCES)


@pytest.mark.parametrize("formula", ["~ ses + write", "ses + write", "prog ~ .", "prog ~ ses + write"])
def test_the_left_hand_side_and_the_intercept_make_no_columns(formula):
    data = read("hsb2")
    step = Formula(formula).fit(data, data["prog"])
    assert step.get_feature_names_out().tolist() == ["ses[T.low]", "ses[T.middle]", "write"]
    # New rows need no response.
    assert step.transform(data.drop(columns="prog")).shape == (200, 3)


def test_without_an_intercept_the_first_factor_has_all_levels():
    data = read("hsb2")
    names = Formula("0 + ses + write").fit(data).get_feature_names_out().tolist()
    assert names == ["ses[high]", "ses[low]", "ses[middle]", "write"]
    cells = make_pipeline(Formula("0 + ses + write"), SoftmaxGLM(alpha=0, fit_intercept=False))
    same = cells.fit(data, data["prog"]).predict_proba(data)
    np.testing.assert_allclose(same, fitted("ses + write", data, "prog").predict_proba(data), atol=1e-7)


def test_a_column_named_intercept_is_no_intercept():
    data = read("hsb2").rename(columns={"write": "Intercept"})
    assert Formula("Intercept").fit(data).get_feature_names_out().tolist() == ["Intercept"]


@pytest.mark.parametrize("term", ["bs(write, 4)", "scale(write)", "poly(write, 2)", "center(write)", "cs(write, 4)"])
def test_terms_remember_the_data_of_the_fit(term):
    data = read("hsb2")
    step = Formula(term).fit(data)
    few = data.iloc[40:45]
    for other in (step, pickle.loads(pickle.dumps(step))):  # noqa: S301 - its own
        np.testing.assert_allclose(other.transform(few), step.transform(data)[40:45], rtol=1e-12, atol=1e-12)
    assert np.abs(clone(step).fit(few).transform(few) - step.transform(few)).max() > 1e-3


def test_a_formula_is_an_estimator():
    data = pupils()
    step = Formula(SPLINES)
    assert step.get_params() == {"formula": SPLINES}
    assert clone(step).formula == SPLINES
    with pytest.raises(NotFittedError):
        step.transform(data)
    model = make_pipeline(step, SoftmaxGLM(alpha=0))
    search = GridSearchCV(model, {"formula__formula": ["prog ~ ses", "prog ~ ses + write"]}, scoring="neg_log_loss")
    assert search.fit(data, data["prog"]).best_params_ == {"formula__formula": "prog ~ ses + write"}
    assert cross_val_score(model.set_params(formula__formula="ses * write"), data, data["prog"]).mean() > 0.5
    assert make_pipeline(step, LogisticRegression(C=1e3, max_iter=9)).set_params(formula__formula="write")
    named = Formula("ses").set_output(transform="pandas").fit_transform(data)
    assert named.columns.tolist() == ["ses[T.low]", "ses[T.middle]"]


def test_data_frames_of_polars_give_the_same():
    data = pupils()
    table = pl.DataFrame(data.to_dict(orient="list"))
    expected = Formula(SPLINES).fit(data).transform(data)
    np.testing.assert_array_equal(Formula(SPLINES).fit(table).transform(table), expected)
    ordered = table.with_columns(pl.col("ses").cast(pl.Enum(["low", "middle", "high"])))
    step = Formula("ses").fit(ordered, table["prog"])
    assert step.get_feature_names_out().tolist() == ["ses[T.middle]", "ses[T.high]"]
    assert infer(fitted("ses", ordered, "prog"), ordered, ordered["prog"]).inputs.variables[0].kind == "factor"


def test_missing_values_are_told_with_the_remedy():
    data = pupils()
    data.loc[[3, 5], "write"] = np.nan
    data.loc[5, "ses"] = None
    message = r"2 of 200 rows have missing values in 'ses', 'write'.*X\.dropna\(subset=\['ses', 'write'\]\)"
    with pytest.raises(ValueError, match=message):
        Formula(SPLINES).fit(data)
    kept = data.dropna(subset=["ses", "write"])
    step = Formula(SPLINES).fit(kept, kept["prog"])
    assert step.transform(kept).shape[0] == 198
    with pytest.raises(ValueError, match=message):
        step.transform(data)
    # Of what the formula does not name anything may be missing.
    assert Formula("math").fit(data).transform(data).shape == (200, 1)


@pytest.mark.parametrize("formula", ["ses", "C(ses)", "C(ses, levels=['low', 'middle', 'high'])", "ses * write"])
def test_new_levels_are_told(formula):
    data = read("hsb2")
    step = Formula(formula).fit(data)
    with pytest.raises(ValueError, match=r"levels that the fit has not seen.*Leave these rows out") as raised:
        step.transform(data.assign(ses=["upper", *data["ses"][1:]]))
    told = re.search(r"'ses': \['upper'\], seen were \[(.*?)\]\.", str(raised.value))
    assert sorted(told[1].split(", ")) == ["'high'", "'low'", "'middle'"]


def test_columns_may_have_dots_in_their_names_as_in_files_of_r():
    data = read("hsb2").rename(columns={"write": "score.write"})
    plain = fitted("prog ~ ses * write", read("hsb2"), "prog")
    for formula in ("prog ~ ses * score.write", "prog ~ ses * `score.write`"):
        np.testing.assert_array_equal(fitted(formula, data, "prog")[-1].coef_, plain[-1].coef_)
    with pytest.raises(ValueError, match=r"names 'score.write', and X has only"):
        Formula("ses * score.write").fit(data).transform(data.drop(columns="score.write"))


def test_what_a_formula_does_not_take_is_told():
    data = read("hsb2")
    step = Formula("prog ~ bs(write, 4)")
    with pytest.raises(TypeError, match="got a ndarray, expected a data frame"):
        step.fit(data.to_numpy())
    with pytest.raises(ValueError, match=r"could not be evaluated.*maths.*Correct it"):
        Formula("ses + maths").fit(data)
    with pytest.raises(ValueError, match="names 'write', and X has only the columns"):
        step.fit(data).transform(data[["ses"]])
    with pytest.raises(ValueError, match=r"could not be evaluated.*extend beyond"):
        step.fit(data).transform(data.assign(write=1000))
    with pytest.raises(ValueError, match="no terms but the intercept"):
        Formula("prog ~ 1").fit(data)
    with pytest.raises(ValueError, match="several parts"):
        Formula("ses | write").fit(data)
    with pytest.raises(ValueError, match="has to be the name of the response"):
        Formula("log(write) ~ ses").fit(data)


def test_y_is_what_the_formula_names():
    data = read("hsb2")
    step = Formula("prog ~ write")
    codes = np.unique(data["prog"], return_inverse=True)[1]
    for same in (data["prog"], data["prog"].to_numpy(), codes, data["prog"].tolist(), np.eye(3)[codes]):
        step.fit(data, same)
    with pytest.raises(ValueError, match="is of 'prog', y is 'ses'"):
        step.fit(data, data["ses"])
    with pytest.raises(ValueError, match=r"Pass X\['prog'\] as y, or leave out"):
        step.fit(data, data["ses"].to_numpy())
    step.fit(data.drop(columns="prog"), data["prog"])
    spaced = data.rename(columns={"prog": "the program"})
    Formula("`the program` ~ write").fit(spaced, spaced["the program"])
    with pytest.raises(ValueError, match="is of 'prog', y is 'other'"):
        step.fit(data.drop(columns="prog"), data["prog"].rename("other"))
