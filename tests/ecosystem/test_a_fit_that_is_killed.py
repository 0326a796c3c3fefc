"""A fit whose process is killed goes on, in another one, from what the guide's callback wrote."""

import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from softglm import Parquet, SoftmaxGLM

# Two paths to one optimum, each to a relative distance of about 1e-8.
SAME = {"rtol": 1e-5, "atol": 1e-5}
SCRIPT = """
import os, signal, sys
from pathlib import Path
import numpy as np
from softglm import Parquet, SoftmaxGLM

folder, n_left = Path(sys.argv[1]), int(sys.argv[2])

class Checkpoint:
    def setup(self, estimator, context): pass
    def on_fit_task_begin(self, estimator, context): pass
    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        global n_left
        if context.task_name == "iteration":
            names = "coef_", "intercept_", "classes_"
            np.savez(folder / "next.npz", **{name: getattr(fitted_estimator, name).tolist() for name in names})
            n_left -= 1
            if not n_left:  # while it writes
                os.kill(os.getpid(), signal.SIGKILL)
            (folder / "next.npz").replace(folder / "model.npz")
    def teardown(self, estimator, context): pass

SoftmaxGLM(0.001).set_callbacks(Checkpoint()).fit(Parquet(folder / "rows.parquet", "target"))
"""


@pytest.mark.parametrize("labels", [np.arange(3), np.array(["setosa", "versicolor", "virginica"])], ids=["int", "text"])
def test_a_fit_that_was_killed_while_it_wrote_goes_on_from_what_it_wrote_before(labels, tmp_path):
    X, y = load_iris(return_X_y=True)
    rows = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(target=labels[y])
    rows.to_parquet(tmp_path / "rows.parquet")
    source = Parquet(tmp_path / "rows.parquet", "target")
    whole = SoftmaxGLM(0.001).fit(source)
    run = subprocess.run([sys.executable, "-c", SCRIPT, tmp_path, str(whole.n_iter_[0])], check=False)
    assert run.returncode == -signal.SIGKILL
    resumed = SoftmaxGLM(0.001, warm_start=True)
    for name, array in np.load(tmp_path / "model.npz").items():
        setattr(resumed, name, array)
    resumed.fit(source)
    assert resumed.converged_
    assert resumed.n_evaluations_ < whole.n_evaluations_
    assert resumed.classes_.tolist() == labels.tolist()
    np.testing.assert_allclose(resumed.coef_, whole.coef_, **SAME)
