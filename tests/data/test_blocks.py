import numpy as np
import pytest
from scipy import sparse

from softglm.data import DenseBlock, RowsInMemory, SparseBlock

# A dozen products of numbers of order 1, summed in another order.
ROUNDING = {"rtol": 1e-13, "atol": 1e-13}

N_ROWS, N_FEATURES, N_PARAMETERS = 12, 5, 3
RNG = np.random.default_rng(0)
X = np.round(4.0 * RNG.normal(size=(N_ROWS, N_FEATURES))) * (RNG.random((N_ROWS, N_FEATURES)) < 0.6)
CODES = RNG.integers(0, N_PARAMETERS, size=N_ROWS).astype(np.int32)
TARGETS = RNG.random((N_ROWS, N_PARAMETERS))
WEIGHTS = RNG.exponential(size=N_ROWS)
OFFSET = RNG.normal(size=(N_ROWS, N_PARAMETERS))
COEF = RNG.normal(size=(N_FEATURES, N_PARAMETERS))
INTERCEPT = RNG.normal(size=N_PARAMETERS)
VALUES = RNG.normal(size=(N_PARAMETERS, N_ROWS))
CENTER = RNG.normal(size=N_FEATURES)


def misaligned(array):
    """A copy that begins one byte after where a float could."""
    buffer = np.empty(array.nbytes + 1, dtype=np.uint8)
    shifted = buffer[1:].view(array.dtype).reshape(array.shape)
    shifted[...] = array
    assert not shifted.flags.aligned
    return shifted


# The same whole numbers, which every dtype holds exactly.
MATRICES = {
    "C order": X,
    "Fortran order": np.asfortranarray(X),
    "strided": np.repeat(X, 2, axis=1)[:, ::2],
    "float32": X.astype(np.float32),
    "int64": X.astype(np.int64),
    "uint8": abs(X).astype(np.uint8),
    "bool": X > 0,
    "big endian": X.astype(">f8"),
    "misaligned": misaligned(X),
    "read-only": np.frombuffer(X.tobytes()).reshape(X.shape),
    "CSR": sparse.csr_array(X),
    "CSR float32": sparse.csr_array(X.astype(np.float32)),
    "CSR int64": sparse.csr_array(X.astype(np.int64)),
}


@pytest.fixture(params=MATRICES.values(), ids=MATRICES)
def matrix(request):
    return request.param


def dense(matrix):
    return np.asarray(matrix.toarray() if sparse.issparse(matrix) else matrix, dtype=np.float64)


def only_block(matrix, targets=CODES, weights=None, offset=None):
    blocks = []
    # `map` is lazy, and the blocks are not kept: this is how a test sees them.
    for _ in RowsInMemory(matrix, targets, weights, offset).map(lambda block: (blocks.append(block),)):
        pass
    (block,) = blocks
    return block


def test_the_kind_of_block_is_that_of_the_matrix(matrix):
    kind = SparseBlock if sparse.issparse(matrix) else DenseBlock
    assert isinstance(only_block(matrix), kind)
    assert len(only_block(matrix)) == N_ROWS


def test_times_is_the_product_with_the_coefficients_class_major(matrix):
    result = only_block(matrix).times(COEF)
    np.testing.assert_allclose(result, (dense(matrix) @ COEF).T, **ROUNDING)
    assert result.dtype == np.float64
    assert result.flags.c_contiguous
    assert result.flags.writeable


def test_cross_sums_products_of_rows_and_values(matrix):
    result = only_block(matrix).cross(VALUES)
    np.testing.assert_allclose(result, dense(matrix).T @ VALUES.T, **ROUNDING)
    assert result.dtype == np.float64


def test_centred_subtracts_the_center(matrix):
    result = only_block(matrix).centred(CENTER)
    np.testing.assert_array_equal(result, dense(matrix) - CENTER)
    assert result.dtype == np.float64
    assert not np.shares_memory(only_block(X).centred(np.zeros(N_FEATURES)), X)


def test_squares_are_weighted_sums_of_squared_distances_to_the_center(matrix):
    result = only_block(matrix).squares(CENTER, WEIGHTS)
    np.testing.assert_allclose(result, WEIGHTS @ (dense(matrix) - CENTER) ** 2, **ROUNDING)


def test_predictor_is_linear_plus_intercept_plus_offset(matrix):
    expected = (dense(matrix) @ COEF + INTERCEPT).T
    block = only_block(matrix)
    np.testing.assert_allclose(block.predictor(COEF, INTERCEPT), expected, **ROUNDING)
    block = only_block(matrix, offset=OFFSET)
    np.testing.assert_allclose(block.predictor(COEF, INTERCEPT), expected + OFFSET.T, **ROUNDING)


def test_the_arguments_are_not_modified(matrix):
    before = dense(matrix).copy()
    arguments = COEF.copy(), INTERCEPT.copy(), VALUES.copy(), CENTER.copy(), OFFSET.copy()
    block = only_block(matrix, offset=OFFSET)
    block.predictor(COEF, INTERCEPT)[...] = 0.0
    block.cross(VALUES)[...] = 0.0
    block.squares(CENTER, WEIGHTS)[...] = 0.0
    block.centred(CENTER)[...] = 0.0
    np.testing.assert_array_equal(dense(matrix), before)
    for now, then in zip((COEF, INTERCEPT, VALUES, CENTER, OFFSET), arguments, strict=True):
        np.testing.assert_array_equal(now, then)


def test_weighting_multiplies_in_place_by_the_weights_of_the_rows():
    values = VALUES.copy()
    assert only_block(X, weights=WEIGHTS).weighted(values) is values
    np.testing.assert_array_equal(values, VALUES * WEIGHTS)
    assert only_block(X).weighted(values) is values
    np.testing.assert_array_equal(values, VALUES * WEIGHTS)


def test_class_codes_stand_for_the_one_hot_matrix():
    block = only_block(X, targets=CODES)
    np.testing.assert_array_equal(block.targets_matrix(N_PARAMETERS), np.identity(3)[CODES].T)


def test_a_matrix_of_targets_becomes_class_major():
    result = only_block(X, targets=TARGETS).targets_matrix(N_PARAMETERS)
    np.testing.assert_array_equal(result, TARGETS.T)
    assert result.flags.c_contiguous
    result[...] = 0.0
    assert TARGETS.all()


def test_one_column_of_targets_is_one_row():
    for targets in (TARGETS[:, 0], TARGETS[:, :1], CODES):
        result = only_block(X, targets=targets).targets_matrix(1)
        np.testing.assert_array_equal(result, targets.reshape(1, -1))
        assert result.dtype == np.float64
        assert not np.shares_memory(result, targets)


@pytest.mark.parametrize("weights", [None, WEIGHTS, np.where(np.arange(N_ROWS) % 3, WEIGHTS, 0.0)])
def test_rows_of_no_weight_do_not_count(matrix, weights):
    block = only_block(matrix, weights=weights)
    expected = np.ones(N_ROWS) if weights is None else weights
    np.testing.assert_array_equal(block.row_weights, expected)
    np.testing.assert_array_equal(block.counted, dense(matrix)[expected > 0.0])
    block.row_weights[:] = 7.0
    block.counted[:] = 7.0
    np.testing.assert_array_equal(block.row_weights, expected)
    np.testing.assert_array_equal(block.counted, dense(matrix)[expected > 0.0])
