"""Effects and predictions of inputs, as R has them."""

import numpy as np
import pandas as pd
import pytest
from estimates import GOLDEN, golden
from people import R, encoder, polynomial
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    StandardScaler,
)

from softglm import SoftmaxGLM, infer


def column_of(frame, name):
    """A column by its name in the golden values: products of numbers, their squares, and dummies, "factor=level"."""
    product = np.ones(len(frame))
    for factor in name.split("*"):
        variable, is_dummy, level = factor.partition("=")
        base, _, power = variable.partition("^")
        values = frame[base]
        product *= (values.astype(str) == level) if is_dummy else values.astype(float) ** int(power or 1)
    return product


class Columns(TransformerMixin, BaseEstimator):
    """The columns of these names."""

    def __init__(self, names):
        self.names = names

    def fit(self, X, y=None):  # noqa: ARG002 - as the pipeline calls it
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return np.column_stack([column_of(X, name) for name in self.names])

    def get_feature_names_out(self, _=None):
        return np.array(self.names, dtype=object)


@pytest.fixture(scope="module", params=["mroz", "swisslabor", "womenlf", "beps", "chile"])
def case(request):
    expected = golden("r_other")["inputs"][request.param]
    inputs = {part.partition("=")[0].partition("^")[0] for name in expected["columns"] for part in name.split("*")}
    frame = pd.read_csv(GOLDEN / "data" / f"{expected['data']}.csv", keep_default_na=False, na_values=["NA"])
    frame = frame.dropna(subset=[expected["response"], *inputs])
    X, y = frame[[name for name in frame if name in inputs]], frame[expected["response"]]
    model = make_pipeline(Columns(expected["columns"]), SoftmaxGLM(alpha=0)).fit(X, y)
    return expected, infer(model, X, y)


def in_order(result, expected, values):
    """The classes of R in ours."""
    return np.array(values)[..., [expected["classes"].index(label) for label in result.classes]]


def test_effects_are_those_of_r(case):
    expected, result = case
    assert result.log_likelihood == pytest.approx(expected["log_likelihood"], rel=1e-8)
    effects = result.marginal_effects()
    rows = dict(zip(zip(effects.terms, effects.contrasts, strict=True), range(len(effects.terms)), strict=True))
    pairs = [((name, "dP/dx"), values) for name, values in expected["slopes"].items()]
    for name, values in expected["contrasts"].items():
        for position, level in enumerate(values["levels"]):
            one = {key: values[key][position] for key in ("estimate", "std_error")}
            pairs.append(((name, f"{level} - {values['base']}"), one))
    assert len(pairs) == len(rows)
    for key, values in pairs:
        row = rows[key]
        np.testing.assert_allclose(effects.estimate[row], in_order(result, expected, values["estimate"]), **R)
        np.testing.assert_allclose(effects.std_error[row], in_order(result, expected, values["std_error"]), **R)


def test_average_predictions_are_those_of_r(case):
    expected, result = case
    for name, values in expected["predictions"].items():
        found = result.average_predictions(name)
        assert set(found.grid) == set(values["levels"])
        order = [values["levels"].index(level) for level in found.grid]
        np.testing.assert_allclose(found.probability, in_order(result, expected, values["estimate"])[order], **R)
        np.testing.assert_allclose(found.std_error, in_order(result, expected, values["std_error"])[order], **R)
    for name, values in expected["predictions_at_values"].items():
        found = result.average_predictions(name, values["values"])
        np.testing.assert_allclose(found.probability, in_order(result, expected, values["estimate"]), **R)
        np.testing.assert_allclose(found.std_error, in_order(result, expected, values["std_error"]), **R)


def test_polynomial_features_have_the_effects_of_r():
    expected = golden("r_other")["inputs"]["womenlf"]
    frame = pd.read_csv(GOLDEN / "data" / "womenlf.csv")
    columns = make_column_transformer((StandardScaler(), ["hincome"]), (encoder(drop="first"), ["children"]))
    # The square of the dummy is the dummy: the columns are collinear, and the effects determined all the same.
    model = make_pipeline(columns, polynomial(), SoftmaxGLM(alpha=0)).fit(frame, frame["partic"])
    result = infer(model, frame, frame["partic"])
    assert result.is_collinear
    effects = result.marginal_effects()
    assert effects.terms == ("hincome", "children")
    for row, values in enumerate((expected["slopes"]["hincome"], expected["contrasts"]["children"])):
        for name in ("estimate", "std_error"):
            of_r = np.ravel(in_order(result, expected, values[name]))
            np.testing.assert_allclose(getattr(effects, name)[row], of_r, **R)
