"""What these scripts have in common: the limits of BLAS, and fits of several shapes."""

import hashlib

import numpy as np
from threadpoolctl import ThreadpoolController

from softglm import SoftmaxGLM
from softglm.data import RowsInMemory
from softglm.families import Categorical
from softglm.fit import fit
from softglm.model import Ridge
from softglm.tuning import Tuning

_LIBRARIES = ThreadpoolController().select(user_api="blas").lib_controllers
# Short passes count as long ones, which are shared between threads, and blocks are small.
_LONG_PASSES = Tuning(long_pass=1, least_rows=100, most_rows=100)

_RNG = np.random.default_rng(0)


def _problem(n_rows, n_features, n_classes):
    X = _RNG.normal(size=(n_rows, n_features))
    return X, (X[:, :n_classes] + _RNG.normal(size=(n_rows, n_classes))).argmax(axis=1)


SMALL = _problem(150, 4, 3)
# Products of its blocks, and decompositions, have other bits where BLAS has other threads.
LARGE = _problem(3000, 150, 4)
WIDE = _problem(120, 400, 3)


def limits():
    return [library.num_threads for library in _LIBRARIES]


def fit_in_threads():
    rows = RowsInMemory(LARGE[0], LARGE[1].astype(np.int32), tuning=_LONG_PASSES)
    penalty = Ridge.on_coefficients(1e-3, rows.n_features, fit_intercept=True)
    return fit(rows, Categorical(4), penalty, tuning=_LONG_PASSES)


def digest():
    """Fit all of them, and return a digest of all bits."""
    models = [SoftmaxGLM().fit(*problem) for problem in (SMALL, LARGE, WIDE)]
    models += [SoftmaxGLM(class_weight="balanced").fit(LARGE[0].astype(np.float32), LARGE[1])]
    numbers = [part for model in models for part in (model.coef_, model.intercept_, model.loss_, model.deviance_)]
    result = fit_in_threads()
    bits = b"".join(np.asarray(part).tobytes() for part in (*numbers, result.coef, result.intercept, result.loss))
    return hashlib.sha256(bits).hexdigest()
