import numpy as np
from scipy.stats import binom, multinomial, poisson

from softglm.families import Multinomial, Poisson

# SciPy takes its own route, through other special functions.
AGREEMENT = {"rtol": 1e-9, "atol": 1e-9}


def test_log_probabilities(case):
    sample = case.support[..., :: max(1, case.support.shape[-1] // 40)]
    for column in case.eta.T:
        reference = case.in_scipy(column)
        log_probability = getattr(reference, "logpmf", None) or reference.logpdf
        ours = case.family.log_probability(sample, column[:, np.newaxis])
        theirs = log_probability(case.y_for_scipy(sample))
        probable = theirs > -700.0
        np.testing.assert_allclose(ours[probable], theirs[probable], **AGREEMENT)


def test_entropy(case):
    theirs = [case.in_scipy(column).entropy() for column in case.eta.T]
    np.testing.assert_allclose(case.family.entropy(case.eta), theirs, **AGREEMENT)


def test_entropy_of_poisson_counts_small_and_large():
    mean = np.array([1e-8, 0.3, 7.0, 90.0, 900.0, 5000.0])
    theirs = [poisson.pmf(y := np.arange(8000), m) @ -poisson.logpmf(y, m) for m in mean]
    np.testing.assert_allclose(Poisson().entropy(np.log([mean])), theirs, **AGREEMENT)


def test_entropy_of_counts_with_a_number_of_trials_for_each_row():
    eta = np.random.default_rng(5).normal(size=(2, 3))
    trials = [1, 6, 300]
    theirs = [binom(n, 1 / (1 + np.exp(b - a))).entropy() for n, (a, b) in zip(trials, eta.T, strict=True)]
    np.testing.assert_allclose(Multinomial(2, trials).entropy(eta), theirs, **AGREEMENT)


def test_log_probabilities_of_counts_with_a_number_of_trials_for_each_row():
    y = np.array([[1, 2, 0], [0, 4, 3], [0, 1, 4]])
    p = np.array([0.2, 0.5, 0.3])
    eta = np.tile(np.log(p)[:, np.newaxis], 3)
    ours = Multinomial(3, y.sum(axis=0)).log_probability(y, eta)
    np.testing.assert_allclose(ours, multinomial.logpmf(y.T, y.sum(axis=0), p), **AGREEMENT)
