"""What the numbers attached to a fit are: explicit sums over the rows."""

import numpy as np
import problems
import pytest
from scipy.special import xlogy
from sklearn.metrics import accuracy_score, log_loss

from softglm import SoftmaxGLM, neg_log_loss

# Sums over at most a few hundred rows, taken in another order.
ROUNDING = 1e-10
KINDS = pytest.mark.parametrize(
    "name", ["overlapping", "two_classes", "weighted", "soft_labels", "counts", "sparse_rows", "wide", "badly_scaled"]
)


def fitted(data, **parameters):
    return SoftmaxGLM(**parameters).fit(data.X, data.y, sample_weight=data.weights)


def observed(data):
    """The rows of counts, shape (n, K), and their weights."""
    Y = data.y if data.y.ndim == 2 else np.identity(data.n_classes)[data.y]
    return Y.astype(np.float64), np.ones(len(Y)) if data.weights is None else data.weights


def deviance(Y, weights, probabilities):
    fit = Y.sum(axis=1, keepdims=True) * probabilities
    return 2.0 * np.sum(weights[:, np.newaxis] * xlogy(Y, np.where(Y > 0.0, Y / fit, 1.0)))


@pytest.mark.parametrize("class_weight", [None, {0: 3.0}, "balanced"], ids=str)
@KINDS
def test_the_deviance_is_its_sum_whatever_the_class_weights_and_the_penalty(name, class_weight):
    data = problems.PROBLEMS[name]()
    model = fitted(data, class_weight=class_weight, alpha=0.01)
    Y, weights = observed(data)
    assert model.deviance_ == pytest.approx(deviance(Y, weights, model.predict_proba(data.X)), rel=ROUNDING)


@pytest.mark.parametrize("class_weight", [None, {0: 3.0}, "balanced"], ids=str)
@KINDS
def test_the_null_deviance_is_that_of_the_class_shares(name, class_weight):
    data = problems.PROBLEMS[name]()
    Y, weights = observed(data)
    shares = weights @ Y / (weights @ Y).sum()
    model = fitted(data, class_weight=class_weight)
    assert model.null_deviance_ == pytest.approx(deviance(Y, weights, np.broadcast_to(shares, Y.shape)), rel=ROUNDING)


def test_without_intercept_the_null_model_gives_every_class_the_same_probability():
    data = problems.imbalanced()
    model = fitted(data, fit_intercept=False)
    assert model.null_deviance_ == pytest.approx(2.0 * len(data.y) * np.log(3.0))


def test_the_null_model_keeps_the_offset():
    data = problems.two_classes_with_offset()
    model = SoftmaxGLM(fit_intercept=False).fit(data.X, data.y, offset=data.offset)
    sign = np.where(data.y == 1, 1.0, -1.0)
    assert model.null_deviance_ == pytest.approx(2.0 * np.logaddexp(0.0, -sign * data.offset).sum())


def test_soft_labels_that_are_predicted_exactly_leave_no_deviance():
    X = np.repeat([[0.0], [1.0]], 10, axis=0)
    Y = np.where(X == 0.0, [[0.2, 0.5, 0.3]], [[0.6, 0.3, 0.1]])
    model = SoftmaxGLM(alpha=0).fit(X, Y)
    assert 0.0 <= model.deviance_ < ROUNDING
    assert np.allclose(model.predict_proba(X), Y, rtol=0.0, atol=ROUNDING)


@KINDS
def test_the_loss_is_the_objective(name):
    data = problems.PROBLEMS[name]()
    model = fitted(data, alpha=0.02)
    Y, weights = observed(data)
    fit = -np.sum(weights[:, np.newaxis] * xlogy(Y, model.predict_proba(data.X))) / (weights @ Y).sum()
    assert model.loss_ == pytest.approx(fit + 0.01 * np.sum(model.coef_**2), rel=ROUNDING)
    assert 0.0 <= model.gap_ <= 1e-8 * (1.0 + model.loss_)


@pytest.mark.parametrize("name", ["overlapping", "two_classes"])
def test_log_probabilities_are_exact_where_probabilities_underflow(name):
    data = problems.PROBLEMS[name]()
    model = fitted(data)
    far = 1e4 * data.X[:20]
    eta = model.decision_function(far)
    if eta.ndim == 1:
        eta = np.column_stack([np.zeros_like(eta), eta])
    log_probabilities = model.predict_log_proba(far)
    assert (model.predict_proba(far) == 0.0).any()
    # So far out, the normaliser is the largest eta.
    assert np.allclose(log_probabilities, eta - eta.max(axis=1, keepdims=True), rtol=ROUNDING)
    assert log_probabilities.min() < -1000.0
    assert np.isfinite(log_probabilities).all()


@KINDS
def test_probabilities_sum_to_one_and_are_the_exponentials_of_their_logarithms(name):
    data = problems.PROBLEMS[name]()
    model = fitted(data)
    probabilities = model.predict_proba(data.X)
    assert np.allclose(probabilities.sum(axis=1), 1.0, rtol=ROUNDING)
    assert np.allclose(np.exp(model.predict_log_proba(data.X)), probabilities, rtol=ROUNDING)
    assert np.array_equal(model.predict(data.X), model.classes_[probabilities.argmax(axis=1)])


@KINDS
def test_the_score_is_the_share_of_observed_weight_in_the_predicted_class(name):
    data = problems.PROBLEMS[name]()
    model = fitted(data)
    Y, weights = observed(data)
    hits = Y[np.arange(len(Y)), model.predict(data.X)]
    assert model.score(data.X, data.y, sample_weight=data.weights) == pytest.approx(
        weights @ hits / (weights @ Y).sum()
    )


def test_the_score_of_labels_is_their_accuracy():
    data = problems.weighted()
    model = fitted(data)
    predicted = model.predict(data.X)
    assert model.score(data.X, data.y) == accuracy_score(data.y, predicted)
    assert model.score(data.X, data.y, sample_weight=data.weights) == pytest.approx(
        accuracy_score(data.y, predicted, sample_weight=data.weights)
    )


def test_a_label_that_the_model_does_not_know_is_a_miss_as_in_every_accuracy():
    data = problems.overlapping()
    model = fitted(data)
    for stranger in (-1, 3, 99):
        y = np.where(np.arange(len(data.y)) < 10, stranger, data.y)
        assert model.score(data.X, y) == accuracy_score(y, model.predict(data.X))


def test_the_scorer_is_minus_the_log_loss_of_labels():
    data = problems.weighted()
    model = fitted(data)
    probabilities = model.predict_proba(data.X)
    assert neg_log_loss(model, data.X, data.y) == pytest.approx(-log_loss(data.y, probabilities))
    assert neg_log_loss(model, data.X, data.y, sample_weight=data.weights) == pytest.approx(
        -log_loss(data.y, probabilities, sample_weight=data.weights)
    )


@pytest.mark.parametrize("name", ["soft_labels", "counts"])
def test_the_scorer_is_the_mean_log_probability_of_what_was_observed(name):
    data = problems.PROBLEMS[name]()
    model = fitted(data)
    expected = np.sum(data.y * model.predict_log_proba(data.X)) / data.y.sum()
    assert neg_log_loss(model, data.X, data.y) == pytest.approx(expected)


def test_the_scorer_knows_that_zero_times_minus_infinity_is_zero():
    data = problems.soft_labels()
    Y = data.y.copy()
    Y[:, 3] = 0.0
    with pytest.warns(UserWarning, match="zero"):
        model = SoftmaxGLM().fit(data.X, Y)
    assert np.isfinite(neg_log_loss(model, data.X, Y))
    assert neg_log_loss(model, data.X, data.y) == -np.inf
