import numpy as np
import pytest
from scipy.special import expit

from softglm.families import Bernoulli, Categorical, Gaussian, Multinomial, Poisson

# Where A is as large as 1e8, a difference of two is good to 1e-16 of that.
ROUNDING = 1e-7


def corners(family, size):
    """Every vector of -size, 0 and size, of shape (q, 3^q)."""
    q = family.n_parameters
    return size * (np.indices((3,) * q).reshape(q, -1) - 1.0)


@pytest.mark.parametrize(
    ("family", "size"),
    [
        (Bernoulli(), 1e4),
        (Categorical(3), 1e4),
        (Multinomial(3, n_trials=5), 1e4),
        (Gaussian(), 1e4),
        (Poisson(), 700.0),
    ],
)
def test_everything_is_finite_at_large_eta(family, size):
    eta = corners(family, size)
    for name in "log_normalizer", "mean", "fisher_information", "mean_log_carrier", "entropy":
        assert np.isfinite(getattr(family, name)(eta)).all(), name
    here, there = (each.reshape(len(eta), -1) for each in np.broadcast_arrays(eta[:, :, None], eta[:, None]))
    divergence = family.kl_divergence(here, there)
    assert np.isfinite(divergence).all()
    assert (divergence[(here == there).all(axis=0)] == 0).all()


def test_poisson_beyond_the_range_is_infinite_and_never_nan():
    eta = np.array([[709.0, 710.0, 1e4, -1e4]])
    log_normalizer, mean = Poisson().normalizer_and_mean(eta.copy())
    np.testing.assert_array_equal(np.isinf(log_normalizer), [False, True, True, False])
    np.testing.assert_array_equal(mean[0], log_normalizer)


def test_bernoulli_is_exact_in_both_tails():
    eta = np.linspace(-700.0, 700.0, 2001)[np.newaxis]
    log_normalizer, mean = Bernoulli().normalizer_and_mean(eta.copy())
    np.testing.assert_allclose(mean, expit(eta), rtol=1e-15)
    np.testing.assert_allclose(log_normalizer, np.logaddexp(0.0, eta[0]), rtol=1e-15)


@pytest.mark.parametrize("farthest", [30.0, 700.0])
def test_both_probabilities_of_a_coin_are_exact_in_both_tails(farthest):
    eta = np.linspace(-farthest, farthest, 2001)[np.newaxis]
    expected = expit(np.concatenate([-eta, eta]))
    np.testing.assert_allclose(Bernoulli().probabilities(eta), expected, rtol=1e-15)
    assert eta[0, 0] == -farthest


def test_poisson_entropy_has_no_seam_where_the_sum_hands_over_to_the_series():
    below, above = (Poisson().mean_log_carrier(np.log([[x]])) for x in (999.999999, 1000.000001))
    slope = (above - below) / 2e-6
    # d/dmu E[-log Y!] = -E[log(Y + 1)], which is within 1/mu of -log(mu).
    np.testing.assert_allclose(slope, -np.log(1000.0), atol=2e-3)


def test_poisson_entropy_of_a_large_mean_is_that_of_a_gaussian():
    mean = 1e6
    entropy = Poisson().entropy(np.log([mean]))
    np.testing.assert_allclose(entropy, 0.5 * np.log(2 * np.pi * np.e * mean) - 1 / (12 * mean), atol=ROUNDING)
