"""A fit that is cut short goes on from what a callback wrote, where reading the rows is what takes the time."""

import pickle

import numpy as np
import pytest
from problems import badly_scaled

from softglm import Blocks, SoftmaxGLM

# Two paths to one optimum, each to a relative distance of about 1e-8; the columns have spreads down to 1e-3.
SAME = {"rtol": 1e-5, "atol": 1e-5}


class CutShortError(Exception):
    """What ends a fit: a machine that is taken away."""


class Checkpoint:
    """Writes the model of each iteration, as the guide shows it, and ends the fit after some of them."""

    def __init__(self, path, n_iterations):
        self.path, self.n_left = path, n_iterations

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):  # noqa: ARG002 - scikit-learn's signature
        if context.task_name == "iteration":
            self.path.write_bytes(pickle.dumps(fitted_estimator))
            self.n_left -= 1
        if not self.n_left:
            raise CutShortError

    def teardown(self, estimator, context):
        pass


def test_a_fit_that_was_cut_short_goes_on_where_it_was(tmp_path):
    pytest.importorskip("sklearn.callback")
    data, path = badly_scaled(), tmp_path / "model"

    def blocks():
        for rows in np.array_split(np.arange(len(data.y)), 5):
            yield data.X[rows], data.y[rows]

    whole = SoftmaxGLM(0.001).fit(Blocks(blocks))
    cut_short = SoftmaxGLM(0.001).set_callbacks(Checkpoint(path, whole.n_iter_[0] - 1))
    with pytest.raises(CutShortError):
        cut_short.fit(Blocks(blocks))
    assert not hasattr(cut_short, "coef_")
    resumed = pickle.loads(path.read_bytes()).set_params(warm_start=True)  # noqa: S301 - our own
    resumed.set_callbacks().fit(Blocks(blocks))
    assert resumed.converged_
    assert resumed.n_evaluations_ < whole.n_evaluations_
    np.testing.assert_allclose(resumed.coef_, whole.coef_, **SAME)
