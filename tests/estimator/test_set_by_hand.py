"""A model whose classes_, coef_ and intercept_ were set by hand predicts, as LogisticRegression's does."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression

from softglm import SoftmaxGLM, neg_log_loss

METHODS = ["predict", "predict_proba", "predict_log_proba", "decision_function"]
# Sums of a few products, in another order.
ROUNDING = 1e-12
RNG = np.random.default_rng(40)
X = RNG.normal(size=(30, 4))


def by_hand(kind, coef, intercept, classes, **attributes):
    model = kind()
    model.classes_, model.coef_, model.intercept_ = classes, coef, intercept
    for name, value in attributes.items():
        setattr(model, name, value)
    return model


BINARY, SEVERAL = RNG.normal(size=(1, 4)), RNG.normal(size=(3, 4))
GIVEN = {
    "two classes": (BINARY, np.array([0.3]), np.array([0, 1])),
    "two words": (BINARY, np.array([-0.3]), np.array(["no", "yes"])),
    "two classes the other way round": (BINARY, np.array([0.3]), np.array(["yes", "no"])),
    "two classes, one-dimensional coefficients": (BINARY[0], np.array([0.3]), np.array([0, 1])),
    "two classes, one number as intercept": (BINARY, 0.3, np.array([0, 1])),
    "three classes": (SEVERAL, np.array([0.3, 0.0, -1.0]), np.array([2, 5, 7])),
    "three classes in any order": (SEVERAL, np.array([0.3, 0.0, -1.0]), np.array(["c", "a", "b"])),
    "three classes, one intercept": (SEVERAL, 0.0, np.array([0, 1, 2])),
    "float32": (SEVERAL.astype(np.float32), np.float32([0.5, 0.0, -1.0]), np.array([0, 1, 2])),
    "whole numbers": (np.array([[1, 0, -2, 0]]), np.array([1]), np.array([False, True])),
    "a list of intercepts": (SEVERAL, [0.3, 0.0, -1.0], np.array([0, 1, 2])),
}


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("given", GIVEN)
def test_it_predicts_and_scores_as_logistic_regression_does(given, told):
    attributes = {"n_features_in_": 4} if told else {}
    ours, theirs = (by_hand(kind, *GIVEN[given], **attributes) for kind in (SoftmaxGLM, LogisticRegression))
    for method in METHODS:
        one, other = getattr(ours, method)(X), getattr(theirs, method)(X)
        assert one.shape == other.shape
        if method == "predict":
            assert np.array_equal(one, other)
        else:
            # Of float32 coefficients the rival computes in part in float32.
            atol = 1e-6 if given == "float32" else ROUNDING
            assert np.allclose(one, other, rtol=0.0, atol=atol)
    y = np.asarray(GIVEN[given][2])[np.arange(30) % len(GIVEN[given][2])]
    assert ours.score(X, y) == theirs.score(X, y)
    weights = np.linspace(0.0, 1.0, 30)
    assert ours.score(X, y, sample_weight=weights) == pytest.approx(theirs.score(X, y, sample_weight=weights))


@pytest.mark.parametrize("given", GIVEN)
def test_lists_do_as_well(given):
    lists = [np.asarray(part).tolist() for part in GIVEN[given]]
    whole, listed = by_hand(SoftmaxGLM, *GIVEN[given]), by_hand(SoftmaxGLM, *lists)
    for method in METHODS:
        assert np.array_equal(getattr(whole, method)(X), getattr(listed, method)(X))
    y = whole.predict(X)
    assert listed.score(X, y) == 1.0
    assert neg_log_loss(listed, X, y) == neg_log_loss(whole, X, y) < 0.0


def test_classes_in_any_order_are_matched_by_name():
    coef, intercept, classes = GIVEN["three classes in any order"]
    order = np.argsort(classes)
    model = by_hand(SoftmaxGLM, coef, intercept, classes)
    tidy = by_hand(SoftmaxGLM, coef[order], intercept[order], classes[order])
    Y = RNG.dirichlet(np.ones(3), size=30)
    frame = pd.DataFrame(Y, columns=["b", "c", "a"])
    assert model.score(X, frame) == pytest.approx(tidy.score(X, frame))
    assert neg_log_loss(model, X, frame) == pytest.approx(neg_log_loss(tidy, X, frame))
    assert neg_log_loss(model, X, classes[np.arange(30) % 3]) == pytest.approx(
        neg_log_loss(tidy, X, classes[np.arange(30) % 3])
    )
    ours, sorted_ones = model.predict_proba(X, offset=frame), tidy.predict_proba(X, offset=frame)
    assert np.allclose(ours[:, order], sorted_ones, rtol=0.0, atol=ROUNDING)


def test_it_has_no_offset_and_takes_one():
    model = by_hand(SoftmaxGLM, *GIVEN["two classes"])
    shifted = model.decision_function(X, offset=np.ones(30))
    assert np.allclose(shifted, model.decision_function(X) + 1.0, rtol=0.0, atol=ROUNDING)


def test_it_is_the_start_of_a_warm_fit_and_survives_a_pickle():
    y = np.arange(30) % 3
    cold = SoftmaxGLM().fit(X, y)
    warm = by_hand(SoftmaxGLM, cold.coef_.tolist(), cold.intercept_.tolist(), [0, 1, 2], warm_start=True)
    copied = pickle.loads(pickle.dumps(warm))  # noqa: S301 - our own
    assert np.array_equal(copied.predict_proba(X), warm.predict_proba(X))
    assert warm.fit(X, y).n_evaluations_ < cold.n_evaluations_
    assert np.allclose(warm.coef_, cold.coef_, rtol=0.0, atol=1e-8)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("coef", "intercept", "classes", "parts"),
    [
        (np.ones((2, 4)), np.zeros(2), [0, 1], ["coef_ has shape (2, 4)", "(1, n_features)", "2 classes"]),
        (np.ones((2, 4)), np.zeros(3), [0, 1, 2], ["coef_ has shape (2, 4)", "(3, n_features)", "3 classes"]),
        (np.ones((4, 3)), np.zeros(3), [0, 1, 2], ["coef_ has shape (4, 3)", "(3, n_features)"]),
        (np.ones(4), np.zeros(3), [0, 1, 2], ["coef_ has shape (4,)", "(3, n_features)"]),
        (np.ones((3, 4, 1)), np.zeros(3), [0, 1, 2], ["coef_ has shape (3, 4, 1)"]),
        (np.ones((3, 4)), np.zeros(2), [0, 1, 2], ["intercept_ has shape (2,)", "(3,)"]),
        (np.ones((1, 4)), np.zeros(2), [0, 1], ["intercept_ has shape (2,)", "(1,)"]),
        (np.ones((3, 4)), np.zeros((3, 1)), [0, 1, 2], ["intercept_ has shape (3, 1)"]),
        (np.ones((1, 4)), np.zeros(1), [1], ["classes_ has shape (1,)", "at least two classes"]),
        (np.ones((1, 4)), np.zeros(1), np.eye(2), ["classes_ has shape (2, 2)"]),
    ],
    ids=str,
)
def test_a_shape_that_does_not_fit_is_refused(method, coef, intercept, classes, parts):
    with pytest.raises(ValueError, match="expected") as caught:
        getattr(by_hand(SoftmaxGLM, coef, intercept, classes), method)(X)
    assert all(part in str(caught.value) for part in parts), str(caught.value)


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("columns", [1, 3, 5])
@pytest.mark.parametrize("given", ["two classes", "three classes"])
def test_rows_of_another_number_of_columns_are_refused(given, columns, told):
    model = by_hand(SoftmaxGLM, *GIVEN[given], **({"n_features_in_": 4} if told else {}))
    for method in METHODS:
        with pytest.raises(ValueError, match=f"X has {columns} features, but SoftmaxGLM is expecting 4 features"):
            getattr(model, method)(np.ones((2, columns)))


@pytest.mark.parametrize("missing", ["classes_", "coef_", "intercept_"])
def test_a_model_that_lacks_a_part_is_not_fitted(missing):
    model = by_hand(SoftmaxGLM, *GIVEN["two classes"])
    delattr(model, missing)
    with pytest.raises(NotFittedError, match="not fitted"):
        model.predict(X)
