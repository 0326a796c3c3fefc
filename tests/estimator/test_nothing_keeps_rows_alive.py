"""What a fit has worked on is given back as soon as it ends: no circle of references keeps rows for a collector."""

import gc
import warnings
import weakref

import numpy as np
import pytest
from scipy import sparse

from softglm import SoftmaxGLM, SoftmaxGLMCV, detect_separation, infer, softglm_path
from softglm.data import RowsInMemory

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 5))
Y = (X[:, :3] + RNG.gumbel(size=(300, 3))).argmax(axis=1)
MANY = RNG.normal(size=(40_000, 10))
CODES = (MANY[:, :3] + RNG.gumbel(size=(40_000, 3))).argmax(axis=1)
WIDE, OF_WIDE = RNG.normal(size=(60, 20_000)), RNG.integers(3, size=60)
MODEL = SoftmaxGLM(alpha=0).fit(X, Y)
KINDS = {
    "ridge": lambda: SoftmaxGLM().fit(X, Y),
    "no penalty": lambda: SoftmaxGLM(alpha=0).fit(X, Y),
    "two classes": lambda: SoftmaxGLM().fit(X, Y > 0),
    "streamed": lambda: SoftmaxGLM().fit(MANY, CODES),
    "single precision": lambda: SoftmaxGLM().fit(MANY.astype(np.float32), CODES),
    "sparse rows": lambda: SoftmaxGLM().fit(sparse.csr_array(MANY), CODES),
    "wide": lambda: SoftmaxGLM().fit(WIDE, OF_WIDE),
    "far": lambda: SoftmaxGLM(alpha=0).fit(X + 1e5, Y),
    "offset": lambda: SoftmaxGLM().fit(X, Y, offset=np.ones((300, 3))),
    "separated": lambda: SoftmaxGLM(alpha=0).fit(X, (X[:, 0] > 0.0).astype(int) + (X[:, 1] > 0.0)),
    "lasso": lambda: SoftmaxGLM(alpha=0.01, l1_ratio=1.0).fit(X, Y),
    "wide lasso": lambda: SoftmaxGLM(alpha=0.05, l1_ratio=1.0).fit(WIDE, OF_WIDE),
    "groups": lambda: SoftmaxGLM(alpha=0.01, l1_ratio=1.0, grouped=True).fit(X, Y),
    "bounds": lambda: SoftmaxGLM(alpha=0.01, lower=0.0).fit(X, Y),
    "a path": lambda: softglm_path(X, Y, n_alphas=5).alphas,
    "folds": lambda: SoftmaxGLMCV(l1_ratios=[1.0], alphas=3, cv=3).fit(X, Y),
    "rows left out": lambda: SoftmaxGLMCV(Cs=3, cv="loo").fit(X, Y),
    "inference": lambda: str(infer(MODEL, X, Y)),
    "detection": lambda: detect_separation(X, Y),
}


@pytest.mark.parametrize("kind", KINDS)
def test_when_it_ends_no_rows_are_left(kind, monkeypatch):
    made, begin = [], RowsInMemory.__init__

    def watched(self, *arguments, **options):
        begin(self, *arguments, **options)
        made.append(weakref.ref(self))

    monkeypatch.setattr(RowsInMemory, "__init__", watched)
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kept = KINDS[kind]()
        assert made
        assert not [rows for rows in made if rows() is not None], type(kept)
    finally:
        gc.enable()
