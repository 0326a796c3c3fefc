"""Fits under hypotheses start from the fit without them: few evaluations, the same statistics."""

import numpy as np
import problems
import pytest

from softglm import SeparationWarning, SoftmaxGLM, infer
from softglm.inference import constrained, hypotheses
from softglm.inference import estimate as estimates
from softglm.model import Objective

# What ending at the distance that serves likelihoods may change of a statistic beside that which serves scores.
SAME = {"rtol": 1e-10, "atol": 1e-9}
# Steps from far away: each with the Hessian at hand leaves a tenth or less of the distance, from 10 down to 1e-5.
EVALUATIONS = 7


def strong(n_classes, seed=0, n=3000):
    """Effects by which a term is worth thousands of chi-squared."""
    rng, X = problems.normal_rows(seed, n, 5)
    return problems.Data(X, problems.drawn_classes(rng, X @ rng.normal(size=(5, n_classes))))


def skewed(n_classes, seed=1, n=3000):
    rng = np.random.default_rng(seed)
    X = rng.standard_t(4, size=(n, 5))
    return problems.Data(X, problems.drawn_classes(rng, 0.4 * X @ rng.normal(size=(5, n_classes))))


def inferred(X, y):
    return infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)


@pytest.mark.parametrize("make", [strong, skewed])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_ratios_take_few_evaluations_hardly_a_hessian_and_are_the_same(monkeypatch, make, n_classes):
    data = make(n_classes)
    result = inferred(data.X, data.y)
    monkeypatch.setattr(hypotheses, "FOR_LIKELIHOODS", constrained.FOR_SCORES)
    exact = result.test_terms("lr").statistic
    monkeypatch.undo()
    evaluated, curved = [], []
    evaluate, estimate_at = Objective.evaluate, estimates.estimate_at
    monkeypatch.setattr(Objective, "evaluate", lambda *given: evaluated.append(0) or evaluate(*given))
    monkeypatch.setattr(
        estimates, "estimate_at", lambda *given, **named: curved.append(0) or estimate_at(*given, **named)
    )
    tests = result.test_terms("lr")
    np.testing.assert_allclose(tests.statistic, exact, **SAME)
    assert tests.statistic.max() > 300.0
    assert len(evaluated) <= EVALUATIONS * len(tests.terms)
    assert len(curved) < len(tests.terms)


def test_profile_intervals_end_where_finer_fits_have_them_end(monkeypatch):
    data = strong(3, n=300)
    result = inferred(data.X, data.y)
    found = result.confidence_intervals("profile")
    monkeypatch.setattr("softglm.inference.profile.FOR_LIKELIHOODS", constrained.FOR_SCORES)
    np.testing.assert_allclose(found, result.confidence_intervals("profile"), rtol=1e-8)


def partly_separated(seed):
    """Levels and numbers of which some tell a class with certainty and others nothing; at times an interaction."""
    rng = np.random.default_rng(seed)
    n, n_classes = 80, 2 + seed % 3
    X = rng.integers(0, 3, size=(n, 3)).astype(float)
    X[:, 0] = rng.normal(size=n) * 10.0 ** (seed % 5 - 2)
    if seed % 2:
        X = np.c_[X, X[:, 1] * X[:, 2]]
    eta = np.c_[X[:, 0] / X[:, 0].std(), X[:, 1]] @ rng.normal(size=(2, n_classes))
    y = (eta + rng.gumbel(size=eta.shape)).argmax(axis=1)
    rare = np.zeros(n)
    rare[:5], y[:5] = 1.0, n_classes - 1
    return np.c_[X, rare], y


@pytest.mark.parametrize("seed", range(4))
def test_where_classes_are_separated_terms_that_do_not_separate_need_no_fit_from_the_start(monkeypatch, seed):
    X, y = partly_separated(seed)
    with pytest.warns(SeparationWarning):
        result = inferred(X, y)
    fits, supremum, last = [], hypotheses.supremum, X.shape[1] - 1
    monkeypatch.setattr(hypotheses, "supremum", lambda objective: fits.append(0) or supremum(objective))
    ratios = result.test_terms("lr").statistic
    assert len(fits) == 1  # without the level that one class alone has
    result.test_terms("score", {"all but the last": range(last)})
    assert len(fits) == 1
    for column in range(last):
        with pytest.warns(SeparationWarning):
            reduced = inferred(np.delete(X, column, axis=1), y)
        assert ratios[column] == pytest.approx(2.0 * (result.log_likelihood - reduced.log_likelihood), rel=1e-7)


def test_models_without_interactions_are_no_fits_from_the_start_either(monkeypatch):
    data = strong(3, n=300)
    X = np.column_stack([data.X[:, :2], data.X[:, 0] * data.X[:, 1]])
    smaller, result = inferred(X[:, :2], data.y), inferred(X, data.y)
    monkeypatch.setattr(hypotheses, "supremum", None)
    found = result.test_terms(by="variable", groups={"a": [0, 2], "b": [1, 2]})
    np.testing.assert_allclose(found.statistic[:2], smaller.test_terms().statistic, **SAME)
