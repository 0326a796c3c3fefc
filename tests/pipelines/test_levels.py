"""Factors, their levels and their names: what the steps tell apart, in the order that they have for it."""

import numpy as np
import pytest
from people import PIPELINES, N, bins, classes, encoder, fitted, inferred, kinds_of, levels_of, polynomial
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from softglm import SoftmaxGLM, infer


def test_a_factor_is_one_term_under_the_name_of_its_input(people):
    y = classes(people)
    steps = PIPELINES["a factor behind an imputer"]()
    model = make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(people, y)
    result = infer(model, people, y)
    assert result.features[0] == "pipeline-1__region_north"
    assert result.factors == {"region": (0, 1, 2), "level": (3, 4, 5)}
    assert result.test_terms().terms == ("region", "level", "pipeline-2__income")
    assert result.test_terms().df.tolist() == [4, 4, 2]


def test_powers_stay_terms_of_their_own(people):
    y = classes(people)
    steps = make_column_transformer((polynomial(), ["age"]), (encoder(), ["region"]), verbose_feature_names_out=False)
    model = make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(people, y)
    assert infer(model, people, y).test_terms("wald").terms == ("age", "age^2", "region")


def test_numbers_that_act_by_steps_are_factors_of_ranges(people):
    result = inferred(make_column_transformer((bins("onehot", 3), ["age"]), (Binarizer(threshold=0), ["z"])), people)
    assert kinds_of(result) == {"age": "factor", "z": "factor"}
    low, middle, high = levels_of(result, "age")
    edges = [float(end) for name in (low, middle, high) for end in name.strip("[]").split(", ")]
    assert edges == sorted(edges)
    assert edges[0] == people["age"].min()
    assert edges[-1] == people["age"].max()
    assert result.marginal_effects().contrasts[0] == f"{middle} - {low}"


def test_codes_are_levels_whatever_the_encoder_says_of_others(people):
    for unknown in ("error", "ignore"):
        result = inferred(make_column_transformer((encoder(handle_unknown=unknown), ["code"])), people)
        assert kinds_of(result) == {"code": "factor"}
        assert levels_of(result, "code") == ["1", "2", "3", "4"]


def test_codes_that_a_step_compares_as_texts_are_levels(people):
    def as_texts(X):
        texts = X["code"].astype(str)
        return np.column_stack([texts == "2", texts == "3", texts == "4"])

    result = inferred(FunctionTransformer(as_texts), people)
    assert levels_of(result, "code") == ["1", "2", "3", "4"]
    assert np.isfinite(result.marginal_effects().estimate).all()


def test_rare_codes_are_levels_too(people):
    X, y = people.assign(code=np.arange(N) % 2 * 9), classes(people)
    X.loc[[7, 77, 177], "code"] = 4
    steps = make_column_transformer((encoder(), ["code"]), (StandardScaler(), ["z"]))
    result = inferred(steps, X, y)
    assert levels_of(result, "code") == ["0", "4", "9"]
    assert result.factors == {"code": (0, 1, 2)}


def test_levels_that_are_no_range_are_listed(people):
    X = people.assign(code=people["age"] - 18)
    steps = FunctionTransformer(lambda X: X[["code"]] % 2 == 1)
    assert levels_of(inferred(steps, X, classes(people)), "code") == ["0, 2, 4, 6, 8, ...", "1, 3, 5, 7, 9, ..."]


def test_the_dropped_level_is_the_base_and_else_the_first_of_the_encoder(people):
    for given, expected in (
        ({"drop": ["south"]}, ["south", "north", "west"]),
        ({"categories": [["west", "south", "north"]]}, ["west", "south", "north"]),
        ({}, ["north", "south", "west"]),
    ):
        result = inferred(make_column_transformer((encoder(**given), ["region"])), people)
        assert levels_of(result, "region") == expected
    ordered = make_column_transformer((OrdinalEncoder(categories=[["high", "low", "middle"]]), ["level"]))
    assert levels_of(inferred(ordered, people), "level") == ["high", "low", "middle"]

    def squared(X):
        return np.column_stack([X["level"].cat.codes, X["level"].cat.codes ** 2])

    assert levels_of(inferred(FunctionTransformer(squared), people), "level") == ["low", "middle", "high"]


def test_levels_that_the_pipeline_does_not_tell_apart_are_one(people):
    rare = people.assign(region=np.where(np.arange(N) % 11 == 0, "east", people["region"]))
    rare.loc[::13, "region"] = "isle"
    result = inferred(make_column_transformer((encoder(min_frequency=40), ["region"])), rare, classes(people))
    assert "east, isle" in levels_of(result, "region")


def test_missing_values_are_a_level_if_the_pipeline_takes_them(people):
    for missing in (None, np.nan):
        holes = people.assign(region=people["region"].astype(object))
        holes.loc[::9, "region"] = missing
        y = classes(people)
        result = inferred(make_column_transformer((encoder(), ["region"])), holes, y)
        assert levels_of(result, "region") == ["north", "south", "west", "missing"]
        imputed = make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="most_frequent"), encoder()), ["region"])
        )
        if missing is not None:
            assert levels_of(inferred(imputed, holes, y), "region") == ["north", "south", "west"]
    numbers = people.assign(code=people["code"].where(people["code"] != 4))
    steps = make_column_transformer((encoder(), ["code"]))
    assert levels_of(inferred(steps, numbers, classes(people)), "code") == ["1", "2", "3", "missing"]


def test_missing_values_are_asked_for_by_none_and_called_what_their_level_is(people):
    holes = people.assign(region=people["region"].astype(object))
    holes.loc[::9, "region"] = np.nan
    result = inferred(make_column_transformer((encoder(), ["region"])), holes, classes(people))
    every, asked = result.contrasts("region"), result.contrasts("region", ["north", None])
    assert asked.to_frame()["contrast"].unique().tolist() == ["missing - north"]
    np.testing.assert_array_equal(asked.estimate[0], every.estimate[-1])
    with pytest.raises(ValueError, match="or pass None for what is missing"):
        result.contrasts("region", ["north", np.nan])


def test_a_level_that_no_row_has_is_not_taken_for_the_base_by_an_encoder_that_ignores_it(people):
    X = people.assign(region=people["region"].astype(object))
    steps = make_column_transformer(
        (OneHotEncoder(drop="first", handle_unknown="ignore"), ["region"]), (StandardScaler(), ["z"])
    )
    X.loc[::9, "region"] = None
    result = inferred(steps, X, classes(people))
    says = r"'region' is 'missing' in no row of X\. Choose among \[.*\], or None for missing ones\."
    for ask in (
        lambda: result.contrasts("region", ["north", "missing"]),
        lambda: result.contrasts("z", 1, at={"region": "missing"}),
        lambda: result.average_predictions("region", ["missing"]),
    ):
        with pytest.raises(ValueError, match=says):
            ask()
    whole = inferred(steps, people, classes(people))
    with pytest.raises(ValueError, match=r"'region' is None in no row of X\. Choose among \[[^\]]*\]\.$"):
        whole.average_predictions("region", [None])


def test_levels_without_weight_are_no_alternatives(people):
    y, weights = classes(people), (people["region"] != "west").to_numpy(float)
    model = fitted(make_column_transformer((encoder(), ["region"])), people, y, sample_weight=weights)
    result = infer(model, people, y, sample_weight=weights)
    assert levels_of(result, "region") == ["north", "south"]


def test_truths_are_switches(people):
    X = people.assign(old=people["age"] > 50)
    y = classes(people)
    result = inferred(make_column_transformer((StandardScaler(), ["old", "sex"])), X, y)
    assert kinds_of(result) == {"old": "switch", "sex": "switch"}
    assert result.marginal_effects().contrasts == ("1 - 0", "1 - 0")
    encoded = inferred(make_column_transformer((encoder(), ["old", "sex"])), X, y)
    assert kinds_of(encoded) == {"old": "switch", "sex": "switch"}
    assert encoded.factors == {"old": (0, 1), "sex": (2, 3)}
