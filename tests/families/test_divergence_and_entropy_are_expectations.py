import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from softglm.families import Bernoulli, Categorical, Multinomial

# Quadrature by the trapezoid rule; the coarsest, for Dirichlet, is good to 1e-10.
QUADRATURE = {"rtol": 1e-9, "atol": 1e-9}
# KL divergences are differences of numbers of order 10.
ROUNDING = {"rtol": 1e-9, "atol": 1e-11}

seeds = st.integers(0, 2**32 - 1)


def two_distributions(case, seed):
    normals = np.random.default_rng(seed).normal(size=(2, case.family.n_parameters, 5))
    return case.to_eta(normals[0]), case.to_eta(normals[1])


def inner(a, b):
    return (a * b).sum(axis=0)


def test_probabilities_sum_to_one(case):
    np.testing.assert_allclose(case.expectations(lambda _: 1.0, case.eta), 1.0, **QUADRATURE)


def test_entropy_is_the_expected_surprise(case):
    def surprise(eta):
        return -case.family.log_probability(case.support, eta)

    np.testing.assert_allclose(case.family.entropy(case.eta), case.expectations(surprise, case.eta), **QUADRATURE)


def test_mean_log_carrier_is_an_expectation(case):
    average = case.expectations(lambda _: case.family.log_carrier(case.support), case.eta)
    np.testing.assert_allclose(case.family.mean_log_carrier(case.eta), average, **QUADRATURE)


def test_kl_divergence_is_the_expected_log_ratio_under_the_first(case):
    for eta in case.eta.T:
        other = np.broadcast_to(eta[:, np.newaxis], case.eta.shape)

        def log_ratio(column, eta=eta):
            ours, theirs = (case.family.log_probability(case.support, each) for each in (column, eta[:, np.newaxis]))
            return ours - theirs

        np.testing.assert_allclose(
            case.family.kl_divergence(case.eta, other),
            case.expectations(log_ratio, case.eta),
            **QUADRATURE,
        )


@given(seed=seeds)
def test_kl_divergence_is_positive_and_zero_only_at_equality(case, seed):
    eta, other = two_distributions(case, seed)
    assert (case.family.kl_divergence(eta, other) > 0).all()
    np.testing.assert_array_equal(case.family.kl_divergence(eta, eta), 0.0)


@given(seed=seeds)
def test_kl_divergence_is_the_bregman_divergence_of_the_conjugate(case, seed):
    family = case.family
    eta, other = two_distributions(case, seed)
    mean, other_mean = family.mean(eta), family.mean(other)
    tangent = family.conjugate(other_mean) + inner(family.natural_parameter(other_mean), mean - other_mean)
    np.testing.assert_allclose(family.conjugate(mean) - tangent, family.kl_divergence(eta, other), **ROUNDING)


@given(seed=seeds)
def test_the_conjugate_is_the_largest_excess_of_a_line_over_a(case, seed):
    family = case.family
    eta, other = two_distributions(case, seed)
    conjugate = family.conjugate(family.mean(eta))
    np.testing.assert_allclose(conjugate, inner(eta, family.mean(eta)) - family.log_normalizer(eta), **ROUNDING)
    excess = inner(other, family.mean(eta)) - family.log_normalizer(other)
    assert (conjugate > excess).all()


@given(seed=seeds)
def test_there_is_room_up_to_the_end_of_the_mean_space(unconstrained_case, seed):
    family, rng = unconstrained_case.family, np.random.default_rng(seed)
    basis = family.identifiable_directions
    mean = family.mean(unconstrained_case.to_eta(rng.normal(size=family.n_parameters)))
    direction = basis @ rng.normal(size=basis.shape[1])
    room = family.steps_to_boundary(mean, direction)
    # Just inside there is a distribution, and just outside there is none, or no end in sight.
    family.natural_parameter(mean + 0.999 * room * direction)
    if np.abs(room * direction).max() < 0.999:
        with pytest.raises(ValueError, match="mean"):
            family.natural_parameter(mean + 1.001 * room * direction)


@pytest.mark.parametrize(
    ("family", "end", "inside"),
    [
        (Bernoulli(), [0.0], [1e-12]),
        (Bernoulli(), [1.0], [1.0 - 1e-12]),
        (Categorical(3), [0.25, 0.0, 0.75], [0.25, 1e-12, 0.75 - 1e-12]),
        (Categorical(2), [0.0, 1.0], [1e-12, 1.0 - 1e-12]),
    ],
)
def test_the_conjugate_is_continuous_up_to_where_a_class_never_occurs(family, end, inside):
    np.testing.assert_allclose(family.conjugate(np.array(end)), family.conjugate(np.array(inside)), atol=1e-10)


@pytest.mark.parametrize(
    ("family", "beyond"),
    [
        (Bernoulli(), [1.5]),
        (Bernoulli(), [np.nan]),
        (Categorical(2), [-0.5, 1.5]),
        (Categorical(2), [0.3, 0.3]),
        (Categorical(2), [np.nan, 1.0]),
    ],
)
def test_beyond_the_mean_space_there_is_no_conjugate(family, beyond):
    with pytest.raises(ValueError, match="mean"):
        family.conjugate(np.array(beyond))


def test_the_conjugate_of_a_rare_event_keeps_its_digits():
    # m log(m) + (1 - m) log(1 - m) = m (log(m) - 1), but for m squared.
    np.testing.assert_allclose(Bernoulli().conjugate(np.array([1e-20])), 1e-20 * (np.log(1e-20) - 1.0), rtol=1e-14)


def test_the_conjugate_of_many_throws_is_that_of_all_of_them():
    counts = np.array([0.0, 1.0, 4.0])
    np.testing.assert_allclose(Multinomial(3, 5).conjugate(counts), 5 * Categorical(3).conjugate(counts / 5))
