"""float32 in, float32 out, and a promise about what the rounding lost."""

import numpy as np
import problems
import pytest
from scipy import sparse
from scipy.special import log_softmax

from softglm import SoftmaxGLM

# What the docstring promises of coefficients rounded to float32.
PROMISE = 1e-6
ALPHA = 0.01


def far_out(distance):
    """Columns whose mean is so many standard deviations from zero, in float32."""
    data = problems.overlapping()
    return (data.X + distance).astype(np.float32), data.y


def relative_gap(model, X, y):
    """(f - f*) / (f_null - f*) of the coefficients as they were returned, in float64."""
    best = SoftmaxGLM(alpha=ALPHA).fit(X.astype(np.float64), y)
    eta = X.astype(np.float64) @ model.coef_.T.astype(np.float64) + model.intercept_.astype(np.float64)
    fit = -log_softmax(eta, axis=1)[np.arange(len(y)), y].mean()
    loss = fit + 0.5 * ALPHA * np.sum(model.coef_.astype(np.float64) ** 2)
    shares = np.bincount(y) / len(y)
    return (loss - best.loss_) / (-shares @ np.log(shares) - best.loss_)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_matrix])
@pytest.mark.parametrize("distance", [0.0, 1.0, 1e2, 1e4])
def test_the_relative_gap_is_below_a_millionth_as_long_as_the_mean_is_within_1e4_deviations(distance, convert):
    X, y = far_out(distance)
    model = SoftmaxGLM(alpha=ALPHA).fit(convert(X), y)
    assert model.coef_.dtype == model.intercept_.dtype == np.float32
    assert model.converged_
    assert relative_gap(model, X, y) <= PROMISE


def test_beyond_that_the_status_says_what_was_lost_and_a_warning_what_to_do():
    rng = np.random.default_rng(0)
    # In units that float32 resolves, with a spread of ten million times less.
    X = (1e7 + rng.integers(0, 4, size=(200, 3)) * 4.0).astype(np.float32)
    y = (X @ rng.normal(size=(3, 3)) / 4.0 + rng.gumbel(size=(200, 3))).argmax(axis=1)
    y[:3] = [0, 1, 2]
    with pytest.warns(
        UserWarning, match=r"rounding the coefficients to float32.*Centre the columns.*float64"
    ) as caught:
        model = SoftmaxGLM(alpha=ALPHA).fit(X, y)
    assert len(caught) == 1
    assert not model.converged_
    assert model.gap_ > 0.0
    assert SoftmaxGLM(alpha=ALPHA).fit(X.astype(np.float64), y).converged_


def test_the_gap_counts_what_the_rounding_lost():
    X, y = far_out(1e3)
    model = SoftmaxGLM(alpha=ALPHA).fit(X, y)
    exact = SoftmaxGLM(alpha=ALPHA).fit(X.astype(np.float64), y)
    assert model.gap_ >= model.loss_ - exact.loss_
    assert model.gap_ > exact.gap_


def test_predictions_are_computed_in_float64():
    X, y = far_out(0.0)
    model = SoftmaxGLM().fit(X, y)
    assert model.predict_proba(X).dtype == np.float64
    assert model.decision_function(X).dtype == np.float64


@pytest.mark.parametrize(
    "make", [problems.two_classes, problems.many_classes, problems.wide], ids=lambda make: make.__name__
)
def test_float32_agrees_with_float64_to_its_seven_digits(make):
    data = make()
    X = data.X.astype(np.float32)
    single, double = SoftmaxGLM().fit(X, data.y), SoftmaxGLM().fit(X.astype(np.float64), data.y)
    assert np.allclose(single.coef_, double.coef_, rtol=1e-6, atol=1e-7 * abs(double.coef_).max())
    assert single.coef_.dtype == np.float32


def test_the_deviance_is_that_of_the_rounded_coefficients():
    rng = np.random.default_rng(11)
    # Coefficients far from zero: what rounding them changes in the penalty is more than the rounding of f.
    X = (1e-3 * rng.normal(size=(400, 3))).astype(np.float32)
    y = (1e3 * X[:, 0] + rng.logistic(size=400) > 0.0).astype(int)
    model = SoftmaxGLM(alpha=1e-8).fit(X, y)
    eta = X.astype(np.float64) @ model.coef_[0].astype(np.float64) + float(model.intercept_[0])
    explicit = 2.0 * np.logaddexp(0.0, np.where(y == 1, -eta, eta)).sum()
    np.testing.assert_allclose(model.deviance_, explicit, rtol=1e-13)
