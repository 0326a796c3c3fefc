"""What fits cost on their way, and how far from the optimum they were."""

import numpy as np
import pytest
from problems import soft_labels
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import softglm.plots
from softglm import SoftmaxGLM
from softglm.trace import Trace

# Of a loss of order 1, which the last steps no longer change.
ROUNDING = 1e-14
X, y = load_wine(return_X_y=True)


def loss_of(model, design, labels, alpha):
    probability = model.predict_proba(design)[np.arange(len(labels)), labels]
    return -np.log(probability).mean() + alpha / 2.0 * (model.coef_**2).sum()


def test_losses_and_costs_that_do_not_belong_together_are_refused():
    with pytest.raises(ValueError, match="expected the loss without features to be above"):
        Trace([1.0], optimum=1.0, null_loss=1.0)
    with pytest.raises(ValueError, match="seconds has shape"):
        Trace([1.0, 2.0], optimum=0.0, null_loss=1.0, seconds=[1.0])


def test_the_recorded_losses_of_softmaxglm_are_those_on_its_way():
    unfitted = SoftmaxGLM()
    trace = Trace.record(unfitted, X, y, repeats=1)
    assert not hasattr(unfitted, "coef_")
    model = SoftmaxGLM().fit(X, y)
    assert trace.loss[-1] == model.loss_
    assert trace.evaluations[-1] == model.n_evaluations_
    assert abs(trace.gap[-1]) < 1e-13
    assert (np.diff(trace.loss) <= ROUNDING).all()
    assert (np.diff(trace.seconds) >= 0.0).all()
    assert trace.evaluations[:3].tolist() == [2.0, 3.0, 4.0]
    with pytest.warns(UserWarning, match="ran out of iterations"):
        stopped = SoftmaxGLM(max_iter=1).fit(X, y)
    assert trace.loss[0] == stopped.loss_
    shares = np.bincount(y) / len(y)
    np.testing.assert_allclose(trace.null_loss, -(shares * np.log(shares)).sum(), rtol=1e-12)


def test_the_recorded_losses_of_logistic_regression_are_those_of_fits_that_are_stopped():
    trace = Trace.record(LogisticRegression(max_iter=7), X, y, repeats=1)
    assert trace.evaluations.tolist() == [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    with pytest.warns(UserWarning, match="failed to converge"):
        stopped = LogisticRegression(max_iter=3).fit(X, y)
    np.testing.assert_allclose(trace.loss[2], loss_of(stopped, X, y, 1.0 / len(y)), rtol=1e-12)
    assert (np.diff(trace.seconds) >= 0.0).all()


def test_two_classes_and_pipelines_have_losses_of_their_own():
    few = y < 2
    scaled = make_pipeline(StandardScaler(), LogisticRegression(C=0.5, max_iter=50, tol=1e-10))
    trace = Trace.record(scaled, X[few], y[few], repeats=1)
    assert 0.0 <= trace.gap[-1] < 1e-10
    design = StandardScaler().fit_transform(X[few])
    model = SoftmaxGLM(C=0.5).fit(design, y[few])
    np.testing.assert_allclose(trace.optimum, model.loss_, rtol=1e-12)
    assert not hasattr(scaled[-1], "coef_")


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (LogisticRegression(class_weight="balanced", max_iter=3), "without class_weight"),
        (LogisticRegression(solver="saga", l1_ratio=0.5, max_iter=3, penalty="elasticnet"), "with a ridge"),
        (SoftmaxGLM(0.1, l1_ratio=0.5), "a ridge of one strength on the columns as they come"),
        (SoftmaxGLM(standardize=True), "a ridge of one strength"),
        (SoftmaxGLM(penalty_factors={0: 2.0}), "a ridge of one strength"),
        (SoftmaxGLM(lower=-1.0), "a ridge of one strength"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_another_loss_is_refused(estimator, message):
    with pytest.raises(ValueError, match=message):
        Trace.record(estimator, X, y, repeats=1)


def test_other_estimators_and_labels_are_refused():
    with pytest.raises(TypeError, match="got a RandomForestClassifier"):
        Trace.record(RandomForestClassifier(), X, y)
    with pytest.raises(ValueError, match="repeats must be at least 1"):
        Trace.record(SoftmaxGLM(), X, y, repeats=0)
    data = soft_labels()
    with pytest.raises(ValueError, match="takes labels"):
        Trace.record(SoftmaxGLM(), data.X, data.y, repeats=1)
    few = y < 2
    with pytest.raises(ValueError, match="no minimum to compare with"):
        Trace.record(SoftmaxGLM(alpha=0), X[few], y[few], repeats=1)


def test_the_frame_has_a_row_for_each_loss():
    frame = Trace([0.5, 0.1], optimum=0.1, null_loss=1.1, evaluations=[1, 2]).to_frame()
    assert list(frame) == ["evaluations", "seconds", "loss", "gap"]
    assert frame["evaluations"].tolist() == [1.0, 2.0]
    assert frame["seconds"].isna().all()
    assert frame["loss"].tolist() == [0.5, 0.1]
    np.testing.assert_allclose(frame["gap"], [0.4, 0.0], atol=ROUNDING)


def test_the_drawing_room_has_it_under_its_name():
    assert softglm.plots.Trace is Trace
