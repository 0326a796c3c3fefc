"""scikit-learn's selection, calibration and search where they need processes, progress bars or a newer release."""

import numpy as np
import problems
import pytest
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.feature_selection import RFECV, SequentialFeatureSelector
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
    cross_val_score,
    permutation_test_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier

from softglm import SoftmaxGLM, neg_log_loss


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


@pytest.mark.parametrize("scoring", ["neg_log_loss", neg_log_loss], ids=["scikit-learn's", "softglm's"])
def test_a_search_in_two_processes_finds_the_bits_of_one(wine, scoring):
    X, y = wine
    model = make_pipeline(StandardScaler(), SoftmaxGLM())
    grid = {"softmaxglm__C": [0.01, 0.1, 1.0]}
    alone, together = (
        GridSearchCV(model, grid, cv=3, scoring=scoring, n_jobs=n_jobs, error_score="raise").fit(X, y)
        for n_jobs in (1, 2)
    )
    assert np.array_equal(together.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"])
    assert np.array_equal(together.best_estimator_[-1].coef_, alone.best_estimator_[-1].coef_)


def test_a_randomized_search(wine):
    X, y = wine
    space = {"C": np.logspace(-4.0, 2.0, 20), "class_weight": [None, "balanced"]}
    search = RandomizedSearchCV(SoftmaxGLM(), space, n_iter=5, cv=3, random_state=0, error_score="raise")
    assert search.fit(X, y).best_score_ > 0.9


def test_features_are_eliminated_by_cross_validation():
    data = problems.overlapping()
    X = np.column_stack([data.X, 1e-3 * np.random.default_rng(0).normal(size=(150, 3))])
    selector = RFECV(SoftmaxGLM(), cv=3, scoring="neg_log_loss", min_features_to_select=1).fit(X, data.y)
    assert selector.support_[:4].all()
    scores = selector.cv_results_["mean_test_score"]
    assert selector.n_features_ == selector.cv_results_["n_features"][scores.argmax()]


def test_features_are_added_one_by_one(wine):
    X, y = wine
    selector = SequentialFeatureSelector(SoftmaxGLM(), n_features_to_select=2, cv=3).fit(X, y)
    assert cross_val_score(SoftmaxGLM(), selector.transform(X), y, cv=3).mean() > 0.8


def test_a_threshold_is_tuned():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    tuned = TunedThresholdClassifierCV(SoftmaxGLM(), scoring="balanced_accuracy", cv=3, random_state=0).fit(X, y)
    assert 0.0 < tuned.best_threshold_ < 1.0
    fixed = FixedThresholdClassifier(SoftmaxGLM(), threshold=tuned.best_threshold_).fit(X, y)
    assert np.array_equal(fixed.predict(X), tuned.predict(X))


def test_a_permutation_test_sees_that_something_was_learnt(wine):
    X, y = wine
    score, permuted, p_value = permutation_test_score(SoftmaxGLM(), X, y, cv=3, n_permutations=9, random_state=0)
    assert score > permuted.max()
    assert p_value == pytest.approx(0.1)


def test_unlabelled_rows_are_learnt_from_the_model_itself(wine):
    X, y = wine
    partly = np.where(np.arange(len(y)) % 3 == 0, -1, y)
    assert SelfTrainingClassifier(SoftmaxGLM()).fit(X, partly).score(X, y) > 0.9


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_progress_bar_shows_a_search_and_the_fits_in_it(wine, capsys, n_jobs):
    X, y = wine
    search = GridSearchCV(SoftmaxGLM(), {"C": [0.1, 1.0]}, cv=2, n_jobs=n_jobs).set_callbacks(ProgressBar())
    search.fit(X, y)
    shown = capsys.readouterr().out
    assert "GridSearchCV" in shown
    assert "SoftmaxGLM" in shown


def test_a_progress_bar_shows_a_pipeline(wine, capsys):
    X, y = wine
    make_pipeline(StandardScaler(), SoftmaxGLM()).set_callbacks(ProgressBar()).fit(X, y)
    shown = capsys.readouterr().out
    assert "Pipeline" in shown
    assert "SoftmaxGLM" in shown


def test_a_monitor_scores_every_iteration(wine):
    X, y = wine
    monitor = ScoringMonitor(scoring="neg_log_loss")
    model = SoftmaxGLM().set_callbacks(monitor).fit(X, y)
    whole, *iterations = (entry["neg_log_loss"] for entry in monitor.get_logs().data)
    assert len(iterations) == model.n_iter_[0]
    assert iterations[-1] > iterations[0]
    assert whole == pytest.approx(neg_log_loss(model, X, y))
