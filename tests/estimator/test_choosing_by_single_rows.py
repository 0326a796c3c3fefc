"""SoftmaxGLMCV(cv="loo"): its scores are those of LogisticRegression's C fitted without each row, to what it says."""

import warnings

import numpy as np
import problems
import pytest
from sklearn.model_selection import LeaveOneOut

import softglm
from softglm import SoftmaxGLMCV
from softglm.single_rows import TOLERANCE

CASES = ("overlapping", "two_classes", "weighted_with_offset", "soft_labels", "counts")
# What the folds of brute force are made to, and what that leaves of a mean score.
EXACT, ROUNDING = 1e-10, 1e-8


def both(data, Cs, **options):
    given = {"sample_weight": data.weights, "offset": data.offset}
    quick = SoftmaxGLMCV(Cs=Cs, cv="loo", **options).fit(data.X, data.y, **given)
    brute = SoftmaxGLMCV(Cs=Cs, cv=LeaveOneOut(), fold_tol=EXACT, refit=False, **options).fit(data.X, data.y, **given)
    return quick, brute


@pytest.mark.parametrize("name", CASES)
def test_means_are_within_their_bounds_of_leaving_out_each_row(name):
    quick, brute = both(problems.PROBLEMS[name](), [0.01, 1.0])
    assert (np.abs(quick.mean_score_ - brute.mean_score_) <= quick.score_bound_ + ROUNDING).all()
    chosen = quick.Cs_ == quick.C_
    assert (quick.score_bound_[:, chosen] <= -TOLERANCE * quick.mean_score_[:, chosen]).all()
    assert quick.C_ == brute.C_
    assert np.abs(quick.standard_error_[:, chosen] / brute.standard_error_[:, chosen] - 1.0).max() <= 2.0 * TOLERANCE


def test_the_rule_of_one_standard_error_takes_a_stronger_penalty():
    data = problems.overlapping()
    best, simpler = (SoftmaxGLMCV(Cs=10, cv="loo", rule=rule).fit(data.X, data.y) for rule in ("min", "1se"))
    assert simpler.alpha_ > best.alpha_
    place = int(np.flatnonzero(simpler.alphas_ == simpler.alpha_)[0])
    at_best = int(best.mean_score_[0].argmax())
    assert best.mean_score_[0, at_best] - best.standard_error_[0, at_best] <= simpler.mean_score_[0, place]


def test_scores_are_those_of_rows_in_the_order_of_the_strengths():
    data = problems.overlapping()
    up, down = (SoftmaxGLMCV(Cs=Cs, cv="loo").fit(data.X, data.y) for Cs in ([0.1, 1.0, 10.0], [10.0, 1.0, 0.1]))
    assert up.scores_.shape == (150, 1, 3)
    assert np.array_equal(up.scores_, down.scores_[..., ::-1])
    assert np.array_equal(up.score_bound_, down.score_bound_[:, ::-1])
    assert not hasattr(up, "coefs_paths_")


def test_a_class_without_weight_is_not_scored():
    data = problems.overlapping()
    weights = 1.0 * (data.y < 2)
    with pytest.warns(UserWarning, match="total weight of the classes"):
        model = SoftmaxGLMCV(Cs=[1.0], cv="loo").fit(data.X, data.y, sample_weight=weights)
    assert np.isfinite(model.mean_score_).all()
    assert not model.scores_[data.y == 2].any()


def test_rows_that_do_not_count_are_left_out_of_more_features_than_rows_too():
    rng = np.random.default_rng(0)
    X, y, weights = rng.normal(size=(24, 40)), np.arange(24) % 2, 1.0 * (np.arange(24) % 5 > 0)
    quick, brute = both(problems.Data(X, y, weights), [0.01, 1.0])
    assert (np.abs(quick.mean_score_ - brute.mean_score_) <= quick.score_bound_ + ROUNDING).all()
    assert not quick.scores_[weights == 0.0].any()


def test_class_weights_are_in_the_fits_and_not_in_the_scores():
    data = problems.imbalanced()
    quick, brute = both(problems.Data(data.X[:120], data.y[:120]), [1.0], class_weight={0: 2.0})
    assert np.abs(quick.mean_score_ - brute.mean_score_).max() <= quick.score_bound_.max() + ROUNDING


def test_bounds_are_relative_to_losses_that_fits_without_rows_make_much_smaller():
    X = 3.0 * np.random.default_rng(0).random((20, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = SoftmaxGLMCV(Cs=[1e-4, 1.0, 1e4], cv="loo").fit(X, X[:, 0].astype(int))
    chosen = model.Cs_ == model.C_
    assert (model.score_bound_[:, chosen] <= -TOLERANCE * model.mean_score_[:, chosen]).all()


def test_where_too_many_rows_decide_too_much_strengths_are_left_out_and_named(monkeypatch):
    monkeypatch.setattr(softglm.leave_one_out, "_MOST_ROWS", 10)
    data = problems.many_classes()
    with pytest.warns(UserWarning, match="chose among other strengths than alpha = 0.03333"):
        model = SoftmaxGLMCV(Cs=[1e-4, 1e-3, 0.1], cv="loo").fit(data.X, data.y)
    assert model.C_ == 1e-3


def test_where_no_strength_is_left_it_says_so(monkeypatch):
    monkeypatch.setattr(softglm.leave_one_out, "_MOST_ROWS", 10)
    data = problems.many_classes()
    with pytest.raises(ValueError, match="Use folds: cv=10"):
        SoftmaxGLMCV(Cs=[1e4], cv="loo").fit(data.X, data.y)


def test_where_too_many_rows_need_a_fit_of_their_own_none_is_made(monkeypatch):
    monkeypatch.setattr(softglm.leave_one_out, "_MOST_FITS", 0)
    data = problems.separable()
    with pytest.raises(ValueError, match="Use folds: cv=10"):
        SoftmaxGLMCV(Cs=[1e4], cv="loo").fit(data.X, data.y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"l1_ratios": [1.0]}, "is for ridges"),
        ({"lower": 0.0}, "is for ridges"),
        ({"scoring": "accuracy"}, "scores by the log loss"),
    ],
)
def test_what_it_is_not_for_is_said(parameters, message):
    data = problems.overlapping()
    with pytest.raises(ValueError, match=message):
        SoftmaxGLMCV(Cs=[1.0], cv="loo", **parameters).fit(data.X, data.y)


def test_a_class_of_a_single_row_is_named():
    data = problems.overlapping()
    y = data.y.copy()
    y[7] = 3
    with pytest.raises(ValueError, match=r"The classes \[3\] are observed in a single row"):
        SoftmaxGLMCV(Cs=[1.0], cv="loo").fit(data.X, y)


def test_class_weights_of_counts_are_for_folds():
    data = problems.counts()
    with pytest.raises(ValueError, match="no class_weight for a y of probabilities or counts"):
        SoftmaxGLMCV(Cs=[1.0], cv="loo", class_weight={0: 2.0}).fit(data.X, data.y)


def test_beyond_hessians_folds_are_named():
    rng, X = problems.normal_rows(30, 3000, 600)
    with pytest.raises(ValueError, match="parameters are beyond"):
        SoftmaxGLMCV(Cs=[1.0], cv="loo").fit(X, rng.integers(20, size=3000))
