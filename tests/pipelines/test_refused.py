"""Where the inputs are not known, or not what they would have to be, that is said."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from people import PIPELINES, ROUNDING, N, bins, classes, encoder, fitted, inferred, kinds_of, mean_prediction
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    StandardScaler,
)

from softglm import SoftmaxGLM, infer


@pytest.mark.parametrize(
    "steps",
    [
        make_column_transformer((Binarizer(threshold=40), ["age"]), ("passthrough", ["age"])),
        make_column_transformer((FunctionTransformer(lambda X: X * (X > 45)), ["age"])),
        make_column_transformer((bins("onehot"), ["age"]), (StandardScaler(), ["age", "z"])),
    ],
)
def test_what_acts_smoothly_and_by_steps_has_no_effect_but_predictions(people, steps):
    result = inferred(steps, people)
    assert kinds_of(result)["age"] == "undetermined"
    effects = result.marginal_effects()
    assert np.isnan(effects.estimate[0]).all()
    assert np.isfinite(effects.estimate[1:]).all()
    assert "age has neither a derivative nor levels" in effects.notes[0]
    assert effects.notes[0] in " ".join(str(effects).splitlines())
    found = result.average_predictions("age", [30.0])
    model = fitted(steps, people, classes(people))
    np.testing.assert_allclose(found.probability[0], mean_prediction(model, people, age=30.0), **ROUNDING)


def centred(X):
    return np.asarray(X) - np.asarray(X).mean(axis=0)


def test_where_rows_are_not_transformed_one_by_one_effects_are_of_the_models_columns(people):
    X, y = people[["age", "z"]].to_numpy(float), classes(people)
    result = inferred(FunctionTransformer(centred), X, y)
    assert not result.inputs.is_known
    assert result.factors == {}
    assert result.marginal_effects().terms == ("x0", "x1")
    alone = infer(SoftmaxGLM(alpha=0.01).fit(centred(X), y), centred(X), y).marginal_effects()
    np.testing.assert_allclose(result.marginal_effects().estimate, alone.estimate, rtol=1e-6)
    assert len(result.average_predictions("x0", [0.0]).grid) == 1


def test_steps_that_raise_at_values_in_other_rows_leave_the_models_columns(people):
    def picky(X):
        X = np.asarray(X)
        if len(X) < N and len(np.unique(X[:, 0])) < 5:
            raise RuntimeError("Too few different values.")
        return X * 2.0

    X, y = people[["age", "z"]].to_numpy(float), classes(people)
    result = inferred(FunctionTransformer(picky), X, y)
    assert result.marginal_effects().terms == ("x0", "x1")


def test_texts_and_sparse_matrices_have_no_inputs():
    texts = ["good wine", "bad wine", "good bread", "bad bread"] * 10
    y = [0, 1, 1, 0, 1, 1, 0, 0] * 5
    result = infer(make_pipeline(CountVectorizer(), SoftmaxGLM()).fit(texts, y), texts, y)
    assert result.inputs is None
    assert result.marginal_effects().terms == ("bad", "bread", "good", "wine")
    sparse = CountVectorizer().fit_transform(texts)
    scaled = make_pipeline(StandardScaler(with_mean=False), SoftmaxGLM()).fit(sparse, y)
    assert infer(scaled, sparse, y).inputs is None


def test_a_column_of_texts_that_are_hardly_repeated_is_no_factor(people):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(list("abcdefgh"), 5)) for _ in range(N)]
    X = people.assign(text=texts)
    steps = make_column_transformer(
        (CountVectorizer(analyzer="char"), "text"), (StandardScaler(), ["z"]), sparse_threshold=0
    )
    result = inferred(steps, X, classes(people))
    assert kinds_of(result) == {"text": "undetermined", "z": "number"}
    assert "hardly any of its values is repeated" in result.marginal_effects().notes[0]


def test_columns_that_no_step_takes_have_no_effect(people):
    result = inferred(make_column_transformer((StandardScaler(), ["z"])), people)
    assert result.marginal_effects().terms == ("z",)
    with pytest.raises(ValueError, match="No column of the model depends on 'age'"):
        result.average_predictions("age", [30.0])


def test_dummies_that_a_user_made_are_a_factor_by_groups(people):
    y = classes(people)
    X = pd.get_dummies(people[["region"]], dtype=float).assign(z=people["z"])
    groups = {"region": ["region_south", "region_west"]}
    scaled = inferred(StandardScaler(), X.drop(columns="region_north"), y)
    effects = scaled.marginal_effects(groups=groups)
    assert effects.contrasts == ("south - (base)", "west - (base)", "dP/dx")
    assert effects.terms == ("region", "region", "z")
    encoded = make_column_transformer((encoder(drop="first"), ["region"]), ("passthrough", ["z"]))
    expected = inferred(make_pipeline(encoded, StandardScaler()), people, y)
    np.testing.assert_allclose(effects.estimate, expected.marginal_effects().estimate[[1, 2, 0]], rtol=1e-7)
    found = scaled.average_predictions("region", groups=groups, base="north")
    assert found.grid.tolist() == ["north", "south", "west"]
    np.testing.assert_allclose(found.probability, expected.average_predictions("region").probability, rtol=1e-7)
    bare = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    of_all = bare.marginal_effects(groups={"region": ["region_north", *groups["region"]]})
    assert of_all.contrasts == ("south - north", "west - north", "dP/dx")
    # What a pipeline encodes moves together anyway, named or not.
    named = expected.marginal_effects(groups={"where": ["onehotencoder__region_south", "onehotencoder__region_west"]})
    np.testing.assert_array_equal(named.estimate, expected.marginal_effects().estimate)
    with pytest.raises(ValueError, match="There is no column 'north'"):
        expected.marginal_effects(groups={"where": ["north"]})


def test_a_value_that_the_pipeline_does_not_take_is_named(people):
    result = inferred(PIPELINES["a factor that is scaled"](), people)
    with pytest.raises(ValueError, match="The pipeline does not take 'east' for 'region'"):
        result.average_predictions("region", ["east"])
    with pytest.raises(ValueError, match="'top' is none of the categories of the column 'level'"):
        result.average_predictions("level", ["top"])
    with pytest.raises(ValueError, match="'age' holds numbers, and 'old' is none"):
        result.average_predictions("age", ["old"])
    with pytest.raises(ValueError, match=r"expected \(v, 2\)"):
        result.average_predictions(["age", "region"], [40.0])
    with pytest.raises(ValueError, match="values is missing"):
        result.average_predictions(["age", "region"])
    with pytest.raises(ValueError, match="expected finite numbers"):
        result.average_predictions("age", [np.inf])


@pytest.mark.parametrize("as_table", [lambda X: X, lambda X: pl.DataFrame(X.to_dict("list")), pd.DataFrame.to_numpy])
@pytest.mark.parametrize("curve", [np.square, np.cos])
def test_where_the_means_are_no_codes_the_effects_there_are_refused(as_table, curve):
    rng = np.random.default_rng(3)
    X = pd.DataFrame({"z": rng.normal(size=700), "code": rng.permutation(np.arange(700) % 350)})
    table = rng.normal(size=350)

    def coded(X):
        X = np.asarray(X)
        if (X[:, 1] % 1.0).any():
            raise KeyError("no such code")
        return np.column_stack([curve(X[:, 0]), table[X[:, 1].astype(int)]])

    given, y = as_table(X), rng.integers(2, size=700)
    result = infer(make_pipeline(FunctionTransformer(coded), SoftmaxGLM()).fit(given, y), given, y)
    assert np.isfinite(result.marginal_effects().estimate[0]).all()
    name = "x0" if isinstance(given, np.ndarray) else "z"
    message = rf"The pipeline does not take '{name}' moved by .* with .* for .*: 'no such code'\. Average effects leave"
    with pytest.raises(ValueError, match=message):
        result.marginal_effects("at-means")
