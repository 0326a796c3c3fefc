"""What a few rows tell of how a pipeline acts, against what it makes of all of them."""

import numpy as np
import pandas as pd
import pytest
from people import NUMBERS, N, Rowwise, classes, encoder, fitted, inferred, kinds_of, mean_prediction
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
)

from softglm import infer


def with_a_day(X):
    return np.column_stack([X["age"], X["age"] == 65])


def in_kilograms(X):
    return np.column_stack([np.where(X["region"] == "west", 0.4536 * X["z"], X["z"])])


SEEN_IN_FEW_ROWS = {
    "one value among many": (FunctionTransformer(with_a_day), "age"),
    "another slope in some rows": (FunctionTransformer(in_kilograms), "z"),
    "a few values": (FunctionTransformer(lambda X: np.column_stack([X["age"], X["age"].isin([20, 33, 57])])), "age"),
    "a bump": (
        FunctionTransformer(lambda X: np.column_stack([X["age"], np.exp(-((X["age"] - 60.3) ** 2))])),
        "age",
    ),
}


@pytest.mark.parametrize("name", SEEN_IN_FEW_ROWS)
def test_what_a_few_rows_do_not_tell_is_seen_in_all_of_them(people, name):
    steps, column = SEEN_IN_FEW_ROWS[name]
    y = classes(people)
    model = fitted(steps, people, y)
    result = infer(model, people, y)
    values = sorted(people[column].unique())[:: max(people[column].nunique() // 25, 1)]
    found = result.average_predictions(column, values)
    expected = [mean_prediction(model, people, **{column: value}) for value in values]
    np.testing.assert_allclose(found.probability, expected, rtol=1e-9)
    (variable,) = (each for each in result.inputs.variables if each.name == column)
    assert variable.slope is None


def test_a_straight_line_is_one_in_all_rows_and_has_no_slope_where_a_value_is_missing(people):
    y = classes(people)
    X = people.assign(age=people["age"].where(np.arange(N) % 5 > 0))
    straight = inferred(make_column_transformer((StandardScaler(), NUMBERS)), people, y).inputs.variables
    assert all(each.slope is not None for each in straight)
    steps = make_column_transformer((SimpleImputer(), ["age"]), ("passthrough", ["z"]))
    model = fitted(steps, X, y)
    result = infer(model, X, y)
    effects = result.marginal_effects()
    step = 1e-3
    up, down = (mean_prediction(model, X, age=X["age"] + sign * step) for sign in (1.0, -1.0))
    np.testing.assert_allclose(effects.estimate[effects.terms.index("age")], (up - down) / (2.0 * step), rtol=1e-6)


@pytest.mark.parametrize("n_levels", [20, 30])
def test_a_factor_of_many_levels_keeps_to_its_own_columns_among_products(n_levels):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"region": [f"l{i:02d}" for i in rng.integers(n_levels, size=900)], "x": rng.normal(size=900)})
    steps = make_pipeline(
        make_column_transformer((encoder(drop="first"), ["region"]), remainder="passthrough"),
        PolynomialFeatures(interaction_only=True, include_bias=False),
    )
    result = inferred(steps, X, rng.integers(3, size=900))
    assert result.factors["region"] == tuple(range(n_levels - 1))


def by_week(X):
    angle = X["t"] * 2.0 * np.pi / 7.0
    return np.column_stack([np.sin(angle), np.cos(angle)])


SMOOTH = {
    "years": (lambda rng: rng.integers(1980, 2021, 400).astype(float), SplineTransformer(12)),
    "many knots": (lambda rng: rng.integers(18, 90, 400).astype(float), SplineTransformer(60)),
    "seconds": (lambda rng: 1.6e9 + 3600.0 * rng.integers(0, 5000, 400), SplineTransformer(8)),
    "weeks": (lambda rng: rng.integers(0, 1500, 400).astype(float), FunctionTransformer(by_week)),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_what_bends_sharply_is_smooth_all_the_same(name):
    make, steps = SMOOTH[name]
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"t": make(rng)})
    y = rng.integers(2, size=400)
    model = fitted(steps, X, y)
    result = infer(model, X, y)
    assert kinds_of(result) == {"t": "number"}
    step = 1e-6 * float(X["t"].std())
    up, down = (mean_prediction(model, X, t=X["t"] + sign * step) for sign in (1.0, -1.0))
    np.testing.assert_allclose(result.marginal_effects().estimate[0], (up - down) / (2.0 * step), rtol=1e-3)


def test_a_threshold_beside_a_line_is_no_derivative(people):
    steps = FunctionTransformer(lambda X: np.column_stack([X["age"], X["age"] > 30.5]))
    result = inferred(steps, people)
    assert kinds_of(result) == {"age": "undetermined"}
    assert np.isnan(result.marginal_effects().estimate).all()


class Uncopied(Rowwise):
    def __deepcopy__(self, memo):
        raise TypeError("a lock cannot be copied")


def test_steps_that_cannot_be_copied_are_asked_as_they_are(people):
    result = inferred(Uncopied(), people)
    assert result.inputs.is_known


WITHOUT_DERIVATIVE = {
    "a root of counts": (lambda rng: rng.poisson(2.0, 400).astype(float), FunctionTransformer(np.sqrt)),
    "a root of incomes, some 0": (
        lambda rng: np.where(np.arange(400) % 40 == 0, 0.0, np.exp(rng.normal(10.0, 0.7, 400))),
        FunctionTransformer(np.sqrt),
    ),
    "a cubic root": (lambda rng: np.round(rng.normal(size=400)), FunctionTransformer(np.cbrt)),
}


@pytest.mark.parametrize("name", WITHOUT_DERIVATIVE)
def test_a_derivative_that_does_not_exist_is_missing_and_said_to_be(name):
    make, steps = WITHOUT_DERIVATIVE[name]
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"t": make(rng)})
    y = (rng.uniform(size=400) < 1.0 / (1.0 + np.exp(-(X["t"] - X["t"].mean()) / X["t"].std()))).astype(int)
    result = infer(fitted(steps, X, y), X, y)
    effects = result.marginal_effects()
    assert np.isnan(effects.estimate).all()
    assert "no average derivative" in " ".join(str(effects).split())
    assert np.isfinite(result.average_predictions("t", [1.0, 4.0]).std_error).all()


def test_logarithms_of_what_comes_near_zero_keep_their_derivative():
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"t": np.exp(2.0 * rng.normal(size=400))})
    y = rng.integers(2, size=400)
    model = fitted(FunctionTransformer(np.log), X, y)
    step = 1e-8
    up, down = (mean_prediction(model, X, t=X["t"] + sign * step) for sign in (1.0, -1.0))
    found = infer(model, X, y).marginal_effects()
    np.testing.assert_allclose(found.estimate[0], (up - down) / (2.0 * step), rtol=1e-3)
