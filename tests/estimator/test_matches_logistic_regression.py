"""The optimum is LogisticRegression's, for the same penalty, wherever its most exact solver arrives at one."""

import warnings
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import problems
import pytest
from scipy import sparse
from scipy.linalg import LinAlgWarning
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from softglm import SoftmaxGLM

# Relative to the largest coefficient: what LogisticRegression leaves at tol=1e-10.
AGREEMENT = 1e-6


@dataclass(frozen=True)
class Case:
    """Data, and the parameters that both sides share."""

    data: problems.Data
    shared: dict[str, Any] = field(default_factory=dict)


def standardised(data):
    return replace(data, X=StandardScaler().fit_transform(data.X))


def scaled(data, scales):
    return replace(data, X=data.X * scales)


def first_classes(data, n):
    return replace(data, X=data.X[data.y < n], y=data.y[data.y < n])


def labelled(codes):
    return np.array(["lemon", "apple", "melon", "peach"])[codes]


CASES = {
    "raw iris": lambda: Case(problems.real_data("iris")),
    "raw wine": lambda: Case(problems.real_data("wine")),
    "raw digits": lambda: Case(first_classes(problems.real_data("digits"), 4)),
    "scaled wine": lambda: Case(standardised(problems.real_data("wine"))),
    "scales from 1e-2 to 1e2": lambda: Case(scaled(problems.overlapping(), [1e-2, 1.0, 10.0, 1e2])),
    "imbalanced": lambda: Case(problems.imbalanced()),
    "collinear": lambda: Case(problems.collinear()),
    "constant column": lambda: Case(problems.constant_column()),
    "wide": lambda: Case(problems.wide()),
    "separable": lambda: Case(problems.separable()),
    "CSR": lambda: Case(problems.sparse_rows()),
    "CSC": lambda: Case(replace(problems.sparse_rows(), X=sparse.csc_matrix(problems.sparse_rows().X))),
    "weighted": lambda: Case(problems.weighted()),
    "class weights": lambda: Case(problems.imbalanced(), {"class_weight": {0: 0.5, 2: 7.0}}),
    "weights and class weights": lambda: Case(problems.weighted(), {"class_weight": {0: 3.0, 1: 0.2, 2: 1.0}}),
    "balanced": lambda: Case(problems.imbalanced(), {"class_weight": "balanced"}),
    "two classes": lambda: Case(problems.two_classes()),
    "two classes, no intercept": lambda: Case(problems.two_classes(), {"fit_intercept": False}),
    "two classes, unpenalised": lambda: Case(problems.two_classes(), {"C": np.inf}),
    "two classes, balanced": lambda: Case(problems.two_classes(), {"class_weight": "balanced"}),
    "no intercept": lambda: Case(problems.overlapping(), {"fit_intercept": False}),
    "sparse, no intercept": lambda: Case(problems.sparse_rows(), {"fit_intercept": False}),
    "unpenalised": lambda: Case(problems.overlapping(), {"C": np.inf}),
    "unpenalised, no intercept": lambda: Case(problems.overlapping(), {"C": np.inf, "fit_intercept": False}),
    "unpenalised, weighted": lambda: Case(problems.weighted(), {"C": np.inf}),
    "C = 1e-3": lambda: Case(problems.many_classes(), {"C": 1e-3}),
    "C = 0.1": lambda: Case(problems.many_classes(), {"C": 0.1}),
    "C = 100": lambda: Case(problems.many_classes(), {"C": 100.0}),
}


def most_exact(data, shared):
    """LogisticRegression at its optimum; only its solver for dense data is exact enough."""
    rival = LogisticRegression(solver="newton-cholesky", tol=1e-10, max_iter=1000, **shared)
    with warnings.catch_warnings():
        # Without a penalty its Hessian is singular in three classes, which it solves another way, and says so.
        warnings.simplefilter("ignore", category=LinAlgWarning)
        warnings.simplefilter("ignore", category=ConvergenceWarning)
        return rival.fit(data.dense, data.y, sample_weight=data.weights)


@pytest.mark.parametrize("name", CASES)
def test_coefficients_and_probabilities_are_those_of_logistic_regression(name):
    case = CASES[name]()
    data = case.data
    rival = most_exact(data, case.shared)
    model = SoftmaxGLM(**{"C": 1.0, **case.shared}).fit(data.X, data.y, sample_weight=data.weights)
    assert model.converged_
    # Where nothing is penalised any constant may be added to the classes; ours sum to zero.
    several = len(model.classes_) > 2
    theirs = rival.coef_ - rival.coef_.mean(axis=0) if several else rival.coef_
    assert model.coef_.shape == rival.coef_.shape
    assert model.intercept_.shape == rival.intercept_.shape
    assert abs(model.coef_ - theirs).max() <= AGREEMENT * abs(theirs).max()
    assert abs(model.predict_proba(data.X) - rival.predict_proba(data.dense)).max() <= AGREEMENT


@pytest.mark.parametrize("make", [problems.imbalanced, problems.two_classes], ids=lambda make: make.__name__)
def test_labels_decisions_and_accuracy_are_those_of_logistic_regression(make):
    data = make()
    y = labelled(data.y)
    rival = most_exact(replace(data, y=y), {})
    model = SoftmaxGLM().fit(data.X, y)
    assert np.array_equal(model.classes_, rival.classes_)
    assert np.array_equal(model.predict(data.X), rival.predict(data.X))
    assert model.score(data.X, y) == rival.score(data.X, y)
    ours, theirs = model.decision_function(data.X), rival.decision_function(data.X)
    assert ours.shape == theirs.shape
    if ours.ndim == 2:
        # Intercepts are known up to a constant.
        ours, theirs = (eta - eta.mean(axis=1, keepdims=True) for eta in (ours, theirs))
    assert np.allclose(ours, theirs, rtol=0.0, atol=AGREEMENT * abs(theirs).max())


def test_the_default_penalty_is_that_of_c_equal_to_one():
    data = problems.weighted()
    by_default = SoftmaxGLM().fit(data.X, data.y, sample_weight=data.weights)
    by_c = SoftmaxGLM(C=1.0).fit(data.X, data.y, sample_weight=data.weights)
    by_alpha = SoftmaxGLM(alpha=1.0 / data.total_weight).fit(data.X, data.y, sample_weight=data.weights)
    assert by_default.alpha_ == by_c.alpha_ == pytest.approx(by_alpha.alpha_, rel=1e-15)
    assert np.array_equal(by_default.coef_, by_c.coef_)


def test_an_infinite_c_is_no_penalty():
    data = problems.overlapping()
    model = SoftmaxGLM(C=np.inf).fit(data.X, data.y)
    assert model.alpha_ == 0.0
    assert np.array_equal(model.coef_, SoftmaxGLM(alpha=0).fit(data.X, data.y).coef_)


def test_c_is_relative_to_the_weight_after_class_weights():
    data = problems.imbalanced()
    factors = {0: 2.0, 1: 2.0, 2: 2.0}
    model = SoftmaxGLM(C=0.5, class_weight=factors).fit(data.X, data.y)
    assert model.alpha_ == pytest.approx(1.0 / (0.5 * 2.0 * len(data.y)))
