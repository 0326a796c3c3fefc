"""A citizen of scikit-learn: in its pipelines, searches, scorers and meta-estimators."""

import numpy as np
import pandas as pd
import problems
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.multiclass import OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from softglm import SoftmaxGLM, neg_log_loss

# A model of three classes that has learnt something.
BETTER_THAN_GUESSING = 0.6


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


def test_a_pipeline_with_a_scaler_is_the_fit_of_scaled_columns(wine):
    X, y = wine
    pipeline = make_pipeline(StandardScaler(), SoftmaxGLM()).fit(X, y)
    scaled = StandardScaler().fit_transform(X)
    assert np.array_equal(pipeline[-1].coef_, SoftmaxGLM().fit(scaled, y).coef_)
    assert pipeline.score(X, y) == pipeline[-1].score(scaled, y)
    assert pipeline.predict_log_proba(X).shape == (len(y), 3)


@pytest.mark.parametrize(("output", "sparse_output"), [("default", True), ("default", False), ("pandas", False)])
def test_a_column_transformer_of_numbers_and_words(output, sparse_output):
    data = problems.overlapping()
    words = np.array(["red", "green", "blue"])[np.arange(150) * 7 % 3]
    frame = pd.DataFrame(data.X, columns=list("abcd")).assign(colour=words)
    columns = make_column_transformer(
        (StandardScaler(), list("abcd")),
        (OneHotEncoder(sparse_output=sparse_output), ["colour"]),
        sparse_threshold=1.0,
    ).set_output(transform=output)
    pipeline = make_pipeline(columns, SoftmaxGLM()).fit(frame, np.array(["x", "y", "z"])[data.y])
    assert pipeline[-1].coef_.shape == (3, 7)
    if output == "pandas":
        assert pipeline[-1].feature_names_in_.tolist()[-1] == "onehotencoder__colour_red"
    assert pipeline[:-1].get_feature_names_out().shape == (7,)
    assert set(pipeline.predict(frame)) <= {"x", "y", "z"}


def test_cross_validation_agrees_with_logistic_regression(wine):
    X, y = wine
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    ours = cross_validate(SoftmaxGLM(), X, y, cv=folds, scoring=["accuracy", "neg_log_loss", "roc_auc_ovr"])
    rival = LogisticRegression(solver="newton-cholesky", tol=1e-10)
    theirs = cross_validate(rival, X, y, cv=folds, scoring=["accuracy", "neg_log_loss", "roc_auc_ovr"])
    for name in ("test_accuracy", "test_neg_log_loss", "test_roc_auc_ovr"):
        assert np.allclose(ours[name], theirs[name], rtol=1e-5)


@pytest.mark.parametrize(
    ("parameter", "grid"), [("alpha", [0.0, 1e-4, "1/n_samples", 10.0]), ("C", [1e-4, 1.0, 100.0, np.inf])]
)
@pytest.mark.filterwarnings("ignore::softglm.SeparationWarning")
def test_a_grid_search(wine, parameter, grid):
    X, y = wine
    search = GridSearchCV(SoftmaxGLM(), {parameter: grid}, cv=3, scoring="neg_log_loss", error_score="raise")
    search.fit(X, y)
    assert search.best_params_[parameter] in grid
    assert search.best_score_ > -0.3
    assert np.array_equal(search.best_estimator_.coef_, SoftmaxGLM(**search.best_params_).fit(X, y).coef_)


def test_searching_over_c_chooses_what_logistic_regression_chooses(wine):
    X, y = wine
    grid = {"C": [1e-4, 1e-2, 1.0]}
    ours = GridSearchCV(SoftmaxGLM(), grid, cv=3, scoring="neg_log_loss").fit(X, y)
    theirs = GridSearchCV(LogisticRegression(solver="newton-cholesky", tol=1e-10), grid, cv=3, scoring="neg_log_loss")
    assert np.allclose(ours.cv_results_["mean_test_score"], theirs.fit(X, y).cv_results_["mean_test_score"], rtol=1e-6)


def test_a_class_that_is_missing_from_a_training_fold_is_missed_not_an_error():
    data = problems.overlapping()
    y = np.where(np.arange(150) == 0, 9, data.y)
    ours = cross_val_score(SoftmaxGLM(), data.X, y, cv=KFold(3), error_score="raise")
    theirs = cross_val_score(LogisticRegression(solver="newton-cholesky", tol=1e-10), data.X, y, cv=KFold(3))
    assert np.array_equal(ours, theirs)


def by_shuffling(_):
    return KFold(4, shuffle=True, random_state=0)


def by_the_most_frequent_class(Y):
    return StratifiedKFold(4, shuffle=True, random_state=0).split(np.zeros((len(Y), 1)), Y.argmax(axis=1))


@pytest.mark.parametrize("folds", [by_shuffling, by_the_most_frequent_class])
@pytest.mark.parametrize("make", [problems.soft_labels, problems.counts], ids=lambda make: make.__name__)
def test_soft_labels_and_counts_are_cross_validated(make, folds):
    data = make()
    scoring = {"score": None, "loss": neg_log_loss}
    scores = cross_val_score(SoftmaxGLM(), data.X, data.y, cv=folds(data.y), error_score="raise")
    losses = cross_val_score(
        SoftmaxGLM(), data.X, data.y, cv=folds(data.y), scoring=scoring["loss"], error_score="raise"
    )
    assert scores.shape == losses.shape == (4,)
    assert np.all((scores > 0.0) & (scores < 1.0))
    guess = -np.log(data.n_classes)
    assert losses.mean() > guess - 0.1


@pytest.mark.parametrize("make", [problems.soft_labels, problems.counts], ids=lambda make: make.__name__)
def test_soft_labels_and_counts_are_searched(make):
    data = make()
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SoftmaxGLM()),
        {"softmaxglm__alpha": [1e-3, 1e-1, 10.0]},
        cv=KFold(3, shuffle=True, random_state=0),
        scoring=neg_log_loss,
        error_score="raise",
    ).fit(data.X, data.y)
    assert search.best_score_ == pytest.approx(search.cv_results_["mean_test_score"].max())


def test_frames_of_soft_labels_are_cross_validated():
    data = problems.soft_labels()
    X, Y = pd.DataFrame(data.X, columns=list("abc")), pd.DataFrame(data.y, columns=list("zyxw"))
    folds = KFold(4, shuffle=True, random_state=0)
    framed = cross_val_score(SoftmaxGLM(), X, Y, cv=folds, scoring=neg_log_loss, error_score="raise")
    plain = cross_val_score(SoftmaxGLM(), data.X, data.y[:, ::-1], cv=folds, scoring=neg_log_loss)
    assert np.allclose(framed, plain, rtol=1e-8)


def test_the_scorer_of_labels_is_scikit_learns(wine):
    X, y = wine
    ours = cross_val_score(SoftmaxGLM(), X, y, cv=3, scoring=neg_log_loss)
    theirs = cross_val_score(SoftmaxGLM(), X, y, cv=3, scoring="neg_log_loss")
    assert np.allclose(ours, theirs)


def test_the_scorer_takes_other_classifiers(wine):
    X, y = wine
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    assert neg_log_loss(model, X, y) == pytest.approx(get_scorer("neg_log_loss")(model, X, y))


def test_predictions_are_cross_validated(wine):
    X, y = wine
    probabilities = cross_val_predict(SoftmaxGLM(), X, y, cv=3, method="predict_proba")
    assert np.allclose(probabilities.sum(axis=1), 1.0)
    sizes, _, _ = learning_curve(SoftmaxGLM(), X, y, cv=3, train_sizes=[0.5, 1.0], shuffle=True, random_state=0)
    assert len(sizes) == 2


META = {
    "SelectFromModel": lambda: make_pipeline(SelectFromModel(SoftmaxGLM(), max_features=3), SoftmaxGLM()),
    "RFE": lambda: RFE(SoftmaxGLM(), n_features_to_select=2),
    "CalibratedClassifierCV": lambda: CalibratedClassifierCV(SoftmaxGLM(), cv=3),
    "CalibratedClassifierCV, isotonic": lambda: CalibratedClassifierCV(SoftmaxGLM(), method="isotonic", cv=3),
    "VotingClassifier": lambda: VotingClassifier(
        [("one", SoftmaxGLM()), ("other", SoftmaxGLM(alpha=1.0))], voting="soft"
    ),
    "StackingClassifier": lambda: StackingClassifier([("one", SoftmaxGLM())], SoftmaxGLM(), cv=3),
    "BaggingClassifier": lambda: BaggingClassifier(SoftmaxGLM(), n_estimators=5, random_state=0),
    "OneVsRestClassifier": lambda: OneVsRestClassifier(SoftmaxGLM()),
    "OutputCodeClassifier": lambda: OutputCodeClassifier(SoftmaxGLM(), code_size=3, random_state=0),
}


# The others take none without metadata routing.
TAKE_WEIGHTS = ["CalibratedClassifierCV", "VotingClassifier", "BaggingClassifier"]


@pytest.mark.parametrize(
    ("name", "weighted"), [*((name, False) for name in META), *((name, True) for name in TAKE_WEIGHTS)]
)
def test_meta_estimators_work(name, weighted):
    data = problems.overlapping()
    weights = {"sample_weight": np.linspace(0.5, 1.5, 150)} if weighted else {}
    labels = np.array(["a", "b", "c"])[data.y]
    model = META[name]().fit(data.X, labels, **weights)
    assert model.score(data.X, labels) > BETTER_THAN_GUESSING
    assert set(model.predict(data.X)) <= {"a", "b", "c"}


def test_feature_selection_ranks_by_coefficients():
    data = problems.overlapping()
    noise = 1e-3 * np.random.default_rng(0).normal(size=(150, 3))
    X = np.column_stack([data.X, noise])
    assert RFE(SoftmaxGLM(), n_features_to_select=4).fit(X, data.y).support_.tolist() == [True] * 4 + [False] * 3
    selector = SelectFromModel(SoftmaxGLM(), max_features=4, threshold=-np.inf).fit(X, data.y)
    assert selector.get_support().tolist() == [True] * 4 + [False] * 3


def test_a_frozen_model_is_calibrated_without_a_new_fit():
    data = problems.overlapping()
    model = SoftmaxGLM().fit(data.X, data.y)
    calibrated = CalibratedClassifierCV(FrozenEstimator(model)).fit(data.X, data.y)
    assert calibrated.predict_proba(data.X).shape == (150, 3)


def test_several_outputs_are_fitted_apart():
    data = problems.overlapping()
    two = np.column_stack([data.y > 0, data.y > 1])
    assert MultiOutputClassifier(SoftmaxGLM()).fit(data.X, two).predict(data.X).shape == (150, 2)
    assert ClassifierChain(SoftmaxGLM()).fit(data.X, two).predict(data.X).shape == (150, 2)


def test_permuting_what_matters_costs_accuracy(wine):
    X, y = wine
    scaled = StandardScaler().fit_transform(X)
    model = SoftmaxGLM().fit(scaled, y)
    result = permutation_importance(model, scaled, y, n_repeats=3, random_state=0)
    strongest = abs(model.coef_).sum(axis=0).argmax()
    assert result.importances_mean[strongest] > 0.0
    losses = permutation_importance(model, scaled, y, scoring=neg_log_loss, n_repeats=3, random_state=0)
    assert losses.importances_mean[strongest] > 0.0
