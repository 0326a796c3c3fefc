from dataclasses import replace

import numpy as np
import pytest
from problems import PROBLEMS, Data, gaussian_rows, objective_of, poisson_rows, rows_and_family

from softglm.model import null_model
from softglm.model.coordinates import quick_coordinates, second_moments
from softglm.model.pilot import _combinations, pilot_size, row_scores
from softglm.tuning import Tuning

# One, and two terms whose means are 1 / a.
MOST_MEAN = 1.0 + 2.0 / 1.2


# Few rows tell.
TUNING = Tuning(rows_per_feature=2, least_sample=8, few_entries=0, unusual=0.0)


def scores_of(rows, family, *, is_full=True, alpha=1e-9, tuning=TUNING):
    objective = objective_of(rows, family, alpha, tuning=tuning)
    information, sample = null_model(objective).information, rows.sample(pilot_size(objective), rows.sampling())
    moments, total = sample.sum(second_moments(objective, is_full=is_full))
    coordinates, _ = quick_coordinates(objective, information, moments / total, is_sampled=sample is not rows)
    scores = row_scores(objective, information, coordinates, sample)
    return None if scores is None else rows.concatenate(scores)[0]


@pytest.mark.parametrize("name", PROBLEMS)
def test_scores_are_one_for_ordinary_rows_and_not_much_more_on_average(name):
    data = PROBLEMS[name]()
    scores = scores_of(*rows_and_family(data))
    if scores is None:
        pytest.skip("all of the rows are used")
    assert scores.shape == (len(data.y),)
    assert scores.min() == 1.0
    assert scores.mean() < MOST_MEAN


def test_rows_far_out_and_rows_of_rare_classes_have_better_chances():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 3))
    X[7] = 100.0
    y = rng.integers(0, 2, size=2000).astype(np.int32)
    y[11] = 2
    scores = scores_of(*rows_and_family(Data(X, y)))
    others = np.delete(scores, [7, 11])
    assert scores[7] > 5.0 * others.max()
    assert scores[11] > 5.0 * others.max()


def test_labels_and_one_hot_rows_have_the_same_scores():
    data = PROBLEMS["many_classes"]()
    coded = scores_of(*rows_and_family(data))
    soft = scores_of(*rows_and_family(Data(data.X, np.identity(7)[data.y])))
    np.testing.assert_allclose(coded, soft, rtol=1e-5)


@pytest.mark.parametrize("make", [poisson_rows, gaussian_rows])
def test_other_families_have_scores_too(make):
    scores = scores_of(*make())
    assert scores.min() == 1.0
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("is_full", [True, False])
def test_sparse_rows_have_the_scores_of_dense_ones(is_full):
    data = PROBLEMS["sparse_rows"]()
    dense = scores_of(*rows_and_family(Data(data.dense, data.y)), is_full=is_full)
    np.testing.assert_allclose(scores_of(*rows_and_family(data), is_full=is_full), dense, rtol=1e-5)


def test_where_nothing_is_unusual_chances_are_equal():
    tuning = replace(TUNING, unusual=2.0)
    rng = np.random.default_rng(0)
    X, y = rng.uniform(size=(2000, 3)), rng.integers(0, 3, size=2000).astype(np.int32)
    assert scores_of(*rows_and_family(Data(X, y)), tuning=tuning) is None
    y[y == 2] = 1
    y[:2] = 2
    assert scores_of(*rows_and_family(Data(X, y)), tuning=tuning) is not None


@pytest.mark.parametrize("is_full", [True, False])
@pytest.mark.parametrize("n_features", [3, 40])
def test_rows_that_vary_otherwise_than_the_rest_stand_out_if_their_products_are_seen(n_features, is_full):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 1)) @ np.ones((1, n_features)) + 1e-3 * rng.normal(size=(2000, n_features))
    X[11] = 0.0
    X[11, :2] = [1.0, -1.0]  # no column is far from its mean, and it is not in the sample
    rows, family = rows_and_family(Data(X, rng.integers(0, 3, size=2000).astype(np.int32)))
    scores = scores_of(rows, family, is_full=is_full)
    assert (scores[11] > 3.0 * np.delete(scores, 11).max()) == is_full


def test_where_the_penalty_outweighs_a_difference_it_does_not_matter():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 1)) @ np.ones((1, 3)) + 1e-3 * rng.normal(size=(2000, 3))
    X[7] = [1.0, -1.0, 0.0]
    rows, family = rows_and_family(Data(X, rng.integers(0, 3, size=2000).astype(np.int32)))
    scores = scores_of(rows, family, alpha=10.0)
    assert scores[7] <= np.delete(scores, 7).max()


def test_a_few_combinations_tell_lengths():
    rng = np.random.default_rng(0)
    features, z = rng.normal(size=(300, 300)), rng.normal(size=(1000, 300))
    ratios = np.linalg.norm(z @ _combinations(features), axis=1) / np.linalg.norm(z @ features, axis=1)
    # The square of such a ratio is a chi-square over its degrees of freedom: off by a third, as a rule.
    assert 0.9 < np.median(ratios) < 1.1
    assert (np.abs(np.log(ratios)) < np.log(2.0)).mean() > 0.99
    few = rng.normal(size=(5, 5))
    np.testing.assert_array_equal(_combinations(few), few)


@pytest.mark.parametrize("is_full", [True, False])
def test_a_constant_column_does_not_disturb_the_scores(is_full):
    data = PROBLEMS["many_classes"]()
    without = scores_of(*rows_and_family(data), is_full=is_full)
    constant = Data(np.concatenate([data.X, np.full((len(data.y), 1), 1e6)], axis=1), data.y)
    found = scores_of(*rows_and_family(constant), is_full=is_full)
    assert np.isfinite(found).all()
    assert found.min() == 1.0
    assert np.corrcoef(found, without)[0, 1] > 0.95


@pytest.mark.parametrize("is_full", [True, False])
def test_a_column_whose_squares_are_denormal_does_not_disturb_the_scores(is_full):
    data = PROBLEMS["many_classes"]()
    tiny = Data(data.X * np.array([1e-160] + [1.0] * (data.X.shape[1] - 1)), data.y)
    assert np.isfinite(scores_of(*rows_and_family(tiny), is_full=is_full)).all()
