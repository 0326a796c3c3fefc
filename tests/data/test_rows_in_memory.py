import numpy as np
import pytest
from scipy import sparse

from softglm.data import RowsInMemory

# Sums over blocks add up in another order than one sum.
ROUNDING = {"rtol": 1e-13, "atol": 1e-13}

N_ROWS = 53
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N_ROWS, 4))
X[RNG.random(X.shape) < 0.5] = 0.0
CODES = RNG.integers(0, 3, size=N_ROWS).astype(np.int32)
WEIGHTS = RNG.exponential(size=N_ROWS)
OFFSET = RNG.normal(size=(N_ROWS, 3))
COEF = RNG.normal(size=(4, 3))

MATRICES = {"dense": X, "Fortran": np.asfortranarray(X), "CSR": sparse.csr_array(X)}


@pytest.fixture(params=MATRICES.values(), ids=MATRICES)
def matrix(request):
    return request.param


@pytest.fixture
def small_blocks(monkeypatch):
    """Ten rows at a time, so that 53 rows make six blocks."""
    monkeypatch.setattr("softglm.data.memory._ROWS", 10)
    monkeypatch.setattr("softglm.data.memory._ENTRIES_PER_FEATURE", 1)


def blocks_of(rows):
    blocks = []
    for _ in rows.map(lambda block: (blocks.append(block),)):
        pass
    return blocks


def statistic(block):
    eta = block.predictor(COEF, np.ones(3))
    weighted = block.weighted(eta.copy())
    return weighted.sum(axis=1), block.cross(weighted), block.targets_matrix(3).sum(axis=1)


def whole(matrix):
    """The statistic of all rows in one block."""
    rows = RowsInMemory(matrix, CODES, WEIGHTS, OFFSET)
    assert len(blocks_of(rows)) == 1
    return rows.sum(statistic)


def test_the_sum_over_blocks_is_that_of_one_block(matrix, request):
    expected = whole(matrix)
    request.getfixturevalue("small_blocks")
    rows = RowsInMemory(matrix, CODES, WEIGHTS, OFFSET)
    assert len(blocks_of(rows)) == 6
    for total, one in zip(rows.sum(statistic), expected, strict=True):
        np.testing.assert_allclose(total, one, **ROUNDING)


@pytest.mark.usefixtures("small_blocks")
def test_the_maximum_is_over_all_blocks(matrix):
    rows = RowsInMemory(matrix, CODES, WEIGHTS, OFFSET)
    (largest,) = rows.max(lambda block: (block.times(COEF).max(axis=1),))
    np.testing.assert_allclose(largest, (X @ COEF).max(axis=0), **ROUNDING)


@pytest.mark.usefixtures("small_blocks")
def test_joined_statistics_keep_the_order_of_the_rows(matrix):
    rows = RowsInMemory(matrix, CODES, WEIGHTS, OFFSET)
    predictors, codes, weights, offset = rows.concatenate(
        lambda block: (block.times(COEF), block.targets, block.weights, block.offset.T)
    )
    np.testing.assert_allclose(predictors, (X @ COEF).T, **ROUNDING)
    np.testing.assert_array_equal(codes, CODES)
    np.testing.assert_array_equal(weights, WEIGHTS)
    np.testing.assert_array_equal(offset, OFFSET.T)


@pytest.mark.usefixtures("small_blocks")
def test_summing_twice_gives_the_same_bits(matrix):
    rows = RowsInMemory(matrix, CODES, WEIGHTS, OFFSET)
    for first, second in zip(rows.sum(statistic), rows.sum(statistic), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_nothing_dense_is_copied(dtype, order):
    matrix = np.asarray(X, dtype=dtype, order=order)
    for block in blocks_of(RowsInMemory(matrix, CODES, WEIGHTS, OFFSET)):
        assert np.shares_memory(block.X, matrix)
        assert np.shares_memory(block.targets, CODES)
        assert np.shares_memory(block.weights, WEIGHTS)
        assert np.shares_memory(block.offset, OFFSET)


@pytest.mark.usefixtures("small_blocks")
def test_sparse_blocks_are_views_of_the_entries():
    matrix = sparse.csr_array(X)
    blocks = blocks_of(RowsInMemory(matrix, CODES))
    for block in blocks:
        assert np.shares_memory(block.X.data, matrix.data)
        assert np.shares_memory(block.X.indices, matrix.indices)
    np.testing.assert_array_equal(np.vstack([block.X.toarray() for block in blocks]), X)


def test_misaligned_memory_is_copied_once():
    buffer = np.empty(X.nbytes + 1, dtype=np.uint8)
    shifted = buffer[1:].view(np.float64).reshape(X.shape)
    shifted[...] = X
    (block,) = blocks_of(RowsInMemory(shifted, CODES))
    assert block.X.flags.aligned
    np.testing.assert_array_equal(block.X, X)


def test_the_shape_and_whether_there_is_an_offset_are_known(matrix):
    rows = RowsInMemory(matrix, CODES)
    assert (rows.n_rows, rows.n_features, rows.has_offset) == (*X.shape, False)
    assert RowsInMemory(matrix, CODES, None, OFFSET).has_offset


def test_blocks_of_few_entries_per_feature_are_taller(monkeypatch):
    monkeypatch.setattr("softglm.data.memory._ROWS", 1)
    matrix = sparse.random(400, 50, density=0.1, format="csr", random_state=np.random.default_rng(1))
    first, *_ = blocks_of(RowsInMemory(matrix, np.zeros(400)))
    # Each entry of the (p, q) statistic of a block should be the sum of about eight entries of X or more.
    assert len(first) == 80
