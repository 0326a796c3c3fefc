"""Labels that are nearly as many as rows are asked about, as LogisticRegression does."""

import inspect
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.utils import multiclass

from softglm import SoftmaxGLM, detect_separation, infer
from softglm.data import RowsInMemory

ASKED = "The number of unique classes is greater than 50% of the number of samples"
# Not every scikit-learn asks; ours does with every one.
ASKS = "greater than 50%" in inspect.getsource(multiclass)


def asked(estimator, y):
    X = np.random.default_rng(0).normal(size=(len(y), 2))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X, y)
    return [warned for warned in caught if str(warned.message).startswith(ASKED)]


def repeated(n_classes, n_rows):
    return np.arange(n_rows) % n_classes


Y = {
    "as many as rows": repeated(40, 40),
    "integers far apart": repeated(40, 40) * 10_000 - 7,
    "small integers": repeated(30, 40).astype(np.int8),
    "whole floats": repeated(30, 40).astype(float),
    "text": repeated(25, 40).astype(str),
    "text in a list": repeated(25, 40).astype(str).tolist(),
    "text as objects": repeated(25, 40).astype(str).astype(object),
    "text in a series": pd.Series(repeated(25, 40).astype(str)),
    "one more than half": repeated(21, 40),
    "half of an odd number, rounded": repeated(12, 23),
    "more than half of an odd number": repeated(13, 23),
    "just half": repeated(20, 40),
    "few rows": repeated(20, 20),
    "21 rows": repeated(21, 21),
    "few labels": repeated(3, 40),
    "two labels": repeated(2, 40),
}
ASKED_ABOUT = {name for name, y in Y.items() if len(y) > 20 and len(set(y)) > round(len(y) / 2)}


@pytest.mark.parametrize("name", Y)
def test_they_are_asked_about_once_and_at_the_line_of_the_user(name):
    warned = asked(SoftmaxGLM(max_iter=2), Y[name])
    assert [one.filename for one in warned] == [__file__] * (name in ASKED_ABOUT)
    assert all(f"{len(set(Y[name]))} different labels in {len(Y[name])} rows" in str(one.message) for one in warned)


@pytest.mark.skipif(not ASKS, reason="this scikit-learn does not ask")
@pytest.mark.parametrize("name", Y)
def test_logistic_regression_asks_about_the_same(name):
    assert len(asked(LogisticRegression(max_iter=2), Y[name])) == (name in ASKED_ABOUT)


def test_they_are_asked_about_before_the_rows_are_read(monkeypatch):
    def stop(*_, **__):
        raise InterruptedError

    monkeypatch.setattr(RowsInMemory, "__init__", stop)
    with pytest.warns(UserWarning, match=ASKED), pytest.raises(InterruptedError):
        SoftmaxGLM().fit(np.zeros((40, 2)), np.arange(40))
    with pytest.warns(UserWarning, match=ASKED), pytest.raises(InterruptedError):
        detect_separation(np.zeros((40, 2)), np.arange(40))


def test_what_was_fitted_is_not_asked_about_again():
    X, y = np.random.default_rng(0).normal(size=(22, 1)), repeated(12, 22)
    with pytest.warns(UserWarning, match=ASKED):
        model = SoftmaxGLM(alpha=0.1).fit(X, y)
    infer(model, X, y)


def test_counts_of_many_classes_are_not_labels():
    Y = np.random.default_rng(0).multinomial(5, np.full(30, 1 / 30), size=40)
    assert asked(SoftmaxGLM(max_iter=2), Y) == []


@pytest.mark.parametrize("y", [np.linspace(0.0, 1.0, 40), np.append(np.arange(39.0), 0.5)])
def test_fractions_are_refused_with_the_remedy(y):
    with pytest.raises(ValueError, match=r"^Unknown label type: continuous.*is for a regressor"):
        SoftmaxGLM().fit(np.zeros((40, 1)), y)
