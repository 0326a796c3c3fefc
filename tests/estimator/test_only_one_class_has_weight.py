"""Where only one class has weight it gets all of the probability: of two classes as of more."""

import numpy as np
import pandas as pd
import problems
import pytest
from scipy import sparse
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_score

from softglm import SoftmaxGLM, neg_log_loss

ONLY_ONE = pytest.mark.filterwarnings("ignore:The total weight of the classes:UserWarning")
X = problems.normal_rows(30, 60, 3)[1]
# Of three classes and more, a probability is divided by their sum.
ULP = np.finfo(np.float64).eps
PLACES = np.arange(60)
TWO, THREE = PLACES % 2, PLACES % 3
PRESENT = pytest.mark.parametrize(("y", "present"), [(TWO, 0), (TWO, 1), (THREE, 0), (THREE, 1), (THREE, 2)])


def fitted(y, present, **parameters):
    with pytest.warns(UserWarning, match="zero") as caught:
        model = SoftmaxGLM(**parameters).fit(X, y, sample_weight=y == present)
    assert len(caught) == 1
    others = np.delete(np.arange(y.max() + 1), present).tolist()
    assert str(others) in str(caught[0].message)
    assert caught[0].filename == __file__
    return model


def assert_certain(model, present, rows=X, **offset):
    """All of the probability is on one class, whatever is asked and in whatever way."""
    expected = np.zeros((rows.shape[0], len(model.classes_)))
    expected[:, present] = 1.0
    assert np.allclose(model.predict_proba(rows, **offset), expected, rtol=0.0, atol=ULP if offset else 0.0)
    with np.errstate(divide="ignore"):
        assert np.array_equal(model.predict_log_proba(rows, **offset), np.log(expected))
    assert np.all(model.predict(rows, **offset) == model.classes_[present])
    eta = model.decision_function(rows, **offset)
    assert eta.shape == (rows.shape[0],) if len(model.classes_) == 2 else expected.shape
    assert not np.isnan(eta).any()


@PRESENT
def test_it_is_predicted_with_certainty(y, present):
    model = fitted(y, present)
    assert_certain(model, present)
    assert np.all(model.coef_ == 0.0)
    assert model.coef_.shape == ((1, 3) if y is TWO else (3, 3))
    if y is TWO:
        assert model.intercept_.tolist() == [np.inf if present else -np.inf]
    else:
        assert model.intercept_.tolist() == [0.0 if k == present else -np.inf for k in range(3)]
    assert model.score(X, y) == np.mean(y == present)
    assert model.score(X, y, sample_weight=y == present) == 1.0
    assert neg_log_loss(model, X, y, sample_weight=y == present) == 0.0
    assert neg_log_loss(model, X, y) == -np.inf


@PRESENT
def test_the_fit_has_converged_to_a_loss_of_zero_and_says_why(y, present):
    model = fitted(y, present)
    assert model.converged_
    assert model.loss_ == model.gap_ == model.deviance_ == model.null_deviance_ == 0.0
    assert model.status_.startswith("converged: only one class has weight")
    assert model.alpha_ == 1.0 / (y == present).sum()
    assert model.n_iter_.tolist() == [1]
    assert model.n_evaluations_ == 0


WAYS = {
    "without intercept": {"fit_intercept": False},
    "maximum likelihood": {"alpha": 0},
    "a strong penalty": {"alpha": 100.0},
    "C": {"C": 0.1},
    "no penalty by C": {"C": np.inf},
    "balanced": {"class_weight": "balanced"},
    "class weights": {"class_weight": {0: 2.0, 1: 3.0}},
    "one iteration": {"max_iter": 1},
}


@PRESENT
@pytest.mark.parametrize("way", WAYS)
def test_whatever_the_parameters(y, present, way):
    model = fitted(y, present, **WAYS[way])
    assert_certain(model, present)
    assert model.converged_
    assert model.deviance_ == 0.0


@PRESENT
@pytest.mark.parametrize("rows", [sparse.csr_matrix(X), sparse.csc_array(X), X.astype(np.float32), X[:, :0:-1]])
@ONLY_ONE
def test_whatever_the_rows(y, present, rows):
    model = SoftmaxGLM().fit(rows, y, sample_weight=y == present)
    assert_certain(model, present, rows)
    assert model.coef_.dtype == model.intercept_.dtype == rows.dtype


@PRESENT
@ONLY_ONE
def test_an_offset_changes_nothing(y, present):
    offset = 100.0 * np.random.default_rng(31).normal(size=(60, int(y.max()) + 1))
    model = SoftmaxGLM().fit(X, y, sample_weight=y == present, offset=offset)
    assert_certain(model, present, offset=offset)
    assert_certain(model, present, offset=0)
    with pytest.raises(ValueError, match="offset=0"):
        model.predict(X)


@pytest.mark.parametrize("present", [0, 1, 2])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(("size", "fractions"), [(1.0, False), (7.0, False), (1.0, True)])
@ONLY_ONE
def test_rows_of_counts_and_probabilities_with_columns_of_zeros(present, n_classes, size, fractions):
    present = min(present, n_classes - 1)
    Y = np.zeros((60, n_classes))
    Y[:, present] = size * (1.0 + PLACES % 2 / 2) if fractions else size
    model = SoftmaxGLM().fit(X, Y)
    assert_certain(model, present)
    assert model.deviance_ == 0.0
    assert model.score(X, Y) == 1.0
    assert model.alpha_ == 1.0 / Y.sum()


@ONLY_ONE
def test_names_of_classes_and_of_columns():
    words = np.array(["no", "yes"])[TWO]
    model = SoftmaxGLM().fit(X, words, sample_weight=TWO)
    assert set(model.predict(X)) == {"yes"}
    frame = pd.DataFrame({"yes": np.zeros(60), "no": np.ones(60)})
    assert set(SoftmaxGLM().fit(X, frame).predict(X)) == {"no"}


@pytest.mark.parametrize(("y", "class_weight"), [(TWO, {1: 0.0}), (THREE, {0: 0.0, 2: 0.0})])
@ONLY_ONE
def test_a_class_that_occurs_but_has_class_weight_zero_is_an_infinite_surprise(y, class_weight):
    model = SoftmaxGLM(class_weight=class_weight).fit(X, y)
    present = next(k for k in range(3) if k not in class_weight)
    assert_certain(model, present)
    assert model.deviance_ == np.inf
    assert model.loss_ == 0.0


@ONLY_ONE
def test_a_weight_that_vanishes_beside_the_others_is_none():
    assert_certain(SoftmaxGLM().fit(X, TWO, sample_weight=np.where(TWO == 1, 1e-30, 1.0)), 0)


@PRESENT
@ONLY_ONE
def test_a_warm_start_goes_there_and_comes_back(y, present):
    warm, cold = SoftmaxGLM(warm_start=True), SoftmaxGLM().fit(X, y)
    for _ in range(2):
        assert_certain(warm.fit(X, y, sample_weight=y == present), present)
        warm.fit(X, y)
        assert np.allclose(warm.coef_, cold.coef_, rtol=0.0, atol=1e-8)
        assert np.allclose(warm.intercept_, cold.intercept_, rtol=0.0, atol=1e-8)


@ONLY_ONE
def test_predictions_still_refuse_what_is_no_number():
    model = SoftmaxGLM().fit(X, TWO, sample_weight=TWO)
    for entry in (np.nan, np.inf):
        bad = X.copy()
        bad[3, 1] = entry
        with pytest.raises(ValueError, match="Input X contains"):
            model.predict(bad)


@pytest.mark.parametrize("rare", [[1], [1, 2]])
@ONLY_ONE
def test_bagging_over_a_rare_class_fits_and_predicts(rare):
    rows, y = problems.normal_rows(32, 100, 3)[1], np.zeros(100, dtype=int)
    for label in rare:
        y[[10 * label, 7 + 20 * label]] = label
    ours, theirs = (
        BaggingClassifier(model, n_estimators=40, random_state=0).fit(rows, y)
        for model in (SoftmaxGLM(), LogisticRegression(solver="newton-cholesky", tol=1e-10))
    )
    certain = [model for model in ours.estimators_ if not np.isfinite(model.intercept_).all()]
    assert certain
    probabilities = ours.predict_proba(rows)
    assert probabilities.shape == (100, 1 + len(rare))
    assert np.allclose(probabilities.sum(axis=1), 1.0)
    assert ours.score(rows, y) == theirs.score(rows, y)
    # A class that a sample lacks has a probability of exactly 0 here, and a small one there.
    assert abs(probabilities - theirs.predict_proba(rows)).max() < 0.01


@ONLY_ONE
def test_a_fold_without_weight_for_a_class_is_scored():
    weights = np.where(TWO == 1, PLACES < 20, 1.0)
    scores = []
    for train, test in KFold(3).split(X):
        model = SoftmaxGLM().fit(X[train], TWO[train], sample_weight=weights[train])
        scores.append(model.score(X[test], TWO[test]))
    assert scores[0] == 0.5
    assert np.isfinite(cross_val_score(SoftmaxGLM(class_weight={0: 0.0}), X, TWO, error_score="raise")).all()


def test_verbose_says_the_status_only(capsys):
    with pytest.warns(UserWarning, match="zero"):
        model = SoftmaxGLM(verbose=True).fit(X, TWO, sample_weight=TWO)
    assert capsys.readouterr().out.endswith(f" s: {model.status_}\n")
