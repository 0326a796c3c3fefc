"""Effects that the data determine in part: collinear inputs, and levels that separate classes."""

import numpy as np
import pytest
from people import N, classes, encoder, levels_of, polynomial
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    StandardScaler,
)

from softglm import SeparationWarning, SoftmaxGLM, infer


def test_all_dummies_of_a_factor_are_determined_without_a_penalty(people):
    y = classes(people)
    every = make_column_transformer((encoder(), ["region", "level"]), (polynomial(), ["z"]))
    less = make_column_transformer((encoder(drop="first"), ["region", "level"]), (polynomial(), ["z"]))
    found, expected = (
        infer(make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(people, y), people, y) for steps in (every, less)
    )
    for kind in ("average", "at-means"):
        effects = found.marginal_effects(kind)
        assert effects.terms == expected.marginal_effects(kind).terms
        np.testing.assert_allclose(effects.estimate, expected.marginal_effects(kind).estimate, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(effects.std_error, expected.marginal_effects(kind).std_error, rtol=1e-6)
    one, other = (each.average_predictions("level") for each in (found, expected))
    np.testing.assert_allclose(one.probability, other.probability, rtol=1e-7)


def test_a_copy_of_an_input_has_an_effect_that_the_data_do_not_determine(people):
    X = people.assign(again=2.0 * people["age"])
    y = classes(people)
    steps = make_column_transformer((StandardScaler(), ["age", "again", "z"]))
    result = infer(make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(X, y), X, y)
    assert np.isnan(result.marginal_effects().estimate).all(axis=1).tolist() == [True, False, True]
    assert np.isnan(result.average_predictions("age", [30.0]).probability).all()
    curved = make_column_transformer((polynomial(), ["age", "again", "z"]))
    result = infer(make_pipeline(curved, StandardScaler(), SoftmaxGLM(alpha=0)).fit(X, y), X, y)
    assert np.isnan(result.marginal_effects().estimate).all(axis=1).tolist() == [True, False, True]


def test_of_separated_classes_the_effects_that_are_finite(people):
    rng = np.random.default_rng(5)
    y = classes(people)
    X = people.assign(decides=np.where((y == 0) & (rng.uniform(size=N) < 0.3), "yes", "no"))
    steps = make_column_transformer((encoder(drop="first"), ["region", "decides"]), (polynomial(), ["z"]))
    with pytest.warns(SeparationWarning):
        model = make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(X, y)
    result = infer(model, X, y)
    without = result.predict(X.assign(decides="no")).probability.mean(axis=0)  # before the steps are fitted again
    rest = (X["decides"] == "no").to_numpy()
    alone = infer(make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(X[rest], y[rest]), X[rest], y[rest])
    effects, expected = result.marginal_effects(), alone.marginal_effects()
    assert effects.terms == ("z", "region", "region", "decides")
    share = rest.mean()
    np.testing.assert_allclose(effects.estimate[:3], share * expected.estimate[:3], rtol=1e-5)
    np.testing.assert_allclose(effects.std_error[:3], share * expected.std_error[:3], rtol=1e-5)
    assert np.isnan(effects.estimate[3]).all()
    assert np.isnan(effects.std_error[3]).all()
    assert np.isnan(result.marginal_effects("at-means").estimate).all()
    assert np.isfinite(result.average_predictions("region").std_error).all()
    no, yes = result.average_predictions("decides").probability
    np.testing.assert_allclose(no, without, rtol=1e-9)
    assert np.isnan(yes).all()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_level_that_separates_leaves_the_other_levels_of_its_factor_as_they_are(people, n_classes):
    y = classes(people, n_classes)
    X = people.assign(region=people["region"].where(np.arange(N) >= 6, "rare"))
    y[:6] = 1
    steps = make_column_transformer((encoder(drop="first"), ["region"]), ("passthrough", ["z"]))
    with pytest.warns(SeparationWarning):
        model = make_pipeline(steps, SoftmaxGLM(alpha=0)).fit(X, y)
    result = infer(model, X, y)
    found = result.average_predictions("region")
    for level, probability in zip(levels_of(result, "region"), found.probability, strict=True):
        expected = result.predict(X.assign(region=level)).probability.mean(axis=0)
        np.testing.assert_allclose(probability, expected, rtol=1e-9)
        assert np.isnan(probability).all() == (level == "rare")
    effects = result.marginal_effects().to_frame()
    of_region = effects[effects["term"] == "region"]
    assert of_region.groupby("contrast")["estimate"].apply(lambda each: each.isna().all()).sum() == 1
