"""shap.LinearExplainer explains eta, whose exact Shapley values are coef * (x - mean)."""
# ruff: noqa: PD011 - an Explanation, which has values, is not a frame

import numpy as np
import pandas as pd
import problems
import pytest
import shap

from softglm import SoftmaxGLM

# Sums of a few products of the size of one.
SAME = 1e-12
PROBLEMS = {2: problems.two_classes, 3: problems.overlapping}


@pytest.fixture(params=[2, 3], ids=["K=2", "K=3"])
def data(request):
    return PROBLEMS[request.param]()


def explained(model, X, background):
    # From a bare array shap would draw 100 rows.
    masker = shap.maskers.Independent(background, max_samples=len(background))
    explainer = shap.LinearExplainer(model, masker)
    return explainer, explainer(X)


def test_shap_values_are_the_coefficients_times_the_distance_from_the_mean(data):
    model = SoftmaxGLM().fit(data.X, data.y)
    explainer, explanation = explained(model, data.X, data.X)
    by_hand = (data.X - data.X.mean(axis=0))[:, :, np.newaxis] * model.coef_.T
    if data.n_classes == 2:
        by_hand = by_hand[:, :, 0]
    assert explanation.values.shape == by_hand.shape
    assert abs(explanation.values - by_hand).max() < SAME
    at_the_mean = model.coef_ @ data.X.mean(axis=0) + model.intercept_
    assert abs(explainer.expected_value - at_the_mean).max() < SAME


def test_shap_values_and_the_expected_value_add_up_to_eta(data):
    model = SoftmaxGLM().fit(data.X, data.y)
    background = data.X[:40]
    explainer, explanation = explained(model, data.X[40:], background)
    eta = explainer.expected_value + explanation.values.sum(axis=1)
    assert abs(eta - model.decision_function(data.X[40:])).max() < SAME


def test_shap_knows_the_model_as_a_linear_one(data):
    model = SoftmaxGLM().fit(data.X, data.y)
    assert isinstance(shap.Explainer(model, data.X), shap.LinearExplainer)


def test_shap_keeps_the_names_of_a_frame(data):
    frame = pd.DataFrame(data.X, columns=list("abcd"))
    model = SoftmaxGLM().fit(frame, data.y)
    _, explanation = explained(model, frame, frame)
    assert explanation.feature_names == list("abcd")
    _, of_array = explained(SoftmaxGLM().fit(data.X, data.y), data.X, data.X)
    assert abs(explanation.values - of_array.values).max() < SAME
