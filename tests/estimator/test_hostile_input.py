"""Input that is unusual but not wrong: fitted without a stray warning, and never modified."""

import copy
import tracemalloc
import warnings

import numpy as np
import pandas as pd
import problems
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from softglm import SoftmaxGLM

# Other dtypes and orders sum the same numbers in another order.
SAME = 1e-10
DATA = problems.overlapping()
ALPHAS = pytest.mark.parametrize("alpha", ["1/n_samples", 0.1])


def coefficients(X, y, **parameters):
    model = SoftmaxGLM(**parameters).fit(X, y)
    assert model.converged_
    assert_usable(model, X)
    return model.coef_


def assert_usable(model, X):
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.intercept_).all()
    assert np.isfinite(model.predict_log_proba(X)).all()
    assert np.allclose(model.predict_proba(X).sum(axis=1), 1.0)


def misaligned(X):
    memory = np.empty(X.nbytes + 1, dtype=np.uint8)[1:]
    result = memory.view(X.dtype).reshape(X.shape)
    result[:] = X
    assert not result.flags.aligned
    return result


def mapped(X, tmp_path):
    np.save(tmp_path / "X.npy", X)
    result = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert not result.flags.writeable
    return result


LAYOUTS = {
    "Fortran order": lambda X, _: np.asfortranarray(X),
    "every second column of a wider array": lambda X, _: np.repeat(X, 2, axis=1)[:, ::2],
    "every second row of a longer array": lambda X, _: np.repeat(X, 2, axis=0)[::2],
    "negative strides": lambda X, _: np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1],
    "read-only memory map": mapped,
    "misaligned": lambda X, _: misaligned(X),
    "big-endian": lambda X, _: X.astype(">f8"),
    "longdouble": lambda X, _: X.astype(np.longdouble),
    "objects": lambda X, _: X.astype(object),
    "nested lists": lambda X, _: X.tolist(),
    "matrix of a subclass": lambda X, _: np.ma.masked_array(X),
    "CSR with int64 indices": lambda X, _: with_index_type(sparse.csr_matrix(X), np.int64),
    "CSR with unsorted indices": lambda X, _: unsorted(X),
    "CSR with duplicate entries": lambda X, _: doubled(X),
    "CSR with explicit zeros": lambda X, _: with_explicit_zeros(X),
    "CSC": lambda X, _: sparse.csc_matrix(X),
    "COO": lambda X, _: sparse.coo_matrix(X),
    "sparse frame": lambda X, _: pd.DataFrame(X).astype(pd.SparseDtype(np.float64, 0.0)),
}


def with_index_type(X, dtype):
    X.indices, X.indptr = X.indices.astype(dtype), X.indptr.astype(dtype)
    return X


def unsorted(X):
    n, p = X.shape
    result = sparse.csr_matrix(
        (X[:, ::-1].ravel(), np.tile(np.arange(p)[::-1], n), np.arange(0, n * p + 1, p)), X.shape
    )
    assert not result.has_sorted_indices
    return result


def doubled(X):
    n, p = X.shape
    halves = np.repeat(X.ravel() / 2.0, 2)
    return sparse.csr_matrix(
        (halves, np.tile(np.repeat(np.arange(p), 2), n), np.arange(0, 2 * n * p + 1, 2 * p)), X.shape
    )


def with_explicit_zeros(X):
    n, p = X.shape
    wider = np.column_stack([X, np.zeros(n)])
    entries = sparse.csr_matrix((wider.ravel(), np.tile(np.arange(p + 1), n), np.arange(0, n * (p + 1) + 1, p + 1)))
    assert entries.nnz == n * (p + 1)
    return entries


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_of_x_does_not_matter(layout, tmp_path):
    X = LAYOUTS[layout](DATA.X, tmp_path)
    coef = coefficients(X, DATA.y)
    assert np.allclose(coef[:, :4], coefficients(DATA.X, DATA.y), rtol=0.0, atol=SAME)
    assert np.allclose(coef[:, 4:], 0.0, rtol=0.0, atol=SAME)


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8", "bool", ">i4", "float16", "float32", "longdouble"])
def test_numbers_of_any_type_are_their_float64_values(dtype):
    X = np.abs(5.0 * DATA.X).round().clip(0, 1 if dtype == "bool" else None).astype(dtype)
    coef = coefficients(X, DATA.y)
    exact = coefficients(X.astype(np.float64), DATA.y)
    narrow = dtype in {"float16", "float32"}
    assert coef.dtype == (np.float32 if narrow else np.float64)
    # float32 keeps seven digits.
    assert np.allclose(coef, exact, rtol=1e-6 if narrow else SAME, atol=1e-7 if narrow else SAME)


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32, bool])
def test_sparse_numbers_of_any_type_are_their_float64_values(dtype):
    data = problems.sparse_rows()
    X = sparse.csr_matrix((data.X != 0.0).astype(dtype))
    assert np.allclose(coefficients(X, data.y), coefficients(X.toarray(), data.y), rtol=0.0, atol=1e-6)


rng = np.random.default_rng(0)
CLASSES = np.arange(20) % 3
SHAPES = {
    "one feature": (DATA.X[:, :1], DATA.y),
    "two rows": (DATA.X[:2], [0, 1]),
    "two equal rows": (np.ones((2, 1)), [0, 1]),
    "three rows of three classes": (DATA.X[:3], [0, 1, 2]),
    "more features than rows": (rng.normal(size=(20, 50)), CLASSES),
    "two classes, more features than rows": (rng.normal(size=(20, 50)), CLASSES > 0),
    "more features than rows, sparse": (sparse.random(20, 50, 0.1, format="csr", random_state=0), CLASSES),
    "equal rows, more features": (np.ones((20, 50)), CLASSES),
    "only zeros": (np.zeros((20, 2)), CLASSES),
    "only zeros, sparse": (sparse.csr_matrix((20, 2)), CLASSES),
    "only zeros, sparse and wide": (sparse.csr_matrix((20, 50)), CLASSES),
    "constant columns": (np.full((20, 2), 3.0), CLASSES),
    "a constant column far out": (np.insert(DATA.X, 0, 1e8, axis=1), DATA.y),
    "duplicate columns": (np.hstack([DATA.X, DATA.X]), DATA.y),
    "duplicate rows": (np.repeat(DATA.X[:10], 15, axis=0), DATA.y),
    "an all-zero sparse column": (sparse.csr_matrix(np.insert(DATA.X, 2, 0.0, axis=1)), DATA.y),
    "one huge value": (np.where(np.arange(600).reshape(150, 4) == 7, 1e6, DATA.X), DATA.y),
    "huge": (1e99 * DATA.X, DATA.y),
    "tiny": (1e-200 * DATA.X, DATA.y),
    "denormal": (np.full((20, 2), 5e-324), CLASSES),
    "one column huge, one tiny": (DATA.X * [1e99, 1e-200, 1.0, 1.0], DATA.y),
}


@ALPHAS
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_and_size_is_fitted_without_a_warning(shape, alpha):
    X, y = SHAPES[shape]
    coefficients(X, y, alpha=alpha)


# Nothing in these separates the classes: there is an optimum without penalty too, if not only one.
WITHOUT_PENALTY = [
    "two equal rows",
    "equal rows, more features",
    "only zeros",
    "only zeros, sparse",
    "only zeros, sparse and wide",
    "constant columns",
    "a constant column far out",
    "duplicate columns",
    "an all-zero sparse column",
    "huge",
]


@pytest.mark.parametrize("shape", WITHOUT_PENALTY)
def test_without_a_penalty_too_and_the_status_says_when_the_optimum_is_not_unique(shape):
    X, y = SHAPES[shape]
    model = SoftmaxGLM(alpha=0).fit(X, y)
    assert model.converged_
    assert_usable(model, X)
    assert ("minimum norm" in model.status_) == (shape != "huge")


@pytest.mark.filterwarnings("ignore:The number of unique classes is greater than 50%:UserWarning")
@ALPHAS
def test_a_row_for_each_of_fifty_classes(alpha):
    # scikit-learn asks, from some version on, whether so many classes are not the values of a regression.
    assert coefficients(rng.normal(size=(50, 3)), np.arange(50), alpha=alpha).shape == (50, 3)


@pytest.mark.parametrize("strength", [{"C": 1e-200}, {"C": 1e200}, {"alpha": 1e-200}, {"alpha": 1e200}], ids=str)
def test_penalties_of_any_size(strength):
    model = SoftmaxGLM(**strength).fit(DATA.X, DATA.y)
    assert model.converged_
    assert_usable(model, DATA.X)
    shares = np.bincount(DATA.y) / len(DATA.y)
    if model.alpha_ > 1.0:
        assert np.allclose(model.predict_proba(DATA.X), shares, rtol=1e-9)
    else:
        assert np.allclose(model.coef_, SoftmaxGLM(alpha=0).fit(DATA.X, DATA.y).coef_, rtol=0.0, atol=1e-8)


@pytest.mark.parametrize("weight", [1e-90, 1e-30, 1e30, 1e90])
def test_weights_of_any_size(weight):
    model = SoftmaxGLM(alpha=0.1).fit(DATA.X, DATA.y, sample_weight=np.full(150, weight))
    assert np.allclose(model.coef_, SoftmaxGLM(alpha=0.1).fit(DATA.X, DATA.y).coef_, rtol=0.0, atol=SAME)
    with warnings.catch_warnings():
        # Beside one row of weight 1e30 the others are rounding: that is no proof, and is said.
        warnings.simplefilter("ignore" if weight > 1.0 else "error", ConvergenceWarning)
        one = SoftmaxGLM(alpha=0.1).fit(DATA.X, DATA.y, sample_weight=np.where(np.arange(150) == 3, weight, 1.0))
    assert_usable(one, DATA.X)


@pytest.mark.parametrize("size", [1e3, 1e10, 1e50])
def test_offsets_of_many_nats(size):
    offset = size * rng.normal(size=(150, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = SoftmaxGLM().fit(DATA.X, DATA.y, offset=offset)
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.predict_log_proba(DATA.X, offset=offset)).all()


def test_a_scalar_weight_is_a_weight_for_every_row():
    model = SoftmaxGLM().fit(DATA.X, DATA.y, sample_weight=2)
    assert model.alpha_ == 1.0 / 300.0


INPUTS = {
    "labels": problems.weighted,
    "labels with offset": problems.weighted_with_offset,
    "soft labels": problems.soft_labels,
    "counts": problems.counts,
    "sparse": problems.sparse_rows,
    "wide": problems.wide,
}


@pytest.mark.parametrize("writeable", [True, False])
@pytest.mark.parametrize("name", INPUTS)
def test_nothing_that_was_passed_is_modified(name, writeable):
    data = INPUTS[name]()
    given = [np.array(part) if not sparse.issparse(part) else part.copy() for part in (data.X, data.y)]
    weights = np.linspace(0.0, 2.0, len(data.y)) if data.weights is None else data.weights.copy()
    offset = np.random.default_rng(1).normal(size=(len(data.y), data.n_classes))
    class_weight = {0: 2.0, 1: 0.5}
    if not writeable:
        for part in (*given, weights, offset):
            (part.data if sparse.issparse(part) else part).flags.writeable = False
    before = copy.deepcopy((*given, weights, offset, class_weight))
    model = SoftmaxGLM(class_weight=class_weight).fit(*given, sample_weight=weights, offset=offset)
    model.predict_proba(given[0], offset=offset)
    model.score(*given, sample_weight=weights, offset=offset)
    for ours, copied in zip((*given, weights, offset), before[:-1], strict=True):
        if sparse.issparse(ours):
            assert np.array_equal(ours.data, copied.data)
            assert np.array_equal(ours.indices, copied.indices)
        else:
            assert np.array_equal(ours, copied)
    assert class_weight == before[-1]
    assert model.class_weight is class_weight


def test_frames_that_were_passed_are_not_modified():
    data = problems.soft_labels()
    X, Y = pd.DataFrame(data.X, columns=list("abc")), pd.DataFrame(data.y, columns=list("zyxw"))
    offset = pd.DataFrame(np.ones((len(Y), 4)), columns=list("wxyz"))
    copies = [frame.copy() for frame in (X, Y, offset)]
    model = SoftmaxGLM(class_weight="balanced").fit(X, Y, offset=offset)
    model.score(X, Y, offset=offset)
    for frame, copied in zip((X, Y, offset), copies, strict=True):
        pd.testing.assert_frame_equal(frame, copied)


def test_unsorted_sparse_input_stays_unsorted():
    X = unsorted(DATA.X)
    SoftmaxGLM().fit(X, DATA.y)
    assert not X.has_sorted_indices


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param((4000, 6000), id="tall"),
        pytest.param((200, 40_000), id="wide"),
    ],
)
def test_sparse_rows_are_never_made_dense(shape):
    places = [np.repeat(np.arange(shape[0]), 5), np.random.default_rng(0).integers(shape[1], size=5 * shape[0])]
    X = sparse.csc_matrix((np.ones(5 * shape[0]), places), shape)
    y = np.arange(shape[0]) % 2
    tracemalloc.start()
    try:
        SoftmaxGLM(alpha=0.1).fit(X, y).predict_proba(X)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 * shape[0] * shape[1] / 4
