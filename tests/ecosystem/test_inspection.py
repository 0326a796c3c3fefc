"""scikit-learn's inspection: importances, dependence, and displays, which are drawn."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import problems
import pytest
from matplotlib import pyplot as plt
from sklearn.calibration import CalibrationDisplay
from sklearn.inspection import (
    DecisionBoundaryDisplay,
    PartialDependenceDisplay,
    partial_dependence,
    permutation_importance,
)
from sklearn.metrics import ConfusionMatrixDisplay, PrecisionRecallDisplay, RocCurveDisplay
from sklearn.model_selection import LearningCurveDisplay, ValidationCurveDisplay

from softglm import SoftmaxGLM

NAMES = list("abcd")
SAME = 1e-12


@pytest.fixture(autouse=True)
def no_window():
    with mpl.rc_context({"backend": "agg"}):
        yield
    plt.close("all")


@pytest.fixture(params=[2, 3], ids=["K=2", "K=3"])
def data(request):
    return {2: problems.two_classes, 3: problems.overlapping}[request.param]()


@pytest.fixture
def framed(data):
    frame = pd.DataFrame(data.X, columns=NAMES)
    labels = np.array(["x", "y", "z"])[data.y]
    return SoftmaxGLM().fit(frame, labels), frame, labels


def test_permuting_the_largest_coefficient_costs_most(framed):
    model, frame, labels = framed
    result = permutation_importance(model, frame, labels, scoring="neg_log_loss", n_repeats=5, random_state=0)
    size = abs(model.coef_).max(axis=0) * frame.std().to_numpy()
    assert result.importances_mean.argmax() == size.argmax()


def test_partial_dependence_is_the_mean_probability_where_a_feature_is_set(framed):
    model, frame, _ = framed
    result = partial_dependence(model, frame, ["b"], grid_resolution=5)
    for place, value in enumerate(result["grid_values"][0]):
        mean = model.predict_proba(frame.assign(b=value)).mean(axis=0)
        expected = mean[1:] if len(mean) == 2 else mean
        assert np.allclose(result["average"][:, place], expected, rtol=0.0, atol=SAME)


def test_partial_dependence_of_eta_is_a_line_with_the_slope_of_the_coefficient(framed):
    model, frame, _ = framed
    result = partial_dependence(model, frame, ["c"], response_method="decision_function", grid_resolution=5)
    slopes = np.diff(result["average"], axis=1) / np.diff(result["grid_values"][0])
    assert np.allclose(slopes, model.coef_[:, [2]], rtol=1e-9)


def test_partial_dependence_is_drawn_for_a_class_alone_and_in_pairs(framed):
    model, frame, labels = framed
    features = ["a", ("a", "b")]
    display = PartialDependenceDisplay.from_estimator(model, frame, features, target=labels[0], grid_resolution=5)
    assert len(display.axes_.ravel()) == 2
    individual = PartialDependenceDisplay.from_estimator(
        model, frame, ["a"], target=labels[0], kind="both", grid_resolution=5
    )
    assert individual.lines_.shape == (1, 1, len(frame) + 1)


@pytest.mark.parametrize("response_method", ["predict", "predict_proba", "decision_function"])
def test_decision_boundaries_are_drawn(data, response_method):
    X = pd.DataFrame(data.X[:, :2], columns=["a", "b"])
    model = SoftmaxGLM().fit(X, data.y)
    display = DecisionBoundaryDisplay.from_estimator(model, X, response_method=response_method, grid_resolution=20)
    grid = pd.DataFrame({"a": display.xx0.ravel(), "b": display.xx1.ravel()})
    expected = getattr(model, response_method)(grid)
    if response_method == "predict_proba" and data.n_classes == 2:
        expected = expected[:, 1]
    assert np.allclose(display.response.reshape(expected.shape), expected, rtol=0.0, atol=SAME)


def test_the_displays_of_metrics(framed):
    model, frame, labels = framed
    confusion = ConfusionMatrixDisplay.from_estimator(model, frame, labels).confusion_matrix
    assert np.trace(confusion) == round(model.score(frame, labels) * len(labels))
    if len(model.classes_) == 2:
        curves = (RocCurveDisplay, PrecisionRecallDisplay, CalibrationDisplay)
        assert all(display.from_estimator(model, frame, labels).ax_.lines for display in curves)


def test_learning_and_validation_curves(framed):
    model, frame, labels = framed
    learning = LearningCurveDisplay.from_estimator(
        model, frame, labels, cv=3, train_sizes=[0.5, 1.0], shuffle=True, random_state=0, scoring="neg_log_loss"
    )
    validation = ValidationCurveDisplay.from_estimator(
        model, frame, labels, cv=3, param_name="C", param_range=[0.01, 1.0], scoring="neg_log_loss"
    )
    assert learning.test_scores.shape == validation.test_scores.shape == (2, 3)
    assert validation.train_scores[1].mean() > validation.train_scores[0].mean()
