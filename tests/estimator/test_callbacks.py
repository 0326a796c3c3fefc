"""scikit-learn's callbacks, which it has from 1.9 on, watch the fit; where none is set they cost nothing."""

import numpy as np
import problems
import pytest

from softglm import SoftmaxGLM, neg_log_loss
from softglm.callbacks import FitTask

# Newton's last steps come after the last iteration, which is this close in probability.
BEFORE_THE_LAST_STEPS = 0.1


def recorder():
    """Return a callback that records the tasks it sees, and the models that it is offered."""
    pytest.importorskip("sklearn.callback")

    class Recorder:
        def __init__(self):
            self.begun, self.ended, self.models = [], [], []

        def setup(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context):  # noqa: ARG002 - scikit-learn's signature
            self.begun.append(context.task_name)

        def on_fit_task_end(self, estimator, context, *, fitted_estimator):  # noqa: ARG002
            self.ended.append(context.task_name)
            self.models.append(fitted_estimator)

        def teardown(self, estimator, context):
            pass

    return Recorder()


def test_without_callbacks_a_task_is_not_watched():
    assert not FitTask(SoftmaxGLM(), 10, {}).is_watched
    FitTask(SoftmaxGLM(), 10, {}).end({})


@pytest.mark.parametrize("name", ["overlapping", "wide", "two_classes"])
def test_a_callback_sees_one_subtask_for_each_iteration(name):
    data = problems.PROBLEMS[name]()
    callback = recorder()
    model = SoftmaxGLM().set_callbacks(callback).fit(data.X, data.y)
    assert callback.begun.count("iteration") == callback.ended.count("iteration") == model.n_iter_[0]
    assert callback.begun[0] == callback.ended[-1] == "fit"
    assert len(callback.begun) == len(callback.ended) == 1 + model.n_iter_[0]
    plain = SoftmaxGLM().fit(data.X, data.y)
    assert np.array_equal(model.coef_, plain.coef_)


@pytest.mark.parametrize("name", ["overlapping", "wide", "two_classes"])
def test_a_callback_can_predict_with_the_model_of_an_iteration(name):
    data = problems.PROBLEMS[name]()
    callback = recorder()
    model = SoftmaxGLM().set_callbacks(callback).fit(data.X, data.y)
    *iterates, whole = callback.models
    assert np.array_equal(iterates[-1].classes_, model.classes_)
    distance = abs(iterates[-1].predict_proba(data.X) - model.predict_proba(data.X)).max()
    assert distance < BEFORE_THE_LAST_STEPS
    assert np.array_equal(whole.predict(data.X), model.predict(data.X))
    first, last = (neg_log_loss(iterate, data.X, data.y) for iterate in (iterates[0], iterates[-1]))
    assert first <= last


def test_the_model_of_an_iteration_asks_for_its_offset():
    data = problems.two_classes_with_offset()
    callback = recorder()
    SoftmaxGLM().set_callbacks(callback).fit(data.X, data.y, offset=data.offset)
    assert callback.models[0].predict(data.X, offset=data.offset).shape == data.y.shape
    with pytest.raises(ValueError, match="offset=0"):
        callback.models[0].predict(data.X)


def test_the_progress_bar_shows_the_fit(capsys):
    callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    data = problems.overlapping()
    model = SoftmaxGLM().set_callbacks(callback.ProgressBar()).fit(data.X, data.y)
    assert model.converged_
    assert "SoftmaxGLM" in capsys.readouterr().out


def test_a_fit_that_fails_does_not_hang_the_progress_bar():
    callback = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    data = problems.overlapping()
    model = SoftmaxGLM(max_iter=0).set_callbacks(callback.ProgressBar())
    with pytest.raises(ValueError, match="max_iter"):
        model.fit(data.X, data.y)
    assert model.set_params(max_iter=100).fit(data.X, data.y).converged_
