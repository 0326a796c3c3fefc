"""One pass adds up and draws: what it draws stands for all rows, wherever these are."""

import numpy as np
import pytest
from far_away import RowsFarAway
from problems import PROBLEMS, SMALL_BLOCKS, rows_and_family

from softglm.data import DenseBlock, Draw, RowsInMemory, survey
from softglm.sums import CrossMoments, Observations

# How far a sum over a sample of some thousand rows may be from that over all, in its own standard errors.
UNLIKELY = 5.0


def observed(rows):
    return rows.concatenate(Observations())


def labelled(n=30_000, shares=(0.9, 0.09, 0.0099, 0.0001), *, weights=None):
    rng = np.random.default_rng(0)
    y = rng.choice(len(shares), p=np.array(shares) / sum(shares), size=n).astype(np.int32)
    return RowsInMemory(rng.normal(size=(n, 3)), y, weights), y


@pytest.mark.parametrize("name", PROBLEMS)
def test_what_one_pass_tells_is_what_passes_of_their_own_tell(name):
    rows, family = rows_and_family(PROBLEMS[name](), SMALL_BLOCKS)
    far_away = RowsFarAway(rows)
    sums = CrossMoments(family.n_parameters)
    seen = survey(far_away, Draw(0.5), sums=sums)
    assert far_away.n_passes == 1
    for together, alone in zip(seen.sums, rows.sum(sums), strict=True):
        np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_same_rows_are_drawn_wherever_they_are_and_in_however_many_parts(name):
    rows, _ = rows_and_family(PROBLEMS[name](), SMALL_BLOCKS)
    here, there = (survey(place, Draw(0.4, 3)).sample() for place in (rows, RowsFarAway(rows)))
    assert 0 < here.n_rows < rows.n_rows
    assert here.is_sparse == rows.is_sparse
    for one, other in zip(observed(here), observed(there), strict=True):
        np.testing.assert_array_equal(one, other)


def test_all_rows_are_drawn_where_all_are_asked_for_and_each_stands_for_itself():
    rows, _ = labelled(1000)
    sample = survey(rows, Draw(1.0, 4)).sample()
    assert sample.multiplicity == 1.0
    for one, other in zip(observed(sample), observed(rows), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_class_has_a_quarter_of_an_even_share_or_all_of_its_rows():
    rows, y = labelled()
    sample = survey(rows, Draw(0.1, 4)).sample()
    counts, drawn = np.bincount(y), np.bincount(observed(sample)[1])
    even = 0.1 * len(y) / 4
    least = np.minimum(counts, even / 4.0)
    assert (drawn >= least - UNLIKELY * np.sqrt(least) * (counts > least)).all()
    assert drawn.sum() < 0.15 * len(y)


def test_weights_of_what_is_drawn_estimate_those_of_all_and_none_stands_for_more_than_is_said():
    weights = np.random.default_rng(1).exponential(size=30_000) * (np.arange(30_000) % 3 > 0)
    rows, y = labelled(weights=weights)
    sample = survey(rows, Draw(0.1, 4)).sample()
    X, codes, drawn, _ = observed(sample)
    own = dict(zip(map(tuple, observed(rows)[0].T), weights, strict=True))
    stands_for = drawn / np.array([own[tuple(row)] for row in X.T])
    assert stands_for.min() >= 1.0
    assert sample.multiplicity >= stands_for.max() * (1.0 - 1e-12)
    for k in range(4):
        off = drawn[codes == k].sum() - weights[y == k].sum()
        assert abs(off) <= UNLIKELY * np.sqrt(np.square(drawn[codes == k]).sum())


def test_rows_of_higher_scores_have_better_chances():
    rows, _ = labelled()

    def score(block):
        return (np.where(block.X[:, 0] > 2.0, 20.0, 1.0),)

    sample = survey(rows, Draw(0.05, 1, score)).sample()
    X, _, weights, _ = observed(sample)
    np.testing.assert_allclose(weights, np.where(X[0] > 2.0, 1.0, 20.0))


def test_blocks_without_rows_or_weight_add_nothing():
    X = np.zeros((4, 2))
    rows = RowsInMemory(X, np.zeros(4, dtype=np.int32), np.zeros(4))
    assert survey(rows, Draw(0.9, 2)).sample().n_rows == 0
    nothing = DenseBlock(X[:0], np.zeros(0, dtype=np.int32), np.zeros(0), None)
    assert len(Draw(0.9, 2)(nothing).rows) == 0
