import numpy as np
import pytest
from scipy import sparse

from softglm.data import RowsInMemory
from softglm.tuning import Tuning

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


# Ten rows at a time, so that 53 rows make six blocks.
SMALL_BLOCKS = Tuning(least_rows=10, most_rows=10, entries_per_feature=1)


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


def test_the_sum_over_blocks_is_that_of_one_block(matrix):
    expected = whole(matrix)
    rows = RowsInMemory(matrix, CODES, WEIGHTS, OFFSET, tuning=SMALL_BLOCKS)
    assert len(blocks_of(rows)) == 6
    for total, one in zip(rows.sum(statistic), expected, strict=True):
        np.testing.assert_allclose(total, one, **ROUNDING)


def test_the_maximum_is_over_all_blocks(matrix):
    rows = RowsInMemory(matrix, CODES, WEIGHTS, OFFSET, tuning=SMALL_BLOCKS)
    (largest,) = rows.max(lambda block: (block.times(COEF).max(axis=1),))
    np.testing.assert_allclose(largest, (X @ COEF).max(axis=0), **ROUNDING)


def test_joined_statistics_keep_the_order_of_the_rows(matrix):
    rows = RowsInMemory(matrix, CODES, WEIGHTS, OFFSET, tuning=SMALL_BLOCKS)
    predictors, codes, weights, offset = rows.concatenate(
        lambda block: (block.times(COEF), block.targets, block.weights, block.offset.T)
    )
    np.testing.assert_allclose(predictors, (X @ COEF).T, **ROUNDING)
    np.testing.assert_array_equal(codes, CODES)
    np.testing.assert_array_equal(weights, WEIGHTS)
    np.testing.assert_array_equal(offset, OFFSET.T)


def test_summing_twice_gives_the_same_bits(matrix):
    rows = RowsInMemory(matrix, CODES, WEIGHTS, OFFSET, tuning=SMALL_BLOCKS)
    for first, second in zip(rows.sum(statistic), rows.sum(statistic), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_nothing_dense_is_copied(dtype, order):
    matrix = np.asarray(X, dtype=dtype, order=order)
    for block in blocks_of(RowsInMemory(matrix, CODES, WEIGHTS, OFFSET, tuning=SMALL_BLOCKS)):
        assert np.shares_memory(block.X, matrix)
        assert np.shares_memory(block.targets, CODES)
        assert np.shares_memory(block.weights, WEIGHTS)
        assert np.shares_memory(block.offset, OFFSET)


def test_sparse_blocks_are_views_of_the_entries():
    matrix = sparse.csr_array(X)
    blocks = blocks_of(RowsInMemory(matrix, CODES, tuning=SMALL_BLOCKS))
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


@pytest.mark.parametrize(("density", "n_rows"), [(0.8, 40), (0.1, 50)])
def test_blocks_of_few_entries_per_feature_are_taller(density, n_rows):
    matrix = sparse.random(400, 50, density=density, format="csr", random_state=np.random.default_rng(1))
    first, *_ = blocks_of(RowsInMemory(matrix, np.zeros(400), tuning=Tuning(least_rows=1, most_rows=1)))
    # Each entry of the (p, q) statistic of a block should be the sum of about 32 entries of X, but not of more rows
    # than there are features.
    assert len(first) == n_rows


def indices_of(rows):
    """Which rows of X a sample holds."""
    (found,) = rows.concatenate(lambda block: (block.X.T,))
    return np.array([int(np.flatnonzero((row == X).all(axis=1))[0]) for row in found.T])


def test_a_larger_sample_contains_a_smaller_one():
    rows = RowsInMemory(X, CODES)
    small, large = (set(indices_of(rows.sample(count, rows.sampling())).tolist()) for count in (10, 25))
    assert small < large


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scored", [False, True])
def test_a_sample_estimates_sums(weighted, scored):
    rng = np.random.default_rng(2)
    weights = rng.exponential(size=20_000) if weighted else None
    rows = RowsInMemory(rng.normal(size=(20_000, 2)), np.zeros(20_000), weights)
    part = rows.sample(
        4000, rows.sampling((lambda block: (1.0 + 0.5 * np.sin(1e3 * block.X[:, 0]),)) if scored else None)
    )

    def moments(rows):
        return rows.sum(lambda block: (block.squares(np.ones(2), block.weighted(np.ones(len(block)))),))[0]

    # Four standard errors, of heavy weights.
    np.testing.assert_allclose(moments(part), moments(rows), rtol=4.0 * 2.5 / np.sqrt(4000))
    assert abs(part.n_rows - 4000) < 4.0 * np.sqrt(4000)


def test_a_row_of_a_sample_stands_for_as_many_as_its_chance_says():
    scores = np.where(np.arange(N_ROWS) < 3, 100.0, 1.0)
    rows = RowsInMemory(X, CODES)
    part = rows.sample(10, rows.sampling(lambda _: (scores,)))
    chosen = indices_of(part)
    assert {0, 1, 2} <= set(chosen.tolist())
    (weights,) = part.concatenate(lambda block: (block.weights,))
    np.testing.assert_allclose(weights[chosen < 3], 1.0)
    np.testing.assert_allclose(weights[chosen >= 3], scores.sum() / 10, rtol=1e-6)
    assert part.multiplicity == weights.max()


def test_of_more_than_half_the_rows_all_are_taken(matrix):
    rows = RowsInMemory(matrix, CODES)
    assert rows.sample(N_ROWS // 2 + 1, rows.sampling()) is rows
    assert rows.multiplicity == 1.0


def test_a_sample_is_the_same_every_time():
    rows = RowsInMemory(X, CODES)
    first, second = (indices_of(rows.sample(7, rows.sampling())) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_blocks_that_fit_the_cache_are_as_large_as_fits():
    few, many = (blocks_of(RowsInMemory(np.zeros((20_000, p)), np.zeros(20_000))) for p in (2, 600))
    assert len(few[0]) == 8192
    assert len(many[0]) == 1024
