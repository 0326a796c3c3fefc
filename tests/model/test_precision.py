import numpy as np
import pytest
from problems import PROBLEMS, Data, objective_of, rows_and_family
from scipy import sparse

from softglm.data import AdaptedRows, Rounding, RowsInMemory
from softglm.families import Categorical
from softglm.model.precision import in_single_precision
from softglm.sums import CrossMoments
from softglm.tuning import DEFAULT, Tuning

N_ROWS = 53
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N_ROWS, 4))
X[RNG.random(X.shape) < 0.5] = 0.0
CODES = RNG.integers(0, 3, size=N_ROWS).astype(np.int32)
WEIGHTS = RNG.exponential(size=N_ROWS)
OFFSET = RNG.normal(size=(N_ROWS, 3))
# None is copied, and none is near enough to 0 to be rounded as it comes.
CONVERTED = Tuning(copied_entries=0)
CONVERTED_ABOUT_CENTER = Tuning(copied_entries=0, near=-1.0)


def rounded(X, *given, fit_intercept=True, tuning=DEFAULT):
    """The rows in single precision, and their center there; or None."""
    rows = RowsInMemory(X, CODES, *given)
    found = in_single_precision(objective_of(rows, Categorical(3), 0.1, fit_intercept=fit_intercept, tuning=tuning))
    return None if found is None else (found.rows, found.moments.center)


@pytest.mark.parametrize("name", PROBLEMS)
def test_in_single_precision_value_and_gradient_agree_to_its_digits(name):
    objective = objective_of(*rows_and_family(PROBLEMS[name]()), 0.1)
    rounded = in_single_precision(objective)
    if objective.rows.is_sparse or objective.shape[1] == 1:
        assert rounded is None
        return
    spread = max(np.abs(block.centred(objective.moments.center)).max() for block in blocks_of(objective.rows))
    point = np.random.default_rng(0).normal(size=objective.shape) / spread
    double, single = objective.evaluate(point), rounded.evaluate(point)
    assert single[1].dtype == np.float64
    np.testing.assert_allclose(single[0], double[0], rtol=1e-6)
    np.testing.assert_allclose(single[1], double[1], rtol=0.0, atol=1e-6 * max(spread, 1.0))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_too_many_to_be_copied_serve_as_they_are_if_they_are_in_single_precision(dtype):
    data = PROBLEMS["overlapping"]()
    objective = objective_of(*rows_and_family(Data(data.X.astype(dtype), data.y)), 0.1, tuning=CONVERTED)
    rounded = in_single_precision(objective)
    assert (rounded.rows is objective.rows) is (dtype is np.float32)
    assert (objective.dtype, rounded.dtype, rounded.rows.dtype) == (np.float64, np.float32, np.float32)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_weights_out_of_the_range_of_single_precision_are_left_in_double(scale):
    data = PROBLEMS["overlapping"]()
    scaled = Data(data.X, data.y, np.full(len(data.y), scale))
    assert in_single_precision(objective_of(*rows_and_family(scaled), 0.1)) is None


def blocks_of(rows):
    blocks = []
    for _ in rows.map(lambda block: (blocks.append(block),)):
        pass
    return blocks


def test_in_single_precision_rows_are_centred_before_they_are_rounded():
    far = X + np.array([1e6, -1e9, 0.0, 3.0])
    rows, its_center = rounded(far, WEIGHTS, OFFSET)
    center = WEIGHTS @ far / WEIGHTS.sum()
    assert rows.dtype == np.float32
    assert not its_center.any()
    (block,) = blocks_of(rows)
    np.testing.assert_allclose(block.X, far - center, rtol=1e-6, atol=1e-6)
    for given, kept in zip((CODES, WEIGHTS, OFFSET), (block.targets, block.weights, block.offset), strict=True):
        assert np.shares_memory(given, kept)


@pytest.mark.parametrize("value", [0.0, 1e-3, 3.7, 1e6 + 0.1, -1e12])
def test_in_single_precision_a_constant_column_is_zero(value):
    constant = X.copy()
    constant[:, 1] = value
    found = rounded(constant)
    if found is not None:  # or it is not clear whether the rounding of the mean is all that varies
        assert not blocks_of(found[0])[0].X[:, 1].any()
    assert found is not None or value == 1e-3


@pytest.mark.parametrize("scale", [1e-100, 1e-30, 1e-12, 1e12, 1e30, 1e100, 1e300])
def test_columns_that_single_precision_cannot_square_are_left_in_double(scale):
    with np.errstate(over="ignore", invalid="ignore"):
        assert rounded(X * [1.0, scale, 1.0, 1.0]) is None


def test_neither_sparse_nor_many_rows_are_copied():
    assert rounded(sparse.csr_array(X)) is None
    for most, kind in ((X.size, RowsInMemory), (X.size - 1, AdaptedRows)):
        rows, _ = rounded(X, tuning=Tuning(copied_entries=most))
        assert type(rows) is kind


@pytest.mark.parametrize("constant", [False, True])
def test_rows_converted_for_each_pass_are_those_that_are_copied(constant):
    given = X.copy()
    if constant:
        given[:, 2] = 3.7
    copied, _ = rounded(given, WEIGHTS, OFFSET)
    converted, its_center = rounded(given, WEIGHTS, OFFSET, tuning=CONVERTED_ABOUT_CENTER)
    assert not its_center.any()
    assert isinstance(converted, AdaptedRows)
    for name in ("n_rows", "n_features", "n_entries", "has_offset", "is_sparse", "dtype", "multiplicity"):
        assert getattr(converted, name) == getattr(copied, name)
    for verb in (lambda rows: rows.sum(CrossMoments(3)), lambda rows: rows.concatenate(lambda block: (block.X.T,))):
        for one, other in zip(verb(converted), verb(copied), strict=True):
            np.testing.assert_array_equal(one, other)
    for block, other in zip(blocks_of(converted), blocks_of(copied), strict=True):
        assert block.X.dtype == np.float32
        np.testing.assert_array_equal(block.X, other.X)


def test_rows_that_stay_far_from_zero_are_left_in_double():
    assert rounded(X + 3.0, fit_intercept=False) is not None
    assert rounded(X + 1e3, fit_intercept=False) is None
    constant = X.copy()
    constant[:, 1] = 3.7
    rows, _ = rounded(constant, fit_intercept=False)
    np.testing.assert_array_equal(blocks_of(rows)[0].X[:, 1], np.float32(3.7))


def test_numbers_of_more_digits_are_rounded_too():
    rows, _ = rounded(X.astype(np.longdouble))
    assert rows.dtype == np.float32


@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_near_zero_are_converted_as_they_come(order):
    given = np.asarray(X, order=order)
    rows, its_center = rounded(given, tuning=CONVERTED)
    np.testing.assert_allclose(its_center, X.mean(axis=0))
    np.testing.assert_array_equal(rows.concatenate(lambda block: (block.X.T,))[0].T, given.astype(np.float32))
    far, its_center = rounded(given + 1e3, tuning=CONVERTED)
    assert not its_center.any()
    np.testing.assert_allclose(far.concatenate(lambda block: (block.X.T,))[0].T, given - X.mean(axis=0), atol=1e-6)


def test_a_sample_of_rows_converted_for_each_pass_is_that_of_the_rows():
    rows = RowsInMemory(X, CODES, WEIGHTS, OFFSET)
    converted = AdaptedRows(rows, Rounding(None, np.zeros(4, dtype=bool)))
    scores = np.linspace(1.0, 2.0, N_ROWS).astype(np.float32)
    sampling = converted.sampling(lambda _: (scores,))
    assert converted.sample(N_ROWS, sampling) is converted
    part, expected = converted.sample(20, sampling), rows.sample(20, sampling)
    assert part.multiplicity == expected.multiplicity > 1.0
    (block,), (other,) = blocks_of(part), blocks_of(expected)
    np.testing.assert_array_equal(block.X, other.X.astype(np.float32))
    np.testing.assert_array_equal(block.weights, other.weights)
