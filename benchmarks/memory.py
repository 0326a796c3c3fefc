"""Memory: what a fit needs at its peak beside X, and the share of its time that is matrix products.

Peaks are those that NumPy reports to tracemalloc, while X and y exist already.
"""

import time
import tracemalloc
from contextlib import ExitStack
from unittest.mock import patch

import numpy as np
from scipy import sparse
from threadpoolctl import threadpool_limits

from benchmarks.shapes import normal_problem, our_objective
from benchmarks.timing import seconds_of

WHAT = "peaks in MiB over X and y; factors: of a matrix of size q(p+1); share of a fit's seconds in products"
_MIB = 2**20


def run(*, threads, is_quick):
    """Return a row for each kind of input of each shape."""
    shapes = [(20_000, 20, 3)] if is_quick else [(1_000_000, 20, 3), (200_000, 50, 5), (20_000, 256, 10)]
    with threadpool_limits(threads):
        return [_row(name, change, *shape) for shape in shapes for name, change in _KINDS.items()]


def _misaligned(X):
    raw = np.empty(X.nbytes + 1, dtype=np.uint8)
    odd = raw[1:].view(np.float64).reshape(X.shape)
    odd[...] = X
    return odd


_KINDS = {
    "C-ordered float64": lambda X: X,
    "Fortran-ordered": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "integers": lambda X: np.round(10.0 * X).astype(np.int64),
    "misaligned": _misaligned,
    "CSR": lambda X: sparse.csr_array(np.where(np.abs(X) > 2.0, X, 0.0)),
}


def peak_of(function):
    """Return the most memory that NumPy held during a call beyond what it held before, in bytes."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        function()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


def _row(kind, change, n, p, K):
    from softglm import SoftmaxGLM
    from softglm.families import Categorical
    from softglm.fit import fit
    from softglm.model import Ridge
    from softglm.response import read_response

    X, y = normal_problem(n, p, K)
    X = change(X)
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes if sparse.issparse(X) else X.nbytes
    rows = our_objective(X, y, K, 1.0).rows
    penalty = Ridge.on_coefficients(1.0 / n, p, fit_intercept=True)
    SoftmaxGLM().fit(X[:100], y[:100])
    core = peak_of(lambda: fit(rows, Categorical(K), penalty))
    whole = peak_of(lambda: SoftmaxGLM().fit(X, y))
    encoding = peak_of(lambda: read_response(y, y))
    labels = y.astype(str)
    return {
        "X": kind,
        "n": n,
        "p": p,
        "K": K,
        "MiB of X": size / _MIB,
        "core": core / _MIB,
        "over X": core / size,
        "whole fit": whole / _MIB,
        "encoding int y": encoding / _MIB,
        "encoding strings": peak_of(lambda: read_response(labels, labels)) / _MIB,
        "factors": 8 * (K * (p + 1)) ** 2 / _MIB,
        "share in products": _share_in_products(X, y),
    }


def _share_in_products(X, y):
    """Time the products of the blocks of rows and the refreshes of the metric, against the whole fit."""
    from softglm import SoftmaxGLM
    from softglm.data import DenseBlock, SparseBlock
    from softglm.model.glm import GLM

    spent = 0.0

    def timed(function):
        def call(*args, **options):
            nonlocal spent
            start = time.perf_counter()
            try:
                return function(*args, **options)
            finally:
                spent += time.perf_counter() - start

        return call

    block = SparseBlock if sparse.issparse(X) else DenseBlock
    with ExitStack() as stack:
        for owner, name in ((block, "times"), (block, "cross"), (GLM, "_approximate"), (GLM, "_hessian")):
            stack.enter_context(patch.object(owner, name, timed(getattr(owner, name))))
        whole, _ = seconds_of(lambda: SoftmaxGLM().fit(X, y))
    return spent / whole
