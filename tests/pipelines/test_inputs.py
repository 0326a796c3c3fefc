"""Effects and predictions of what goes into a pipeline, against differences of the pipeline's own predictions."""

import copy

import numpy as np
import pandas as pd
import polars as pl
import pytest
from effort import mostly_slow
from people import (
    DIFFERENCES,
    PIPELINES,
    ROUNDING,
    SECOND,
    N,
    basis,
    changes_of,
    classes,
    differences,
    encoder,
    expected_effects,
    fitted,
    inferred,
    kinds_of,
    mean_prediction,
    polynomial,
)
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    PolynomialFeatures,
    StandardScaler,
)

from softglm import SoftmaxGLM, infer


def effects_by_last_step(model, X, result):
    """The expected effects as a function of the last step: what those before it make of the inputs is asked once."""
    before = model[:-1]
    inputs = [
        (variable, [before.transform(X.assign(**{variable.name: value})) for value in changes_of(X, variable)])
        for variable in result.inputs.variables
    ]

    def effects(last):
        means = [[last.predict_proba(design).mean(axis=0) for design in designs] for _, designs in inputs]
        pairs = zip(inputs, means, strict=True)
        return np.concatenate([differences(X, variable, found) for (variable, _), found in pairs])

    return effects


def jacobian_errors(last, result, effects_of, unit=1e-4):
    """Standard errors by perturbing the coefficients of the last step, class by class against the first."""
    covariance = result.covariance_matrix
    K, n_terms = len(result.classes), len(result.terms)
    slopes = []
    for position in range((K - 1) * n_terms):
        k, term = divmod(position, n_terms)
        step = unit * np.sqrt(covariance[position, position]) or unit  # a column that is constant has no error
        ends = []
        for sign in (1.0, -1.0):
            moved = copy.deepcopy(last)
            row = k if K == 2 else k + 1
            if term == 0:
                moved.intercept_[row] += sign * step
            else:
                moved.coef_[row, term - 1] += sign * step
            ends.append(effects_of(moved))
        slopes.append((ends[0] - ends[1]) / (2.0 * step))
    return np.sqrt(np.einsum("iek,ij,jek->ek", slopes, covariance, slopes))


@pytest.mark.parametrize("n_classes", mostly_slow([2, 3], kept=1))
@pytest.mark.parametrize("name", PIPELINES)
def test_effects_are_those_of_the_inputs(people, name, n_classes):
    y = classes(people, n_classes)
    model = fitted(PIPELINES[name](), people, y)
    result = infer(model, people, y)
    assert result.inputs.is_known
    effects = result.marginal_effects()
    assert not effects.notes
    np.testing.assert_allclose(effects.estimate, expected_effects(model, people, result), **DIFFERENCES)
    errors = jacobian_errors(model[-1], result, effects_by_last_step(model, people, result))
    np.testing.assert_allclose(effects.std_error, errors, **SECOND)


@pytest.mark.parametrize("name", ["a square", "products of numbers and of a factor", "a factor behind an imputer"])
def test_weights_and_offsets_are_those_of_the_fit(people, name):
    rng = np.random.default_rng(2)
    y, weights = classes(people), rng.integers(0, 4, N).astype(float)
    offset = rng.normal(size=(N, 3))
    model = fitted(PIPELINES[name](), people, y, sample_weight=weights, offset=offset)
    result = infer(model, people, y, sample_weight=weights, offset=offset)
    expected = expected_effects(model, people, result, weights=weights, offset=offset)
    np.testing.assert_allclose(result.marginal_effects().estimate, expected, **DIFFERENCES)


def test_counts_weigh_by_their_totals(people):
    rng = np.random.default_rng(3)
    Y = rng.integers(3, 40, size=(N, 3)).astype(float)
    model = fitted(PIPELINES["a square"](), people, Y)
    result = infer(model, people, Y)
    expected = expected_effects(model, people, result, weights=Y.sum(axis=1))
    np.testing.assert_allclose(result.marginal_effects().estimate, expected, **DIFFERENCES)


def test_a_search_has_the_effects_of_its_best_pipeline(people):
    y = classes(people)
    pipeline = make_pipeline(PIPELINES["a spline"](), SoftmaxGLM())
    search = GridSearchCV(pipeline, {"softmaxglm__C": [0.1, 1.0]}, cv=3).fit(people, y)
    result = infer(search, people, y)
    expected = expected_effects(search.best_estimator_, people, result)
    np.testing.assert_allclose(result.marginal_effects().estimate, expected, **DIFFERENCES)


@pytest.mark.parametrize("kind", ["numpy", "list", "polars", "float32", "pandas between the steps"])
def test_the_kind_of_table_changes_nothing(people, kind):
    y, X = classes(people), people[["age", "income", "z"]]
    steps = make_pipeline(StandardScaler(), polynomial())
    result = infer(fitted(steps, X, y), X, y)
    expected = result.marginal_effects()
    given, exactly = X, {"rtol": 1e-6, "atol": 1e-12}
    if kind == "numpy":
        given = X.to_numpy()
    elif kind == "list":
        given = X.to_numpy().tolist()
    elif kind == "polars":
        given = pl.DataFrame({name: X[name].to_numpy() for name in X})
    elif kind == "float32":
        given, exactly = X.to_numpy(np.float32), {"rtol": 1e-3, "atol": 1e-8}
    else:
        steps.set_output(transform="pandas")
    found = infer(fitted(steps, given, y), given, y).marginal_effects()
    names = ("x0", "x1", "x2") if kind in {"numpy", "list", "float32"} else tuple(X)
    assert found.terms == names
    np.testing.assert_allclose(found.estimate, expected.estimate, **exactly)
    np.testing.assert_allclose(found.std_error, expected.std_error, **exactly)


@pytest.mark.parametrize("library", ["pandas", "polars", "numpy"])
def test_factors_in_every_kind_of_table(people, library):
    X, y = people[["region", "z"]], classes(people)
    columns, given = [0, 1], X
    if library == "polars":
        given = pl.DataFrame({"region": X["region"].tolist(), "z": X["z"].to_numpy()})
    elif library == "numpy":
        given = X.to_numpy(dtype=object)
    steps = make_column_transformer((encoder(drop="first"), columns[:1]), (StandardScaler(), columns[1:]))
    result = infer(fitted(steps, given, y), given, y)
    factor = "x0" if library == "numpy" else "region"
    assert result.factors == {factor: (0, 1)}
    assert result.marginal_effects().contrasts == ("south - north", "west - north", "dP/dx")
    assert result.average_predictions(factor).grid.tolist() == ["north", "south", "west"]


def test_input_is_not_modified(people):
    y, before = classes(people), people.copy(deep=True)
    for name in ("a spline", "a factor behind an imputer", "ordinal bins"):
        result = infer(fitted(PIPELINES[name](), people, y), people, y)
        result.marginal_effects()
        result.marginal_effects("at-means")
        result.average_predictions(result.inputs.variables[0].name)
    pd.testing.assert_frame_equal(people, before)


@pytest.mark.parametrize("name", PIPELINES)
def test_average_predictions_are_means_of_the_pipelines(people, name):
    y = classes(people)
    model = fitted(PIPELINES[name](), people, y)
    result = infer(model, people, y)
    for variable in result.inputs.variables:
        values = [level.value for level in variable.levels] or np.quantile(people[variable.name], [0.1, 0.9])
        found = result.average_predictions(variable.name, list(values))
        expected = [mean_prediction(model, people, **{variable.name: value}) for value in values]
        np.testing.assert_allclose(found.probability, expected, **ROUNDING)
        by_default = result.average_predictions(variable.name)
        assert len(by_default.grid) == (len(variable.levels) or 51)
    first, *others = result.inputs.variables
    if others:
        state = [variable.levels[-1].value if variable.levels else 30.0 for variable in (first, others[0])]
        names = [first.name, others[0].name]
        both = result.average_predictions(names, [state])
        expected = mean_prediction(model, people, **dict(zip(names, state, strict=True)))
        np.testing.assert_allclose(both.probability[0], expected, **ROUNDING)


def test_at_the_means_numbers_have_their_means_and_factors_their_proportions(people):
    y, weights = classes(people), np.random.default_rng(4).uniform(0.5, 2.0, N)
    steps = PIPELINES["products of numbers and of a factor"]()
    model = fitted(steps, people, y, sample_weight=weights)
    result = infer(model, people, y, sample_weight=weights, weights="sampling", covariance="robust")
    place = people.assign(**{name: np.average(people[name], weights=weights) for name in ("age", "z")})

    def at(**changes):
        transformed = np.average(model[:-1].transform(place.assign(**changes)), axis=0, weights=weights)
        return model[-1].predict_proba(transformed[np.newaxis])[0]

    age, step = place["age"][0], 1e-4
    effects = result.marginal_effects("at-means")
    np.testing.assert_allclose(
        effects.estimate[0], (at(age=age + step) - at(age=age - step)) / (2.0 * step), **DIFFERENCES
    )
    row = effects.contrasts.index("west - north")
    np.testing.assert_allclose(effects.estimate[row], at(region="west") - at(region="north"), **ROUNDING)
    found = result.average_predictions("region", ["south"], "means")
    np.testing.assert_allclose(found.probability[0], at(region="south"), **ROUNDING)
    found = result.average_predictions("age", [30.0], {"region": "west", "z": 1.0})
    np.testing.assert_allclose(found.probability[0], at(age=30.0, region="west", z=1.0), **ROUNDING)


def test_a_spline_that_does_not_extrapolate_is_moved_inwards_at_its_ends(people):
    y = classes(people)
    effects = []
    for extrapolation in ("error", "linear"):
        steps = make_column_transformer((basis(extrapolation=extrapolation), ["z", "age"]))
        effects.append(infer(fitted(steps, people, y), people, y).marginal_effects())
    np.testing.assert_allclose(effects[0].estimate, effects[1].estimate, rtol=1e-6)
    np.testing.assert_allclose(effects[0].std_error, effects[1].std_error, rtol=1e-6)


def test_missing_numbers_stay_missing_when_others_move(people):
    X, y = people[["age", "z"]].astype(float), classes(people)
    X.loc[::7, "age"] = np.nan
    steps = make_pipeline(SimpleImputer(add_indicator=True), polynomial(), StandardScaler())
    model = fitted(steps, X, y)
    result = infer(model, X, y)
    assert kinds_of(result) == {"age": "number", "z": "number"}
    expected = expected_effects(model, X, result)
    np.testing.assert_allclose(result.marginal_effects().estimate, expected, **DIFFERENCES)


def test_what_becomes_of_the_pipeline_and_the_frame_later_does_not_matter(people):
    X, y = people.copy(), classes(people)
    model = fitted(PIPELINES["a factor behind an imputer"](), X, y)
    result, again = infer(model, X, y), infer(model, X, y)
    expected = again.marginal_effects().estimate
    X["income"], X["region"] = 0.0, "elsewhere"
    model.fit(people[:100], y[:100])
    np.testing.assert_array_equal(result.marginal_effects().estimate, expected)
    np.testing.assert_array_equal(again.marginal_effects().estimate, expected)


def test_a_line_that_ends_where_the_data_do_is_no_longer_one_beyond(people):
    X, y = people[["age", "z"]], classes(people)
    model = fitted(MinMaxScaler(clip=True), X, y)
    found = infer(model, X, y).average_predictions("age", [0.0, 30.0, 200.0])
    expected = [mean_prediction(model, X, age=age) for age in (0.0, 30.0, 200.0)]
    np.testing.assert_allclose(found.probability, expected, **ROUNDING)


def test_many_columns_that_are_rarely_on_are_followed_all_the_same(people):
    rng = np.random.default_rng(6)
    dummies = pd.DataFrame((rng.uniform(size=(N, 12)) < 0.05).astype(float)).add_prefix("d")
    X, y = people[["z"]].join(dummies), classes(people)
    model = fitted(PolynomialFeatures(2, include_bias=False, interaction_only=True), X, y)
    result = infer(model, X, y)
    expected = expected_effects(model, X, result)
    np.testing.assert_allclose(result.marginal_effects().estimate, expected, **DIFFERENCES)


def test_rebased_or_not_the_inputs_are_asked_once(people):
    calls = []

    def counting(X):
        calls.append(len(X))
        return np.asarray(X, dtype=float)

    X, y = people[["age", "z"]].to_numpy(float), classes(people)
    result = inferred(FunctionTransformer(counting), X, y)
    asked_by_infer = len(calls)
    result.marginal_effects()
    first = len(calls) - asked_by_infer
    result.rebase(2).marginal_effects()
    assert 0 < first < 5
    assert len(calls) == asked_by_infer + first
