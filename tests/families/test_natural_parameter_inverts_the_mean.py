import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from softglm.families import (
    Bernoulli,
    Beta,
    Categorical,
    Dirichlet,
    Exponential,
    Gamma,
    Multinomial,
    Poisson,
)

# At |eta| = 10 a probability near one keeps 1 - p to 1e-16 / 5e-5, and the flattest
# digamma equations magnify rounding a hundred times more.
ROUND_TRIP = {"rtol": 1e-9, "atol": 1e-9}
# What the digamma families promise: abs(mean(natural(mu)) - mu) <= 1e-10 (1 + abs(mu)).
PROMISED = 1e-10

seeds = st.integers(0, 2**32 - 1)


def keeps_its_promise(family, mean):
    error = abs(family.mean(family.natural_parameter(mean)) - mean)
    return (error <= PROMISED * (1.0 + abs(mean))).all()


def test_natural_parameter_undoes_the_mean(case):
    recovered = case.family.natural_parameter(case.family.mean(case.eta))
    np.testing.assert_allclose(case.family.mean(recovered), case.family.mean(case.eta), **ROUND_TRIP)


@given(seed=seeds)
def test_eta_up_to_ten_returns_up_to_what_is_identifiable(unconstrained_case, seed):
    family = unconstrained_case.family
    eta = np.random.default_rng(seed).uniform(-10.0, 10.0, (family.n_parameters, 8))
    basis = family.identifiable_directions
    recovered = family.natural_parameter(family.mean(eta))
    np.testing.assert_allclose(recovered, basis @ basis.T @ eta, **ROUND_TRIP)


@pytest.mark.parametrize("family", [Exponential(), Gamma(), Beta(), Dirichlet(4)], ids=repr)
@given(seed=seeds)
def test_eta_up_to_ten_returns_in_constrained_families(family, seed):
    uniform = np.random.default_rng(seed).uniform(0.01, 10.0, (family.n_parameters, 8))
    eta = -uniform if isinstance(family, Exponential) else uniform - 1.0
    if isinstance(family, Gamma):
        eta[1] = -uniform[1]
    recovered = family.natural_parameter(family.mean(eta))
    np.testing.assert_allclose(recovered, eta, **ROUND_TRIP)


@pytest.mark.parametrize("family", [Beta(), Dirichlet(3), Dirichlet(10)], ids=repr)
@given(seed=seeds)
def test_concentrations_over_twelve_decades_return(family, seed):
    exponents = np.random.default_rng(seed).uniform(-6.0, 6.0, (family.n_parameters, 8))
    assert keeps_its_promise(family, family.mean(10.0**exponents - 1.0))


@given(seed=seeds)
def test_gamma_shapes_and_rates_over_twelve_decades_return(seed):
    shape, rate = 10.0 ** np.random.default_rng(seed).uniform(-6.0, 6.0, (2, 8))
    assert keeps_its_promise(Gamma(), Gamma().mean(np.stack([shape - 1.0, -rate])))


@pytest.mark.parametrize("family", [Beta(), Dirichlet(3)], ids=repr)
@given(seed=seeds)
def test_any_point_inside_the_mean_space_is_a_mean_of_log_probabilities(family, seed):
    rng = np.random.default_rng(seed)
    slack = 10.0 ** rng.uniform(-9.0, -0.01, 8)
    shares = rng.dirichlet(np.full(family.n_parameters, 0.3), 8).T + 1e-12
    mean = np.log(shares / shares.sum(axis=0)) + np.log1p(-slack)
    assert keeps_its_promise(family, mean)


@given(seed=seeds)
def test_any_point_inside_the_mean_space_is_a_mean_of_amounts(seed):
    rng = np.random.default_rng(seed)
    mean_of_y = 10.0 ** rng.uniform(-9.0, 9.0, 8)
    mean_of_log = np.log(mean_of_y) - 10.0 ** rng.uniform(-12.0, 5.0, 8)
    assert keeps_its_promise(Gamma(), np.stack([mean_of_log, mean_of_y]))


@pytest.mark.parametrize(
    ("family", "mean", "expected"),
    [
        (Bernoulli(), [1.0], "strictly between 0 and 1"),
        (Bernoulli(), [np.nan], "strictly between 0 and 1"),
        (Categorical(3), [0.5, 0.5, 0.0], "positive probabilities"),
        (Categorical(3), [0.5, 0.5, 0.5], "sum to one"),
        (Multinomial(2, 4), [1.0, 1.0], "sum to one"),
        (Poisson(), [0.0], "positive and finite"),
        (Exponential(), [-1.0], "positive and finite"),
        (Gamma(), [0.0, 1.0], r"E\[log y\] < log E\[y\]"),
        (Gamma(), [0.0, -1.0], r"E\[log y\] < log E\[y\]"),
        (Gamma(), [np.nan, 1.0], r"E\[log y\] < log E\[y\]"),
        (Beta(), [np.log(0.5), np.log(0.5)], "Beta.* < 1"),
        (Dirichlet(3), [0.0, -1.0, -1.0], "Dirichlet.* < 1"),
        (Dirichlet(3), [-1.5, -np.inf, -1.5], "Dirichlet.* < 1"),
    ],
    ids=str,
)
def test_means_outside_the_mean_space_are_refused(family, mean, expected):
    with pytest.raises(ValueError, match=expected):
        family.natural_parameter(np.array(mean))


def test_the_refusal_shows_the_first_point_that_is_outside():
    mean = np.array([[0.5, 0.6, 0.7], [0.5, 0.6, 0.7]])
    with pytest.raises(ValueError, match=r"got \[0\.6, 0\.6\]"):
        Categorical(2).natural_parameter(mean)


@pytest.mark.parametrize(
    ("family", "eta"),
    [
        (Exponential(), [0.0]),
        (Gamma(), [-1.0, -1.0]),
        (Gamma(), [1.0, 1.0]),
        (Beta(), [-1.5, 0.0]),
        (Dirichlet(3), [0.0, 0.0, np.nan]),
    ],
    ids=str,
)
def test_eta_outside_the_parameter_space_is_refused(family, eta):
    for method in family.log_normalizer, family.mean, family.fisher_information:
        with pytest.raises(ValueError, match="eta"):
            method(np.array(eta))


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Categorical(1), "n_classes must be at least 2, got 1"),
        (lambda: Multinomial(1, 5), "n_classes must be at least 2, got 1"),
        (lambda: Multinomial(3, [5, 0]), "n_trials must be positive"),
        (lambda: Dirichlet(1), "n_components must be at least 2, got 1"),
    ],
)
def test_families_that_cannot_be_are_refused(make, expected):
    with pytest.raises(ValueError, match=expected):
        make()
