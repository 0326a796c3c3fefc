"""Passes over all rows are counted, each once: against an account of the rows that every statistic was shown."""

from functools import cached_property

import numpy as np
import pytest
from problems import PROBLEMS, SMALL_BLOCKS, Data, badly_scaled, overlapping, rows_and_family, wide

from softglm.data import AdaptedRows, CountedRows, PassCount, Rebasing, Rounding, Rows, RowsInMemory
from softglm.families import Categorical
from softglm.fit import fit
from softglm.model import Ridge
from softglm.model.passes import CachedPasses, HeldColumns
from softglm.model.row_space import row_space
from softglm.sums import RowWeights, WeightedTotals
from softglm.tuning import Tuning

# Rows are read wherever they are, every time; in double precision.
READ = {"held_numbers": 0, "in_single_precision": False}
WAYS = {
    "double precision": Tuning(**READ),
    "a copy in single precision": Tuning(held_numbers=0),
    "converted to single precision": Tuning(held_numbers=0, copied_entries=0),
    "converted about a center": Tuning(held_numbers=0, copied_entries=0, near=-1.0),
    "samples": Tuning(held_numbers=0, rows_per_feature=2, least_sample=8, few_entries=0, unusual=0.0),
    "samples in double precision": Tuning(**READ, rows_per_feature=2, least_sample=8, few_entries=0, unusual=0.0),
    "equal chances": Tuning(held_numbers=0, rows_per_feature=2, least_sample=8, few_entries=0, unusual=np.inf),
    "no Hessian": Tuning(**READ, hessian_parameters=0),
    "scales only": Tuning(**READ, decomposed_features=0, decomposed_unpenalised=0, hessian_parameters=0),
}
NARROW = sorted(set(PROBLEMS) - {"wide"})


class Account:
    """How many rows were looked at."""

    def __init__(self):
        self.shown = []

    def of(self, statistic):
        def watched(block):
            self.shown.append(len(block))
            return statistic(block)

        return watched


class WatchedRows(Rows):
    """Rows in memory, with all that they can do, and an account of it; not of samples, nor of copying one."""

    def __init__(self, rows, account):
        self._rows, self._account = rows, account
        self.n_rows, self.n_features, self.n_entries = rows.n_rows, rows.n_features, rows.n_entries
        self.has_offset, self.is_sparse, self.dtype = rows.has_offset, rows.is_sparse, rows.dtype
        self.can_be_sampled, self.can_be_held, self.can_be_rounded = True, True, rows.can_be_rounded

    def map(self, statistic):
        return self._rows.map(self._account.of(statistic))

    def gather(self, statistic, reduce):
        return self._rows.gather(self._account.of(statistic), reduce)

    def sampling(self, score=None):
        return self._rows.sampling(None if score is None else self._account.of(score))

    def sample(self, count, sampling):
        part = self._rows.sample(count, sampling)
        return self if part is self._rows else part

    def rounded_copy(self, adaptation):
        self._account.shown.append(self.n_rows)
        return WatchedRows(self._rows.rounded_copy(adaptation), self._account)


def counted(rows):
    count = PassCount()
    return CountedRows(rows, count), count


def several_blocks():
    return rows_and_family(overlapping(), SMALL_BLOCKS)[0]


def passes_of(act, rows=None):
    """How many passes something takes over these rows."""
    rows, count = counted(several_blocks() if rows is None else rows)
    act(rows)
    return count.n_passes


ONE_PASS = {
    "map": lambda rows: list(rows.map(RowWeights())),
    "gather": lambda rows: list(rows.gather(RowWeights(), list)),
    "sum": lambda rows: rows.sum(WeightedTotals()),
    "max": lambda rows: rows.max(WeightedTotals()),
    "concatenate": lambda rows: rows.concatenate(RowWeights()),
    "scores": lambda rows: rows.sampling(RowWeights()),
    "held": lambda rows: rows.rounded_copy(Rounding(None, np.zeros(4, dtype=bool))),
}


@pytest.mark.parametrize("act", ONE_PASS.values(), ids=ONE_PASS)
@pytest.mark.parametrize("tuning", [SMALL_BLOCKS, Tuning(), Tuning(long_pass=0)], ids=["blocks", "one", "threads"])
def test_every_verb_over_all_rows_is_one_pass(act, tuning):
    assert passes_of(act, rows_and_family(overlapping(), tuning)[0]) == 1


@pytest.mark.parametrize("act", [act for name, act in ONE_PASS.items() if name != "held"])
@pytest.mark.parametrize("adaptation", [Rebasing(np.ones(4), np.ones(4)), Rounding(None, np.zeros(4, dtype=bool))])
def test_rows_in_another_form_count_as_those_they_are_made_of(act, adaptation):
    assert passes_of(lambda rows: act(AdaptedRows(rows, adaptation))) == 1


def test_equal_chances_and_drawing_take_no_pass_and_a_sample_is_not_counted():
    rows, count = counted(several_blocks())
    part = rows.sample(30, rows.sampling())
    assert 0 < part.n_rows < rows.n_rows
    for act in ONE_PASS.values():
        act(part)
    assert count.n_passes == 0


def test_a_sample_that_is_all_rows_is_counted():
    rows, count = counted(several_blocks())
    everything = rows.sample(rows.n_rows - 1, rows.sampling())
    assert everything is rows
    everything.sum(WeightedTotals())
    assert count.n_passes == 1


def test_a_copy_and_the_same_rows_with_other_columns_are_counted_together_with_them():
    rows, count = counted(several_blocks())
    rows.changed(columns=np.arange(2)).sum(WeightedTotals())
    assert count.n_passes == 1
    rows.rounded_copy(Rounding(None, np.zeros(4, dtype=bool))).sum(WeightedTotals())
    assert count.n_passes == 3


@pytest.mark.parametrize("name", PROBLEMS)
def test_counted_rows_are_otherwise_those_that_are_counted(name):
    rows, _ = rows_and_family(PROBLEMS[name](), SMALL_BLOCKS)
    watched, _ = counted(rows)
    for attribute in Rows.__annotations__:
        assert getattr(watched, attribute) is getattr(rows, attribute) or (
            getattr(watched, attribute) == getattr(rows, attribute)
        )
    for one, other in zip(watched.sum(WeightedTotals()), rows.sum(WeightedTotals()), strict=True):
        np.testing.assert_array_equal(one, other)


def fitted(rows, family, alpha, tuning, **options):
    """A fit, and how many passes over all rows the account says that it took."""
    account = Account()
    penalty = Ridge.on_coefficients(alpha, rows.n_features, fit_intercept=True)
    result = fit(WatchedRows(rows, account), family, penalty, tuning=tuning, **options)
    return result, sum(account.shown) / rows.n_rows


@pytest.mark.parametrize("alpha_times_weight", [0.0, 0.01, 1.0])
@pytest.mark.parametrize("tuning", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", NARROW)
def test_a_fit_counts_the_passes_that_it_makes(name, tuning, alpha_times_weight):
    data = PROBLEMS[name]()
    rows, family = rows_and_family(data, SMALL_BLOCKS)
    result, n_passes = fitted(rows, family, alpha_times_weight / data.total_weight, tuning)
    assert result.n_passes == n_passes


def far_away(name):
    """The same columns, a million spreads away from zero."""
    data = PROBLEMS[name]()
    return Data(data.X + 1e6 * data.X.std(axis=0), data.y, data.weights, data.offset)


@pytest.mark.parametrize("alpha", [0.0, 1e-3])
@pytest.mark.parametrize("tuning", [Tuning(**READ), Tuning(held_numbers=0)], ids=["double", "single"])
@pytest.mark.parametrize("name", ["overlapping", "two_classes", "weighted_with_offset", "separable"])
def test_so_it_does_where_columns_are_far_from_zero_and_moved(name, tuning, alpha):
    result, n_passes = fitted(*rows_and_family(far_away(name), SMALL_BLOCKS), alpha, tuning)
    assert result.n_passes == n_passes


@pytest.mark.parametrize("make", [overlapping, badly_scaled])
def test_rounding_the_result_takes_one_pass_more(make):
    rows, family = rows_and_family(make())
    exact, _ = fitted(rows, family, 0.01, Tuning(**READ))
    rounded, n_passes = fitted(rows, family, 0.01, Tuning(**READ), precision=np.float32)
    assert rounded.n_passes == n_passes == exact.n_passes + 1


@pytest.fixture
def over_columns(monkeypatch):
    """Of each pass over cached columns, how many of them there were: of means, leverages, and second moments."""
    seen, means, leverage = [], Categorical.normalizer_and_mean, CachedPasses.largest_leverage
    moments = HeldColumns.second_moments.func

    def watched_means(self, eta):
        if eta.shape[1] > 1:  # that of the null model is one for all rows
            seen.append(eta.shape[1])
        return means(self, eta)

    def watched_leverage(self, coordinates, form, rows):
        seen.append(rows.n_rows)
        return leverage(self, coordinates, form, rows)

    def watched_moments(self):
        seen.append(self.columns.shape[1])
        return moments(self)

    watched = cached_property(watched_moments)
    watched.__set_name__(HeldColumns, "second_moments")
    monkeypatch.setattr(HeldColumns, "second_moments", watched)
    monkeypatch.setattr(Categorical, "normalizer_and_mean", watched_means)
    monkeypatch.setattr(CachedPasses, "largest_leverage", watched_leverage)
    return seen


@pytest.mark.parametrize("alpha", [0.0, 1e-3, 1.0])
@pytest.mark.parametrize("name", ["overlapping", "imbalanced", "many_classes", "soft_labels", "collinear", "separable"])
def test_passes_over_cached_rows_count_like_those_over_the_rows_where_they_are(name, alpha, over_columns):
    rows, family = rows_and_family(PROBLEMS[name]())
    result, n_read = fitted(rows, family, alpha, Tuning())
    assert len(over_columns) > 1
    assert set(over_columns) == {rows.n_rows}
    assert result.n_passes == n_read + len(over_columns)


@pytest.mark.parametrize("alpha", [0.0, 0.01])
@pytest.mark.parametrize("tuning", [Tuning(), Tuning(**READ)], ids=["cached", "read"])
def test_wide_rows_are_read_for_their_space_and_to_prove_what_was_found_there(tuning, alpha):
    rows, family = rows_and_family(wide())
    result, n_read = fitted(rows, family, alpha, tuning)
    reduced, _ = row_space(rows, centred=True, penalised=alpha > 0.0, tuning=tuning)
    _, n_there = fitted(reduced, family, alpha, tuning)
    # Once for the space, and for the moments; and where something is penalised for what is proved of them.
    assert n_read == (4 if alpha else 2)
    # Those over the rows of their space, about as many as of a fit there, are counted too.
    assert result.n_passes - n_read >= n_there - 2


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_where_no_column_varies_the_few_passes_are_counted_too(alpha, fit_intercept):
    rows, account = RowsInMemory(np.zeros((40, 2)), np.arange(40, dtype=np.int32) % 3), Account()
    penalty = Ridge.on_coefficients(alpha, 2, fit_intercept=fit_intercept)
    result = fit(
        WatchedRows(rows, account), Categorical(3), penalty, fit_intercept=fit_intercept, tuning=Tuning(**READ)
    )
    assert result.loss == result.null_loss
    assert 1 <= result.n_passes == sum(account.shown) / rows.n_rows


def test_rows_of_two_kinds_share_an_account():
    count = PassCount()
    for _ in range(2):
        CountedRows(several_blocks(), count).sum(WeightedTotals())
    assert count.n_passes == 2
