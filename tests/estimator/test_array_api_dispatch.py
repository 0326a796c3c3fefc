"""scikit-learn may dispatch to other array libraries: switched on for others, that changes nothing here."""

import os
import subprocess
import sys

import pytest

# SciPy reads its variable when it is imported: so in a process of its own.
SCRIPT = """
import sys
import numpy as np
import sklearn
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from softglm import SoftmaxGLM, detect_separation, infer

X, y = load_iris(return_X_y=True)
X32, names = X.astype(np.float32), np.array(["a", "b", "c"])[y]

def everything():
    model = SoftmaxGLM().fit(X, y)
    scaled = make_pipeline(StandardScaler(), SoftmaxGLM()).fit(X32, names)
    soft = SoftmaxGLM().fit(X, np.eye(3)[y] * 0.9 + 0.1 / 3, sample_weight=np.ones(len(X)))
    result = infer(model, X, y)
    yield from (model.coef_, model.predict(X), model.predict_proba(X), np.float64(model.score(X, y)), soft.coef_)
    yield from (scaled.predict(X32), scaled.predict_log_proba(X32), result.coefficients.estimate)
    yield result.marginal_effects().estimate
    yield np.array([str(detect_separation(X, y))])

alone = list(everything())
try:
    context = sklearn.config_context(array_api_dispatch=True)
    with context:
        dispatched = list(everything())
except ImportError as missing:
    sys.exit(f"cannot dispatch: {missing}")
for one, other in zip(alone, dispatched, strict=True):
    assert type(one) is type(other) and one.dtype == other.dtype
    np.testing.assert_array_equal(one, other)
"""


def test_arrays_of_numpy_are_fitted_predicted_and_inferred_alike_where_scikit_learn_dispatches():
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    command = [sys.executable, "-W", "error", "-c", SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if "cannot dispatch" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
