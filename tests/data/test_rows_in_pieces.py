"""Rows whose features are read in pieces are those in memory, to the last bit and however they are cut."""

import numpy as np
import pytest
from problems import PROBLEMS, SMALL_BLOCKS, rows_and_family
from scipy import sparse

from softglm.data import FeaturesInPieces, RowsInMemory, RowsInPieces
from softglm.fit import fit
from softglm.model import Ridge
from softglm.tuning import Tuning

N_ROWS = 53
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N_ROWS, 4)) * (RNG.random((N_ROWS, 4)) < 0.5)
CODES = RNG.integers(0, 3, size=N_ROWS).astype(np.int32)
WEIGHTS = RNG.exponential(size=N_ROWS)
OFFSET = RNG.normal(size=(N_ROWS, 3))
COEF = RNG.normal(size=(4, 3))
MATRICES = pytest.mark.parametrize("matrix", [X, sparse.csr_array(X)], ids=["dense", "CSR"])
SIZES = pytest.mark.parametrize("size", [1, 7, 10, 53])
# Ten rows at a time; and as if a pass took long, in three parts.
TUNINGS = pytest.mark.parametrize(
    "tuning",
    [
        Tuning(least_rows=10, most_rows=10, entries_per_feature=1),
        Tuning(least_rows=10, most_rows=10, entries_per_feature=1, long_pass=1, n_parts=3),
    ],
    ids=["short", "long"],
)


# Two proofs of a relative gap of 1e-8, and the rounding of a loss of order 1.
SAME_LOSS = {"rtol": 1e-8, "atol": 1e-12}


class Counted:
    """A matrix in pieces, and how often it was read."""

    def __init__(self, matrix, size):
        self.matrix, self.size, self.n_passes = matrix, size, 0

    def __call__(self):
        self.n_passes += 1
        yield from (self.matrix[start : start + self.size] for start in range(0, self.matrix.shape[0], self.size))

    def features(self, n_rows=None):
        shape = self.matrix.shape if n_rows is None else (n_rows, self.matrix.shape[1])
        is_sparse = sparse.issparse(self.matrix)
        return FeaturesInPieces(
            self,
            shape,
            np.float64,
            n_entries=self.matrix.nnz if is_sparse else self.matrix.size,
            is_sparse=is_sparse,
            pass_price=0.0,
            place="a test",
        )


def statistic(block):
    eta = block.weighted(block.predictor(COEF, np.ones(3)))
    return eta.sum(axis=1), block.cross(eta), block.targets_matrix(3).sum(axis=1)


def both(matrix, size, tuning):
    beside = CODES, WEIGHTS, OFFSET
    pieces = Counted(matrix, size)
    return RowsInPieces(pieces.features(), *beside, tuning=tuning), RowsInMemory(matrix, *beside, tuning=tuning), pieces


def assert_same_bits(there, here):
    for one, other in zip(there, here, strict=True):
        np.testing.assert_array_equal(one, other)


@MATRICES
@SIZES
@TUNINGS
def test_sums_maxima_and_what_is_joined_are_the_same_bits(matrix, size, tuning):
    there, here, pieces = both(matrix, size, tuning)
    for verb in ("sum", "max", "concatenate"):
        assert_same_bits(getattr(there, verb)(statistic), getattr(here, verb)(statistic))
    assert pieces.n_passes == 3
    assert there.longest_sum == here.longest_sum


@MATRICES
@SIZES
@pytest.mark.parametrize("score", [None, lambda block: (np.abs(block.times(COEF)[0]).astype(np.float32) + 0.1,)])
def test_a_sample_holds_the_same_rows_and_a_smaller_one_is_not_read_again(matrix, size, score):
    there, here, pieces = both(matrix, size, SMALL_BLOCKS)
    chances, same_chances = there.sampling(score), here.sampling(score)
    before = pieces.n_passes
    for count in (20, 8, 20, 26):
        part, same = there.sample(count, chances), here.sample(count, same_chances)
        assert part.multiplicity == same.multiplicity
        assert_same_bits(part.sum(statistic), same.sum(statistic))
    assert pieces.n_passes == before + 1
    assert there.sample(40, chances) is there


@MATRICES
def test_columns_weights_and_offset_can_be_changed(matrix):
    changes = {"columns": np.array([2, 0]), "weights": WEIGHTS + 1.0, "offset": OFFSET * 2.0}
    there, here, _ = both(matrix, 7, SMALL_BLOCKS)
    for name, value in changes.items():
        there, here = there.changed(**{name: value}), here.changed(**{name: value})
        assert (there.n_rows, there.n_features) == (here.n_rows, here.n_features)
        assert_same_bits(there.concatenate(_everything), here.concatenate(_everything))
    assert_same_bits(
        there.changed(columns=np.array([1])).concatenate(_everything),
        here.changed(columns=np.array([1])).concatenate(_everything),
    )


def _everything(block):
    return block.centred(np.zeros(block.X.shape[1])).T, block.weights, block.offset.T


@pytest.mark.parametrize("name", ["overlapping", "weighted_with_offset", "sparse_rows", "soft_labels", "wide"])
def test_a_fit_finds_the_same_optimum(name):
    data = PROBLEMS[name]()
    rows, family = rows_and_family(data)
    targets, weights, offset = rows.parts[1:]
    elsewhere = RowsInPieces(Counted(data.X, 11).features(), targets, weights, offset)
    ridge = Ridge.on_coefficients(0.01, rows.n_features, fit_intercept=True)
    there, here = fit(elsewhere, family, ridge), fit(rows, family, ridge)
    assert there.status is here.status
    np.testing.assert_allclose(there.loss, here.loss, **SAME_LOSS)


@pytest.mark.parametrize("n_rows", [N_ROWS - 3, N_ROWS + 3])
def test_more_or_fewer_rows_than_were_observed_are_an_error(n_rows):
    pieces = Counted(X, 10)
    rows = RowsInPieces(pieces.features(n_rows), np.resize(CODES, n_rows))
    with pytest.raises(ValueError, match=rf"X has .* at this pass, and y has {n_rows}"):
        rows.sum(statistic)
