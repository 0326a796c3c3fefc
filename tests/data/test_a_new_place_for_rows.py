"""A new place for rows is one subclass with one verb: fits find the same optimum there, at the price that they expect.

The class below is all that a newcomer writes. It also does what a place far away would: it pickles what it is asked.
"""

import numpy as np
import pytest
from far_away import sent
from fits import SAME_OPTIMUM, TABLE
from problems import OVERLAPPING, PROBLEMS, REGRESSIONS, SMALL_BLOCKS, regression, rows_and_family

from softglm.data import DenseBlock, Rows, RowsInMemory
from softglm.families import Categorical
from softglm.fit import fit, prepare
from softglm.model import GLM, ElasticNet, Ridge
from softglm.status import Status
from softglm.tuning import Tuning

# With these every problem is one of many rows, of which a part would tell enough to begin with; and no pass is too
# small to be made in single precision.
# Passes over wide rows: for the space that they span, the moments, and what is proved of them.
AROUND_THE_SPACE = 4
MANY = Tuning(held_numbers=0, rows_per_feature=2, least_sample=8, few_entries=0, unusual=0.0)
# Two proofs of a relative gap of 1e-8 and the rounding of a loss of order 1.
SAME_LOSS = {"rtol": 1e-8, "atol": 1e-12}
EVERY_REGRESSION = [(name, alpha) for name in REGRESSIONS for alpha in (0.0, 0.01)]


class RowsElsewhere(Rows):
    """Blocks that can be asked for what a statistic makes of them, and for nothing else."""

    def __init__(self, rows: RowsInMemory) -> None:
        self.n_rows, self.n_features, self.n_entries = rows.n_rows, rows.n_features, rows.n_entries
        self.has_offset, self.is_sparse, self.dtype = rows.has_offset, rows.is_sparse, rows.dtype
        self._rows, self.n_iterations = rows, 0

    def map(self, statistic):
        self.n_iterations += 1
        return self._rows.map(sent(statistic))

    def gather(self, statistic, reduce):
        yield sent(sent(reduce)(self.map(statistic)))


class RowsInFiles(Rows):
    """Parts of X and class codes in files of NumPy's, read block by block: as a newcomer would have them."""

    has_offset = is_sparse = False

    def __init__(self, paths):
        self._paths = paths
        shapes = [np.load(X, mmap_mode="r").shape for X, _ in paths]
        self.n_rows, self.n_features = sum(n for n, _ in shapes), shapes[0][1]
        self.n_entries = self.n_rows * self.n_features

    def map(self, statistic):
        for X, codes in self._paths:
            yield statistic(DenseBlock(np.load(X, mmap_mode="r"), np.load(codes), weights=None, offset=None))


def ridge(rows, alpha):
    return Ridge.on_coefficients(alpha, rows.n_features, fit_intercept=True)


def is_wide(rows):
    return rows.n_rows < rows.n_features


def check_same_fit(rows, family, alpha, tuning):
    elsewhere = RowsElsewhere(rows)
    there = fit(elsewhere, family, ridge(rows, alpha), tuning=tuning)
    here = fit(rows, family, ridge(rows, alpha))
    assert there.status is here.status
    assert there.is_unique is here.is_unique
    np.testing.assert_allclose(there.loss, here.loss, **SAME_LOSS)
    if here.status is Status.CONVERGED:
        np.testing.assert_allclose(there.coef, here.coef, **SAME_OPTIMUM)
        np.testing.assert_allclose(there.intercept, here.intercept, **SAME_OPTIMUM)
    return there, elsewhere


@pytest.mark.parametrize("tuning", [Tuning(), MANY], ids=["few", "many"])
@pytest.mark.parametrize(("name", "alpha_times_weight"), TABLE)
def test_a_fit_finds_the_optimum_and_passes_over_the_rows_as_often_as_it_says(name, alpha_times_weight, tuning):
    data = PROBLEMS[name]()
    rows, family = rows_and_family(data, SMALL_BLOCKS)
    there, elsewhere = check_same_fit(rows, family, alpha_times_weight / data.total_weight, tuning)
    if is_wide(rows):
        # Read for the space that they span, and to prove of them what was found there; the others are over its rows.
        assert elsewhere.n_iterations <= AROUND_THE_SPACE < there.n_passes
    else:
        assert elsewhere.n_iterations == there.n_passes


@pytest.mark.parametrize(("name", "alpha"), EVERY_REGRESSION)
@pytest.mark.parametrize("given", [{}, {"weighted": True}, {"offset": True}], ids=["plain", "weights", "offset"])
def test_so_it_is_for_every_family(name, alpha, given):
    there, elsewhere = check_same_fit(*regression(name, **given), alpha, Tuning())
    assert elsewhere.n_iterations == there.n_passes


@pytest.mark.parametrize("name", ["separable", "wide"])
def test_separation_is_decided_there_too(name):
    rows, family = rows_and_family(PROBLEMS[name](), SMALL_BLOCKS)
    there = fit(RowsElsewhere(rows), family, ridge(rows, 0.0))
    assert there.status is Status.SEPARATED


@pytest.mark.parametrize("alpha", [0.0, 0.01])
@pytest.mark.parametrize("name", sorted(set(OVERLAPPING)))
def test_nothing_is_on_offer_but_passes_over_all_rows(name, alpha):
    rows, family = rows_and_family(PROBLEMS[name]())
    prepared = prepare(RowsElsewhere(rows), family, tuning=MANY)
    passes = prepared.passes(ridge(rows, alpha))
    problem = GLM.starting_at_null(prepared, passes)
    assert prepared.held is None
    assert prepared.rounded is None
    assert prepared.sampling is None
    assert prepared.pilot is prepared.rows
    prices = {offer.price for offer in problem.approximations}
    assert prices == {passes.approximation_price(rows.n_rows)}
    assert [offer.price for offer in problem.hessians] == [passes.hessian_price(rows.n_rows)] * problem.has_hessian


@pytest.mark.parametrize("name", ["overlapping", "counts", "two_classes"])
def test_what_is_made_of_an_offer_takes_one_pass(name):
    rows, family = rows_and_family(PROBLEMS[name]())
    elsewhere = RowsElsewhere(rows)
    prepared = prepare(elsewhere, family, tuning=MANY)
    problem = GLM.starting_at_null(prepared, prepared.passes(ridge(rows, 0.01)))
    for offer in (*problem.approximations, *problem.hessians):
        before = elsewhere.n_iterations
        offer.make(prepared.null.parameters)
        assert elsewhere.n_iterations == before + 1


@pytest.mark.parametrize("alpha", [0.0, 0.01])
def test_rows_in_files_have_the_optimum_of_rows_in_memory(tmp_path, alpha):
    data = PROBLEMS["many_classes"]()
    paths = []
    for part in np.array_split(np.arange(len(data.y)), 4):
        X, codes = (tmp_path / f"{name}{part[0]}.npy" for name in ("X", "codes"))
        np.save(X, data.X[part])
        np.save(codes, data.y[part])
        paths.append((X, codes))
    rows, family = rows_and_family(data)
    there, here = fit(RowsInFiles(paths), family, ridge(rows, alpha)), fit(rows, family, ridge(rows, alpha))
    assert there.status is Status.CONVERGED
    np.testing.assert_allclose(there.coef, here.coef, **SAME_OPTIMUM)


def test_what_a_place_cannot_do_is_refused_by_its_name():
    rows, _ = rows_and_family(PROBLEMS["overlapping"]())
    elsewhere = RowsElsewhere(rows)
    assert elsewhere.sampling() is None
    assert elsewhere.sample(3, None) is elsewhere
    with pytest.raises(NotImplementedError, match="no method rounded_copy"):
        elsewhere.rounded_copy(None)
    with pytest.raises(NotImplementedError, match="RowsElsewhere can change neither"):
        elsewhere.changed()


def test_wide_rows_that_can_only_be_held_are_fitted_under_a_lasso_too():
    rng = np.random.default_rng(0)
    rows, family = (
        RowsInMemory(rng.normal(size=(60, 20_000)), rng.integers(3, size=60).astype(np.int32)),
        Categorical(3),
    )
    elsewhere = RowsElsewhere(rows)
    elsewhere.can_be_held = True
    lasso = ElasticNet.on_coefficients(0.2, 1.0, np.ones(rows.n_features), fit_intercept=True)
    there, here = fit(elsewhere, family, lasso), fit(rows, family, lasso)
    assert there.status is here.status is Status.CONVERGED
    np.testing.assert_allclose(there.loss, here.loss, **SAME_LOSS)
    assert not elsewhere.can_be_changed
