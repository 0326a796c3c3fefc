import numpy as np
import pytest
from scipy import sparse

from softglm.data import RowsInMemory
from softglm.data.rounded import RoundedRows

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
    monkeypatch.setattr("softglm.data.memory._LEAST_ROWS", 10)
    monkeypatch.setattr("softglm.data.memory._MOST_ROWS", 10)
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


@pytest.mark.parametrize(("density", "n_rows"), [(0.8, 40), (0.1, 50)])
def test_blocks_of_few_entries_per_feature_are_taller(monkeypatch, density, n_rows):
    monkeypatch.setattr("softglm.data.memory._LEAST_ROWS", 1)
    monkeypatch.setattr("softglm.data.memory._MOST_ROWS", 1)
    matrix = sparse.random(400, 50, density=density, format="csr", random_state=np.random.default_rng(1))
    first, *_ = blocks_of(RowsInMemory(matrix, np.zeros(400)))
    # Each entry of the (p, q) statistic of a block should be the sum of about 32 entries of X, but not of more rows
    # than there are features.
    assert len(first) == n_rows


def indices_of(rows):
    """Which rows of X a sample holds."""
    (found,) = rows.concatenate(lambda block: (block.X.T,))
    return np.array([int(np.flatnonzero((row == X).all(axis=1))[0]) for row in found.T])


def test_a_larger_sample_contains_a_smaller_one():
    rows = RowsInMemory(X, CODES)
    small, large = (set(indices_of(rows.sampler()(count)).tolist()) for count in (10, 25))
    assert small < large


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scored", [False, True])
def test_a_sample_estimates_sums(weighted, scored):
    rng = np.random.default_rng(2)
    weights = rng.exponential(size=20_000) if weighted else None
    rows = RowsInMemory(rng.normal(size=(20_000, 2)), np.zeros(20_000), weights)
    part = rows.sampler(0.5 + rng.random(20_000) if scored else None)(4000)

    def moments(rows):
        return rows.sum(lambda block: (block.squares(np.ones(2), block.weighted(np.ones(len(block)))),))[0]

    # Four standard errors, of heavy weights.
    np.testing.assert_allclose(moments(part), moments(rows), rtol=4.0 * 2.5 / np.sqrt(4000))
    assert abs(part.n_rows - 4000) < 4.0 * np.sqrt(4000)


def test_a_row_of_a_sample_stands_for_as_many_as_its_chance_says():
    scores = np.where(np.arange(N_ROWS) < 3, 100.0, 1.0)
    part = RowsInMemory(X, CODES).sampler(scores)(10)
    chosen = indices_of(part)
    assert {0, 1, 2} <= set(chosen.tolist())
    (weights,) = part.concatenate(lambda block: (block.weights,))
    np.testing.assert_allclose(weights[chosen < 3], 1.0)
    np.testing.assert_allclose(weights[chosen >= 3], scores.sum() / 10, rtol=1e-6)
    assert part.multiplicity == weights.max()


def test_of_more_than_half_the_rows_all_are_taken(matrix):
    rows = RowsInMemory(matrix, CODES)
    assert rows.sampler()(N_ROWS // 2 + 1) is rows
    assert rows.multiplicity == 1.0


def test_a_sample_is_the_same_every_time():
    rows = RowsInMemory(X, CODES)
    np.testing.assert_array_equal(indices_of(rows.sampler()(7)), indices_of(rows.sampler()(7)))


def test_blocks_that_fit_the_cache_are_as_large_as_fits():
    few, many = (blocks_of(RowsInMemory(np.zeros((20_000, p)), np.zeros(20_000))) for p in (2, 600))
    assert len(few[0]) == 8192
    assert len(many[0]) == 1024


def test_in_single_precision_rows_are_centred_before_they_are_rounded():
    far = X + np.array([1e6, -1e9, 0.0, 3.0])
    center = far.mean(axis=0)
    rows, its_center = RowsInMemory(far, CODES, WEIGHTS, OFFSET).in_single_precision(center)
    assert rows.dtype == np.float32
    assert not its_center.any()
    (block,) = blocks_of(rows)
    np.testing.assert_allclose(block.X, far - center, rtol=1e-7, atol=1e-12)
    for given, kept in zip((CODES, WEIGHTS, OFFSET), (block.targets, block.weights, block.offset), strict=True):
        assert np.shares_memory(given, kept)


@pytest.mark.parametrize("value", [0.0, 1e-3, 3.7, 1e6 + 0.1, -1e12])
def test_in_single_precision_a_constant_column_is_zero(value):
    constant = X.copy()
    constant[:, 1] = value
    found = RowsInMemory(constant, CODES).in_single_precision(constant.mean(axis=0))
    if found is not None:  # or it is not clear whether the rounding of the mean is all that varies
        assert not blocks_of(found[0])[0].X[:, 1].any()
    assert found is not None or value == 1e-3


@pytest.mark.parametrize("scale", [1e-100, 1e-30, 1e-12, 1e12, 1e30, 1e100, 1e300])
def test_columns_that_single_precision_cannot_square_are_left_in_double(scale):
    scaled = X * [1.0, scale, 1.0, 1.0]
    with np.errstate(over="ignore", invalid="ignore"):
        assert RowsInMemory(scaled, CODES).in_single_precision(scaled.mean(axis=0)) is None


def test_neither_sparse_nor_many_rows_are_copied(monkeypatch):
    center = X.mean(axis=0)
    assert RowsInMemory(MATRICES["CSR"], CODES).in_single_precision(center) is None
    for most, kind in ((X.size, RowsInMemory), (X.size - 1, RoundedRows)):
        monkeypatch.setattr("softglm.data.memory._COPIED_ENTRIES", most)
        rows, _ = RowsInMemory(X, CODES).in_single_precision(center)
        assert type(rows) is kind


@pytest.mark.parametrize("constant", [False, True])
def test_rows_converted_for_each_pass_are_those_that_are_copied(monkeypatch, small_blocks, constant):  # noqa: ARG001
    given = X.copy()
    if constant:
        given[:, 2] = 3.7
    center = given.mean(axis=0)
    rows = RowsInMemory(given, CODES, WEIGHTS, OFFSET)
    copied, _ = rows.in_single_precision(center)
    monkeypatch.setattr("softglm.data.memory._COPIED_ENTRIES", 0)
    monkeypatch.setattr("softglm.data.memory._NEAR", -1.0)
    converted, its_center = rows.in_single_precision(center)
    assert not its_center.any()
    assert isinstance(converted, RoundedRows)
    for name in ("n_rows", "n_features", "n_entries", "has_offset", "is_sparse", "dtype", "multiplicity"):
        assert getattr(converted, name) == getattr(copied, name)
    for verb in (lambda rows: rows.sum(statistic), lambda rows: rows.concatenate(lambda block: (block.X.T,))):
        for one, other in zip(verb(converted), verb(copied), strict=True):
            np.testing.assert_array_equal(one, other)
    for block, other in zip(blocks_of(converted), blocks_of(copied), strict=True):
        assert block.X.dtype == np.float32
        np.testing.assert_array_equal(block.X, other.X)


def test_rows_that_stay_far_from_zero_are_left_in_double():
    nothing = np.zeros(4)
    assert RowsInMemory(X + 3.0, CODES).in_single_precision(nothing) is not None
    assert RowsInMemory(X + 1e3, CODES).in_single_precision(nothing) is None
    constant = X.copy()
    constant[:, 1] = 3.7
    rows, _ = RowsInMemory(constant, CODES).in_single_precision(nothing)
    np.testing.assert_array_equal(blocks_of(rows)[0].X[:, 1], np.float32(3.7))


def test_numbers_of_more_digits_are_rounded_too():
    rows, _ = RowsInMemory(X.astype(np.longdouble), CODES).in_single_precision(X.mean(axis=0))
    assert rows.dtype == np.float32


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_near_zero_are_converted_as_they_come(monkeypatch, order):
    monkeypatch.setattr("softglm.data.memory._COPIED_ENTRIES", 0)
    given, center = np.asarray(X, order=order), X.mean(axis=0)
    rows, its_center = RowsInMemory(given, CODES).in_single_precision(center)
    assert its_center is center
    np.testing.assert_array_equal(rows.concatenate(lambda block: (block.X.T,))[0].T, given.astype(np.float32))
    far, _ = RowsInMemory(given + 1e3, CODES).in_single_precision(center + 1e3)
    np.testing.assert_allclose(far.concatenate(lambda block: (block.X.T,))[0].T, given - center, atol=1e-6)


def test_a_sample_of_rows_converted_for_each_pass_is_that_of_the_rows(monkeypatch):
    monkeypatch.setattr("softglm.data.memory._COPIED_ENTRIES", 0)
    rows = RowsInMemory(X, CODES, WEIGHTS, OFFSET)
    converted, _ = rows.in_single_precision(np.zeros(4))
    scores = np.linspace(1.0, 2.0, N_ROWS).astype(np.float32)
    assert converted.sampler(scores)(N_ROWS) is converted
    part, expected = converted.sampler(scores)(20), rows.sampler(scores)(20)
    assert part.multiplicity == expected.multiplicity > 1.0
    (block,), (other,) = blocks_of(part), blocks_of(expected)
    np.testing.assert_array_equal(block.X, other.X.astype(np.float32))
    np.testing.assert_array_equal(block.weights, other.weights)
